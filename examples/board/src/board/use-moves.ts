import { useCallback, useMemo, useState } from 'react';
import { UPDATE_TASK } from '../documents.js';
import { byPosition, type Status, type Task } from '../model.js';
import { useWrite } from '../write.js';
import { positionAt, type Target } from './place.js';

/** A card's place after a move in this window. */
interface Move {
  readonly status: Status;
  readonly position: number;
  /** When the server wrote it; `null` until it answers. */
  readonly writtenAt: number | null;
}

export interface Moves {
  /** The tasks, each where it was put last. */
  readonly tasks: readonly Task[];
  move(task: Task, target: Target): void;
}

/**
 * Moves show at once, and give way to the live data as soon as that is as new as the server's
 * answer.
 */
export function useMoves(live: readonly Task[]): Moves {
  const write = useWrite();
  const [moves, setMoves] = useState<ReadonlyMap<string, Move>>(new Map());

  const tasks = useMemo(() => {
    const moved = live.map((task) => {
      const move = moves.get(task.id);
      if (move === undefined || hasArrived(move, task)) return task;
      return { ...task, status: move.status, position: move.position };
    });
    return moved.sort(byPosition);
  }, [live, moves]);

  const put = useCallback(
    async (id: string, status: Status, position: number) => {
      const made: Move = { status, position, writtenAt: null };
      setMoves((current) => new Map(current).set(id, made));
      const answer = await write(UPDATE_TASK, { id, set: { status, position } });
      const updatedAt = answer?.updateTask?.updatedAt;
      setMoves((current) => {
        // A later move of the same card has its own answer to come.
        if (current.get(id) !== made) return current;
        const next = new Map(current);
        if (updatedAt === undefined) next.delete(id);
        else next.set(id, { ...made, writtenAt: Date.parse(updatedAt) });
        return next;
      });
    },
    [write],
  );

  const move = useCallback(
    (task: Task, { status, index }: Target) => {
      const others = tasks.filter((each) => each.status === status && each.id !== task.id);
      const position = positionAt(others, index);
      if (position !== null) {
        void put(task.id, status, position);
        return;
      }
      const column = [...others.slice(0, index), task, ...others.slice(index)];
      for (const [place, each] of column.entries()) void put(each.id, status, place + 1);
    },
    [tasks, put],
  );
  return { tasks, move };
}

function hasArrived({ writtenAt }: Move, { updatedAt }: Task): boolean {
  return writtenAt !== null && Date.parse(updatedAt) >= writtenAt;
}
