import { useDroppable } from '@dnd-kit/core';
import { Fragment, type KeyboardEvent } from 'react';
import type { Status, Task } from '../model.js';
import { Card } from './card.js';
import { NewTask } from './new-task.js';

interface ColumnProps {
  readonly status: Status;
  readonly title: string;
  readonly tasks: readonly Task[];
  readonly canWrite: boolean;
  readonly openTaskId: string | null;
  readonly draggedId: string | null;
  /**
   * Before which of the cards, not counting the dragged one, it would be dropped; `null` where over
   * another column.
   */
  readonly dropIndex: number | null;
  onOpen(taskId: string): void;
  onKey(task: Task, event: KeyboardEvent): void;
  onCreate(title: string): Promise<boolean>;
}

export function Column(props: ColumnProps) {
  const { status, title, tasks, canWrite, openTaskId, draggedId, dropIndex, onOpen, onKey, onCreate } = props;
  const { setNodeRef } = useDroppable({ id: status });
  const others = tasks.filter(({ id }) => id !== draggedId);
  const next = dropIndex === null ? undefined : (others[dropIndex]?.id ?? null);
  return (
    <section
      ref={setNodeRef}
      className={dropIndex === null ? 'column' : 'column target'}
      data-status={status}
      aria-label={title}
    >
      <header>
        <span className="status-mark" />
        <h2>{title}</h2>
        <span className="count">{tasks.length}</span>
      </header>
      <div className="cards">
        {tasks.map((task) => (
          <Fragment key={task.id}>
            {next === task.id && <div className="drop-line" />}
            <Card
              task={task}
              canMove={canWrite}
              isOpen={task.id === openTaskId}
              onOpen={() => onOpen(task.id)}
              onKey={(event) => onKey(task, event)}
            />
          </Fragment>
        ))}
        {next === null && <div className="drop-line" />}
        {tasks.length === 0 && next === undefined && <p className="nothing">Nothing here</p>}
        {canWrite && <NewTask onCreate={onCreate} />}
      </div>
    </section>
  );
}
