import { useDraggable } from '@dnd-kit/core';
import type { KeyboardEvent } from 'react';
import type { Task } from '../model.js';
import { Avatar } from '../ui/avatar.js';
import { dayOf, isPast } from '../ui/dates.js';
import { Bubble, Calendar, Flag, Hourglass } from '../ui/icons.js';
import { LabelChip } from '../ui/label-chip.js';

interface CardProps {
  readonly task: Task;
  readonly canMove: boolean;
  readonly isOpen: boolean;
  onOpen(): void;
  onKey(event: KeyboardEvent): void;
}

/** A card in its column: opened by a click, moved by dragging or by Shift and an arrow. */
export function Card({ task, canMove, isOpen, onOpen, onKey }: CardProps) {
  const { setNodeRef, listeners, isDragging } = useDraggable({ id: task.id, disabled: !canMove });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button may not hold what a card shows
    <div
      ref={setNodeRef}
      className={['card', isDragging && 'dragged', isOpen && 'open'].filter(Boolean).join(' ')}
      data-task={task.id}
      role="button"
      tabIndex={0}
      aria-keyshortcuts={
        canMove ? 'Shift+ArrowUp Shift+ArrowDown Shift+ArrowLeft Shift+ArrowRight' : undefined
      }
      onClick={onOpen}
      onKeyDown={onKey}
      {...listeners}
    >
      <CardContent task={task} />
    </div>
  );
}

export function CardContent({ task }: { readonly task: Task }) {
  const { title, labels, assignee, comments, dueOn, estimate, priority, status } = task;
  return (
    <>
      {labels.length > 0 && (
        <div className="card-labels">
          {labels.map((label) => (
            <LabelChip key={label.id} label={label} />
          ))}
        </div>
      )}
      <h3>{title}</h3>
      <div className="card-foot">
        {priority > 0 && (
          <span className="fact" title={`Priority ${priority}`}>
            <Flag />
            {priority}
          </span>
        )}
        {dueOn != null && (
          <span className={isPast(dueOn) && status !== 'done' ? 'fact late' : 'fact'} title={`Due ${dueOn}`}>
            <Calendar />
            {dayOf(dueOn)}
          </span>
        )}
        {estimate != null && (
          <span className="fact" title={`Estimated ${Number(estimate)} hours`}>
            <Hourglass />
            {Number(estimate)} h
          </span>
        )}
        {comments.length > 0 && (
          <span className="fact" title={comments.length === 1 ? '1 comment' : `${comments.length} comments`}>
            <Bubble />
            {comments.length}
          </span>
        )}
        {assignee && <Avatar id={assignee.id} name={assignee.name} size="small" />}
      </div>
    </>
  );
}
