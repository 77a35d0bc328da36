import type { StatementParams } from '../sql/statement.js';
import type { Snapshot } from './snapshot.js';

/** The relation of the current log to a position in it. */
export type LogContinuity =
  /** It has what the position sees, or had it until retention came. */
  | 'same'
  /**
   * The log lacks what the position sees, or has something else: the server crashed and lost it, or
   * was restored.
   */
  | 'foreign'
  /**
   * The database is not the one in which the log was begun, or is a standby that was promoted: the
   * log has to be renewed.
   */
  | 'moved'
  /**
   * A standby. Its snapshots do not say which transactions are in progress, so it cannot be read
   * from.
   */
  | 'standby';

const STANDINGS: readonly LogContinuity[] = ['same', 'foreign', 'moved', 'standby'];

/**
 * A text expression on `rivulet.log l`, for `parseStanding`. 30 µs, of which half are for the file
 * that names the cluster.
 */
export function standingSql(position: Snapshot, params: StatementParams): string {
  const xmin = params.cast(position.xmin.toString(), 'xid8');
  const xmax = params.cast(position.xmax.toString(), 'xid8');
  const now = 'pg_current_snapshot()';
  const isBehind = `pg_snapshot_xmax(${now}) < ${xmax} or pg_snapshot_xmin(${now}) < ${xmin}`;
  return `case when pg_is_in_recovery() then 'standby' when l.history <> rivulet.history() then 'moved'
    when ${isBehind} or ${isAnchorGone(position, params)} then 'foreign' else 'same' end`;
}

function isAnchorGone({ anchor }: Snapshot, params: StatementParams): string {
  if (!anchor) return 'false';
  const xid = params.cast(anchor.xid.toString(), 'xid8');
  const loggedAt = params.cast(anchor.loggedAt, 'timestamptz');
  const isThere = `exists (select from rivulet.change c where c.xid = ${xid} and c.logged_at = ${loggedAt})`;
  return `(not ${isThere} and (l.trimmed is null or l.trimmed < ${xid}))`;
}

export function parseStanding(text: string | null | undefined): LogContinuity {
  const standing = STANDINGS.find((each) => each === text);
  if (!standing) throw new TypeError(`no standing: ${text}`);
  return standing;
}
