import { RivuletError } from '../errors.js';
import { countRows } from '../query/decode.js';
import type { RelatedPlan, RowNode } from '../query/types.js';
import type { Limits } from './limits.js';

/** A list's `limit`: the default where there is none. Throws `LIMIT_INVALID`. */
export function limitOf(limits: Limits, limit: number | null | undefined, name = 'limit'): number {
  if (limit === undefined || limit === null) return limits.defaultRows;
  return bounded(name, limit, limits.maxRows);
}

/** Throws `LIMIT_INVALID` where it is negative or too large. */
export function offsetOf(limits: Limits, offset: number | null | undefined): number {
  return bounded('offset', offset ?? 0, limits.maxOffset);
}

function bounded(name: string, value: number, maximum: number): number {
  if (value >= 0 && value <= maximum) return value;
  throw new RivuletError('LIMIT_INVALID', `\`${name}\` must be from 0 to ${maximum}, not ${value}`, {
    maximum,
  });
}

/** Throws `QUERY_TOO_LARGE` where the limits of nested lists, multiplied, allow too many rows. */
export function assertPossibleRows(limits: Limits, plan: Countable): void {
  const possible = possibleRows(plan);
  if (possible <= limits.maxPossibleRows) return;
  throw new RivuletError(
    'QUERY_TOO_LARGE',
    `By its limits the answer could have ${possible} rows; at most ${limits.maxPossibleRows} are allowed`,
    { possible, maximum: limits.maxPossibleRows },
  );
}

interface Countable {
  readonly limit: number | null;
  readonly related: readonly RelatedPlan[];
}

/** As many rows as the limits of nested lists allow, multiplied. */
export function possibleRows({ limit, related }: Countable): number {
  const below = related.reduce((sum, each) => sum + possibleRows(each.plan), 0);
  return (limit ?? 1) * (1 + below);
}

/** Throws `QUERY_TOO_LARGE` where an answer has too many rows. */
export function assertTotalRows(limits: Limits, rows: readonly RowNode[]): void {
  const total = countRows(rows);
  if (total <= limits.maxTotalRows) return;
  throw new RivuletError(
    'QUERY_TOO_LARGE',
    `The answer has ${total} rows; at most ${limits.maxTotalRows} are allowed in one answer`,
    { maximum: limits.maxTotalRows },
  );
}
