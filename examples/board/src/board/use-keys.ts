import { type KeyboardEvent, useLayoutEffect, useRef, useState } from 'react';
import { STATUSES, type Task, titleOf } from '../model.js';
import type { Target } from './place.js';

interface KeysOptions {
  readonly tasks: readonly Task[];
  readonly canMove: boolean;
  onOpen(taskId: string): void;
  onMove(task: Task, target: Target): void;
}

/**
 * Arrows go from card to card; with Shift they take the card along. `said` is for screen readers.
 */
export function useKeys({ tasks, canMove, onOpen, onMove }: KeysOptions) {
  const [said, setSaid] = useState('');
  const focusNext = useRef<string | null>(null);
  const columns = STATUSES.map(({ status }) => tasks.filter((task) => task.status === status));

  // A card that changes its column is another element there. The focus moves with it before the next key
  // can arrive: an effect after the paint would let a fast key go to nothing.
  useLayoutEffect(() => {
    if (focusNext.current !== null) focus(focusNext.current);
    focusNext.current = null;
  });

  const onKey = (task: Task, event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onOpen(task.id);
      return;
    }
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const from = columns.findIndex((column) => column.includes(task));
    const row = columns[from]!.indexOf(task);
    const to = from + step.column;
    const column = columns[to];
    if (column === undefined) return;
    const last = column.length - 1;
    if (!event.shiftKey) {
      const next = column[Math.min(row + step.row, last)];
      if (next) focus(next.id);
      return;
    }
    const index = step.column === 0 ? row + step.row : Math.min(row, column.length);
    if (!canMove || index < 0 || (step.column === 0 && index > last)) return;
    const { status } = STATUSES[to]!;
    focusNext.current = task.id;
    onMove(task, { status, index });
    setSaid(`${task.title}: ${titleOf(status)}, place ${index + 1}`);
  };
  return { said, onKey };
}

const STEPS: Readonly<Record<string, { readonly column: number; readonly row: number }>> = {
  ArrowUp: { column: 0, row: -1 },
  ArrowDown: { column: 0, row: 1 },
  ArrowLeft: { column: -1, row: 0 },
  ArrowRight: { column: 1, row: 0 },
};

function focus(taskId: string): void {
  document.querySelector<HTMLElement>(`[data-task="${CSS.escape(taskId)}"]`)?.focus();
}
