import type { Exchange, Operation, OperationResult } from '@urql/core';
import { filter, map, merge, pipe, type Source, tap } from 'wonka';
import { isEqual } from '../core/equal.js';
import { shareEqual } from '../core/live/index.js';
import { isObject } from '../core/row.js';
import { UNASKED } from './telling.js';

/** What is known of live operations, by their key. */
export interface LiveOperations {
  /** Those that are live now. */
  readonly watched: Set<number>;
  /** Those of them that may be old. */
  readonly stale: Set<number>;
}

export interface Shown {
  /** Runs `say`, which hands the cache a live result with this data. */
  saying(key: number, data: unknown, say: () => void): void;
  /** Whether the cache still says what it said when it was handed this data last. */
  isShown(key: number, data: unknown): boolean;
  /** What the cache says of a live operation. */
  dataOf(key: number): unknown;
  /** Stands before the cache, which gets `more` besides. */
  readonly exchange: (toNetwork: (operation: Operation) => Operation, more: Source<Operation>) => Exchange;
}

/** What a cache was handed, and what it made of that. */
interface Said {
  readonly given: unknown;
  readonly data: unknown;
}

/** What watchers of queries get to see: what did not change as the same object. */
export function createShown({ watched, stale }: LiveOperations): Shown {
  const last = new Map<number, OperationResult>();
  /** What the cache says now. */
  const cached = new Map<number, unknown>();
  const said = new Map<number, Said>();
  let saying: { readonly key: number; readonly given: unknown } | undefined;

  const note = ({ operation: { key }, data }: OperationResult): void => {
    if (!watched.has(key)) return;
    cached.set(key, data);
    if (saying?.key === key) said.set(key, { given: saying.given, data });
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

  return {
    saying: (key, given, say) => {
      saying = { key, given };
      try {
        say();
      } finally {
        saying = undefined;
      }
    },
    isShown: (key, given) => {
      const known = said.get(key);
      return known !== undefined && isSame(known.given, given) && isEqual(known.data, cached.get(key));
    },
    dataOf: (key) => cached.get(key),
    exchange:
      (toNetwork, more) =>
      ({ forward }) =>
      (operations$) => {
        const forget = ({ kind, key }: Operation) => {
          if (kind !== 'teardown') return;
          last.delete(key);
          cached.delete(key);
          said.delete(key);
        };
        return pipe(
          forward(merge([pipe(operations$, tap(forget), map(toNetwork)), more])),
          filter(({ operation }) => operation.context[UNASKED] !== true),
          tap(note),
          map(shared),
        );
      },
  };
}

/** The same object in each field. */
function isSame(one: unknown, other: unknown): boolean {
  if (!isObject(one) || !isObject(other)) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
