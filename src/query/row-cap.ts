import { RivuletError } from '../../shared/errors.js';
import { codeOf, SQLSTATE } from '../database/errors.js';
import type { StatementParams } from '../sql/statement.js';

/**
 * In the message of the error with which a statement stops. A name no client can put there: values
 * are parameters.
 */
const MARK = 'rivulet: more rows than the cap:';

/** Local to the transaction, and so to a statement that runs outside of one. */
const COUNTER = `'rivulet.rows'`;

/**
 * An SQL condition that is true, counts `rows` (an expression) for the statement's cap, and stops
 * the statement with an error as soon as it has read more: past the cap nothing more is computed.
 * `null` where the statement has no cap.
 *
 * It is volatile, so that Postgres evaluates it once for each row that it shows, after sorting and
 * limiting.
 */
export function countedSql({ rowCap }: StatementParams, rows: string): string | null {
  if (rowCap === null) return null;
  const before = `coalesce(nullif(current_setting(${COUNTER}, true), ''), '0')::bigint`;
  const counted = `set_config(${COUNTER}, (${before} + ${rows})::text, true)::bigint`;
  const stop = `('${MARK} ' || current_setting(${COUNTER}))::boolean`;
  return `case when ${counted} <= ${BigInt(rowCap)} then true else ${stop} end`;
}

/**
 * The error of a statement with this cap: `QUERY_TOO_LARGE` where it stopped for it, any other as
 * it came.
 */
export function asRowCapError(error: unknown, rowCap: number | null): unknown {
  if (rowCap === null || codeOf(error) !== SQLSTATE.invalidTextRepresentation) return error;
  const { message } = error as Error;
  const at = message.indexOf(MARK);
  return at < 0 ? error : tooManyRows(Number.parseInt(message.slice(at + MARK.length), 10), rowCap);
}

/** `least`: what was counted until it was given up. */
export function tooManyRows(least: number, maximum: number): RivuletError {
  const message = `The answer has ${least} rows or more, on all levels together; at most ${maximum} are allowed`;
  return new RivuletError('QUERY_TOO_LARGE', message, { maximum });
}
