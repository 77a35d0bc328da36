import {
  type CollisionDetection,
  closestCenter,
  type DragMoveEvent,
  MouseSensor,
  pointerWithin,
  TouchSensor,
  useSensor,
  useSensors,
} from '@dnd-kit/core';
import { useState } from 'react';
import type { Status, Task } from '../model.js';
import type { Target } from './place.js';

interface Drag {
  readonly task: Task;
  readonly target: Target | null;
}

/** The column under the pointer; beside all columns, the nearest. */
const columnUnderPointer: CollisionDetection = (args) => {
  const within = pointerWithin(args);
  return within.length > 0 ? within : closestCenter(args);
};

/**
 * A drag from its begin to its end. `onDrop` is called where a card was dropped somewhere else than
 * it was.
 */
export function useDrag(tasks: readonly Task[], onDrop: (task: Task, target: Target) => void) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    // A finger that moves at once scrolls.
    useSensor(TouchSensor, { activationConstraint: { delay: 220, tolerance: 8 } }),
  );
  const find = (id: unknown): Task | undefined => tasks.find((task) => task.id === id);
  const aim = ({ active, over }: Pick<DragMoveEvent, 'active' | 'over'>) => {
    const task = find(active.id);
    if (task === undefined) return null;
    const rect = active.rect.current.translated;
    const status = over?.id as Status | undefined;
    const target =
      status && rect ? { status, index: indexAt(status, task.id, rect.top + rect.height / 2) } : null;
    return { task, target };
  };
  return {
    drag,
    context: {
      sensors,
      collisionDetection: columnUnderPointer,
      onDragStart: (event: Pick<DragMoveEvent, 'active'>) => setDrag(aim({ ...event, over: null })),
      onDragMove: (event: DragMoveEvent) => {
        setDrag((current) => {
          const next = aim(event);
          return current !== null && next !== null && isSame(current.target, next.target) ? current : next;
        });
      },
      onDragCancel: () => setDrag(null),
      onDragEnd: (event: Pick<DragMoveEvent, 'active' | 'over'>) => {
        const end = aim(event);
        setDrag(null);
        if (end?.target && !isPlaceOf(tasks, end.task, end.target)) onDrop(end.task, end.target);
      },
    },
  };
}

/** Before how many of the column's other cards a height lies. */
function indexAt(status: Status, draggedId: string, y: number): number {
  const cards = document.querySelectorAll<HTMLElement>(`.column[data-status="${status}"] [data-task]`);
  const others = [...cards].filter((card) => card.dataset.task !== draggedId);
  const after = others.findIndex((card) => {
    const { top, height } = card.getBoundingClientRect();
    return y < top + height / 2;
  });
  return after === -1 ? others.length : after;
}

function isSame(left: Target | null, right: Target | null): boolean {
  return left?.status === right?.status && left?.index === right?.index;
}

function isPlaceOf(tasks: readonly Task[], task: Task, { status, index }: Target): boolean {
  const column = tasks.filter((each) => each.status === status);
  return column.indexOf(task) === index;
}
