import { type Exchange, makeOperation, type Operation, type OperationResult } from '@urql/core';
import { filter, makeSubject, map, merge, pipe, type Source, tap } from 'wonka';
import { isEqual } from '../core/equal.js';
import { shareEqual } from '../core/live/index.js';
import { isObject } from '../core/row.js';
import { UNSOLICITED } from './cache-notifier.js';

/** Live operations, by key. */
export interface LiveOperations {
  /** Those that are live now. */
  readonly watched: Set<number>;
  /** Those of them that may be old. */
  readonly stale: Set<number>;
}

export interface ResultLedger {
  /** Runs `say`, which hands the cache a live result with this data. */
  saying(key: number, data: unknown, say: () => void): void;
  /** True if the cache still shows the result that it showed when it received this data last. */
  isShown(key: number, data: unknown): boolean;
  /** The data that the cache was handed last, if it still says what it made of that. */
  given(key: number): unknown;
  /**
   * Shows what the cache says now that it was handed the rows of this data which are others than in
   * what it was given last. False where it does not say the whole, or says more anew than these
   * rows: then nothing is shown.
   */
  reading(key: number, data: unknown, extensions: OperationResult['extensions']): boolean;
  /** The cache's data of a live operation. */
  dataOf(key: number): unknown;
  /** Stands before the cache, which gets `more` besides. */
  readonly exchange: (toNetwork: (operation: Operation) => Operation, more: Source<Operation>) => Exchange;
}

/** Data that the cache received, and the data that it then showed. */
interface LedgerEntry {
  readonly given: unknown;
  readonly data: unknown;
}

/** A read of what the cache says, after rows were written into it. */
interface LedgerRead {
  readonly key: number;
  readonly before: unknown;
  readonly after: unknown;
  /** The cache's data when `before` was the newest. */
  readonly was: unknown;
  readonly extensions: OperationResult['extensions'];
  isShown: boolean;
}

/** Results for watchers of queries, in which unchanged data is the same object. */
export function createResultLedger({ watched, stale }: LiveOperations): ResultLedger {
  const last = new Map<number, { readonly result: OperationResult; readonly source: unknown }>();
  /** The cache's current data. */
  const cached = new Map<number, unknown>();
  const said = new Map<number, LedgerEntry>();
  let saying: { readonly key: number; readonly given: unknown } | undefined;
  let reading: LedgerRead | undefined;
  const reads = makeSubject<Operation>();

  const given = (key: number): unknown => {
    const known = said.get(key);
    return known && isEqual(known.data, cached.get(key)) ? known.given : undefined;
  };
  /** A read that only the plugin requested is shown as expected, or not at all. */
  const isExpected = ({ operation: { key, context }, data, stale: isOld }: OperationResult): boolean => {
    if (reading?.key !== key) return true;
    const { before, after, was } = reading;
    const isWhole = context.meta?.cacheOutcome === 'hit' && !isOld;
    reading.isShown = isWhole && isSameAtOtherPlaces(before, after, was, data);
    return reading.isShown;
  };

  const note = ({ operation: { key }, data }: OperationResult): void => {
    if (!watched.has(key)) return;
    cached.set(key, data);
    if (saying?.key === key) said.set(key, { given: saying.given, data });
    if (reading?.key === key) said.set(key, { given: reading.after, data });
  };
  /**
   * A cache builds a new tree for each answer; here what did not change is the same object again.
   */
  const shared = (result: OperationResult): OperationResult => {
    const { key } = result.operation;
    if (!watched.has(key)) return result;
    const before = last.get(key);
    const data = shareEqual(before?.result.data, result.data, before?.source);
    const extensions = reading?.key === key ? reading.extensions : result.extensions;
    if (reading?.key === key) reading = undefined;
    const { extensions: _, ...rest } = result;
    const shown = { ...rest, data, ...(extensions && { extensions }), stale: result.stale || stale.has(key) };
    last.set(key, { result: shown, source: result.data });
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
    isShown: (key, data) => said.has(key) && isSame(given(key), data),
    given,
    reading: (key, after, extensions) => {
      const [before, operation] = [said.get(key)?.given, last.get(key)?.result.operation];
      if (!operation) return false;
      const own: LedgerRead = { key, before, after, was: cached.get(key), extensions, isShown: false };
      reading = own;
      try {
        reads.next(makeOperation('query', operation, { ...operation.context, requestPolicy: 'cache-first' }));
      } finally {
        reading = undefined;
      }
      return own.isShown;
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
          forward(merge([pipe(operations$, tap(forget), map(toNetwork)), more, reads.source])),
          filter(({ operation }) => operation.context[UNSOLICITED] !== true),
          filter(isExpected),
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

/**
 * True if rows that are equal in `before` and `after` are also equal in the cache's old and new
 * data.
 */
function isSameAtOtherPlaces(before: unknown, after: unknown, was: unknown, is: unknown): boolean {
  if (!isObject(before) || !isObject(after) || !isObject(was) || !isObject(is)) return false;
  return Object.keys(after).every((name) => {
    const [old, now, said, says] = [before[name], after[name], was[name], is[name]];
    if (old === now) return said === says;
    const lists = [old, now, said, says];
    if (!lists.every(Array.isArray)) return !lists.some(Array.isArray);
    const [olds, nows, saids, all] = lists as readonly (readonly unknown[])[];
    return (
      all!.length === nows!.length &&
      all!.length === saids!.length &&
      nows!.every((row, at) => row !== olds![at] || saids![at] === all![at])
    );
  });
}
