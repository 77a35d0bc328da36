import type { EntityReference } from '../../cache.js';
import { isEqual } from '../../equal.js';
import { isObject } from '../../row.js';
import type { RowReading } from '../row-reading.js';

/** The first difference of two trees of the same reading. */
export interface TreeDifference {
  readonly path: string;
  readonly cached: unknown;
  readonly truth: unknown;
  /** Rows of which a change would explain it, the likeliest first. */
  readonly rows: readonly EntityReference[];
}

/**
 * The first place at which a tree is another than the true one; `undefined` where they show the
 * same. What is not shown does not count.
 */
export function firstDifference(
  reading: RowReading,
  cached: unknown,
  truth: unknown,
  path: string,
): TreeDifference | undefined {
  if (Array.isArray(cached) && Array.isArray(truth)) return inLists(reading, cached, truth, path);
  if (!isObject(cached) || !isObject(truth) || cached.id !== truth.id) {
    if (cached === truth || (!isObject(cached) && !isObject(truth) && isEqual(cached, truth)))
      return undefined;
    return { path, cached, truth, rows: rowsOf(reading, truth, cached) };
  }
  for (const { name, responseKey, shown } of reading.columns) {
    if (!shown || isEqual(cached[name], truth[name])) continue;
    const rows = rowsOf(reading, truth);
    return { path: `${path}.${responseKey}`, cached: cached[name], truth: truth[name], rows };
  }
  for (const { relation, responseKey, row } of reading.relations) {
    const name = relation.name;
    const found = firstDifference(row, cached[name], truth[name], `${path}.${responseKey}`);
    if (found) return { ...found, rows: [...found.rows, ...rowsOf(reading, truth)] };
  }
  return undefined;
}

function inLists(
  reading: RowReading,
  cached: readonly unknown[],
  truth: readonly unknown[],
  path: string,
): TreeDifference | undefined {
  const has = (list: readonly unknown[], item: unknown) => list.some((each) => idOf(each) === idOf(item));
  const most = Math.max(cached.length, truth.length);
  for (let at = 0; at < most; at++) {
    const [one, other] = [cached[at], truth[at]];
    const place = `${path}[${at}]`;
    if (at < cached.length && at < truth.length && idOf(one) === idOf(other)) {
      const found = firstDifference(reading, one, other, place);
      if (found) return found;
      continue;
    }
    // A row in only one of them is the reason; otherwise a row moved.
    const missing = other !== undefined && !has(cached, other) ? [other] : [];
    const extra = one !== undefined && !has(truth, one) ? [one] : [];
    const rows = rowsOf(reading, ...missing, ...extra, other, one);
    return { path: place, cached: one, truth: other, rows };
  }
  return undefined;
}

function idOf(row: unknown): unknown {
  return isObject(row) ? row.id : row;
}

function rowsOf({ table }: RowReading, ...rows: readonly unknown[]): readonly EntityReference[] {
  return rows.flatMap((row) =>
    isObject(row) && typeof row.id === 'string' ? [{ table: table.name, key: row.id }] : [],
  );
}

export interface DataDifference {
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/**
 * The first place at which data lacks something or shows another value. What it shows besides does
 * not count.
 */
export function firstUnequal(expected: unknown, actual: unknown, path: string): DataDifference | undefined {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const most = Math.max(expected.length, actual.length);
    for (let at = 0; at < most; at++) {
      const found = firstUnequal(expected[at], actual[at], `${path}[${at}]`);
      if (found) return found;
    }
    return undefined;
  }
  if (isObject(expected) && isObject(actual)) {
    for (const [name, value] of Object.entries(expected)) {
      // Some clients show it, some hide it.
      if (name === '__typename') continue;
      const found = firstUnequal(value, actual[name], path === '' ? name : `${path}.${name}`);
      if (found) return found;
    }
    return undefined;
  }
  return isEqual(expected, actual) ? undefined : { path, expected, actual };
}
