import type { Status, Task } from '../model.js';

/** The place of a card: before the `index`th of the column's other cards. */
export interface Target {
  readonly status: Status;
  readonly index: number;
}

/**
 * The position of a card between two others, `undefined` being an end. `null` where there is no
 * number between theirs any more, and the column has to be numbered anew.
 */
export function positionBetween(before: number | undefined, after: number | undefined): number | null {
  if (before === undefined) return after === undefined ? 1 : after - 1;
  if (after === undefined) return before + 1;
  const middle = before + (after - before) / 2;
  return before < middle && middle < after ? middle : null;
}

/** `others`: the target column's cards in order, without the one that moves. */
export function positionAt(others: readonly Task[], index: number): number | null {
  const at = (place: number): number | undefined => {
    const task = others[place];
    return task === undefined ? undefined : Number(task.position);
  };
  return positionBetween(at(index - 1), at(index));
}
