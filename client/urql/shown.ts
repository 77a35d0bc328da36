import type { Exchange, Operation, OperationResult } from '@urql/core';
import { filter, makeSubject, map, merge, pipe, type Source, tap } from 'wonka';
import { shareEqual } from '../core/live/index.js';
import { UNASKED } from './telling.js';

/** What is known of live operations, by their key. */
export interface LiveOperations {
  /** Those that are live now. */
  readonly watched: Set<number>;
  /** Those of them that may be old. */
  readonly stale: Set<number>;
  /** Those whose result is being said again. */
  readonly repeated: Set<number>;
}

export interface Shown {
  /** Stands before the cache, which gets `more` besides. */
  readonly exchange: (toNetwork: (operation: Operation) => Operation, more: Source<Operation>) => Exchange;
  /** What the cache says while and right after `emit` runs is shown at its end, once an operation. */
  batch(emit: () => void): void;
}

/** What watchers of queries get to see: nothing twice, nothing half, and what did not change as the same object. */
export function createShown({ watched, stale, repeated }: LiveOperations): Shown {
  const last = new Map<number, OperationResult>();
  const held = new Map<number, OperationResult>();
  const released = makeSubject<OperationResult>();
  let isHolding = false;

  const release = (): void => {
    isHolding = false;
    const results = [...held.values()];
    held.clear();
    for (const result of results) released.next(result);
  };
  const hold = (result: OperationResult): boolean => {
    const { key, kind } = result.operation;
    if (!isHolding || kind !== 'query') return false;
    // The cache answers again what depends on what it was told; it does not know the error.
    const error = result.error ?? held.get(key)?.error;
    held.set(key, error === result.error ? result : { ...result, error });
    return true;
  };
  /** A cache builds a new tree for each answer; here what did not change is the same object again. */
  const shared = (result: OperationResult): OperationResult => {
    const { key } = result.operation;
    if (!watched.has(key)) return result;
    const data = shareEqual(last.get(key)?.data, result.data);
    const shown = { ...result, data, stale: result.stale || stale.has(key) };
    last.set(key, shown);
    return shown;
  };
  const isNews = (result: OperationResult): boolean => {
    const { key } = result.operation;
    const before = last.get(key);
    if (!repeated.has(key) || !before || result.error || before.error) return true;
    return before.stale !== result.stale || shareEqual(before.data, result.data) !== before.data;
  };

  return {
    exchange:
      (toNetwork, more) =>
      ({ forward }) =>
      (operations$) => {
        const forget = ({ kind, key }: Operation) => {
          if (kind !== 'teardown') return;
          last.delete(key);
          held.delete(key);
        };
        const results$ = pipe(
          forward(merge([pipe(operations$, tap(forget), map(toNetwork)), more])),
          filter(({ operation }) => operation.context[UNASKED] !== true),
          filter(isNews),
          filter((result) => !hold(result)),
        );
        return pipe(merge([results$, released.source]), map(shared));
      },
    batch: (emit) => {
      isHolding = true;
      try {
        emit();
      } finally {
        // What depends on it is asked of the cache in the microtasks that were queued meanwhile.
        queueMicrotask(release);
      }
    },
  };
}
