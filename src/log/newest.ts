import { parseSnapshot, type Snapshot, type SnapshotAnchor, settled } from './snapshot.js';

/** The instant of a change of `c`, as `LoggedTransaction.loggedAt`. */
export const LOGGED_AT_SQL = `to_char(c.logged_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/**
 * The newest transaction that the log has, or had, as a scalar expression for `parseNewest`. With a
 * snapshot of the same statement it makes a position.
 */
export const NEWEST_SQL = `coalesce(
  (select c.xid::text || ' ' || ${LOGGED_AT_SQL} from rivulet.change c order by c.xid desc, c.seq desc limit 1),
  (select l.trimmed::text || ' ' from rivulet.log l), '0 ')`;

/**
 * Reduces a snapshot to a position, which sees logged transactions only. `newest` is the result of
 * `NEWEST_SQL` in it.
 */
export function positionOf(snapshot: Snapshot, newest: string): Snapshot {
  const [xid, loggedAt] = newest.split(' ') as [string, string];
  const anchor: SnapshotAnchor | undefined = loggedAt === '' ? undefined : { xid: BigInt(xid), loggedAt };
  return settled(snapshot, BigInt(xid) + 1n, anchor);
}

export function parsePosition(snapshot: string, newest: string): Snapshot {
  return positionOf(parseSnapshot(snapshot), newest);
}
