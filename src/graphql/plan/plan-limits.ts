import { RivuletError } from '../../../shared/errors.js';
import { countRows } from '../../query/decode.js';
import { tooManyRows } from '../../query/row-cap.js';
import type { RelatedPlan, RowNode } from '../../query/types.js';
import type { QueryLimits } from '../schema/query-limits.js';

/** A list's `limit`, or the default. Throws `LIMIT_INVALID`. */
export function limitOf(limits: QueryLimits, limit: number | null | undefined, name = 'limit'): number {
  if (limit === undefined || limit === null) return limits.defaultRows;
  return bounded(name, limit, limits.maxRows);
}

/** Throws `LIMIT_INVALID` if it is negative or too large. */
export function offsetOf(limits: QueryLimits, offset: number | null | undefined): number {
  return bounded('offset', offset ?? 0, limits.maxOffset);
}

function bounded(name: string, value: number, maximum: number): number {
  if (value >= 0 && value <= maximum) return value;
  throw new RivuletError('LIMIT_INVALID', `\`${name}\` must be from 0 to ${maximum}, not ${value}`, {
    maximum,
  });
}

/**
 * Throws `QUERY_TOO_LARGE` if the limits of nested lists, multiplied, allow too many rows for all
 * plans together.
 */
export function assertPossibleRows(limits: QueryLimits, ...plans: readonly CountablePlan[]): void {
  const possible = allPossibleRows(plans);
  if (possible <= limits.maxPossibleRows) return;
  throw new RivuletError(
    'QUERY_TOO_LARGE',
    `By its limits the answer could have ${possible} rows; at most ${limits.maxPossibleRows} are allowed`,
    { possible, maximum: limits.maxPossibleRows },
  );
}

/** The facts of a plan that bound its number of rows. */
export interface CountablePlan {
  readonly limit: number | null;
  readonly related: readonly RelatedPlan[];
}

/** Number of rows that the limits of nested lists allow, multiplied. */
export function possibleRows({ limit, related }: CountablePlan): number {
  const below = related.reduce((sum, each) => sum + possibleRows(each.plan), 0);
  return (limit ?? 1) * (1 + below);
}

function allPossibleRows(plans: readonly CountablePlan[]): number {
  return plans.reduce((sum, plan) => sum + possibleRows(plan), 0);
}

/**
 * Number of rows after which a statement of these plans must stop; `null` if they cannot have more.
 */
export function rowCapOf(plans: readonly CountablePlan[], maximum: number): number | null {
  return allPossibleRows(plans) <= maximum ? null : maximum;
}

/** Throws `QUERY_TOO_LARGE` if a response has too many rows. */
export function assertTotalRows(limits: QueryLimits, rows: readonly RowNode[]): void {
  const total = countRows(rows);
  if (total > limits.maxTotalRows) throw tooManyRows(total, limits.maxTotalRows);
}
