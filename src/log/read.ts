import type { TextRow } from '../database/types.js';
import { type Statement, StatementParams } from '../sql/statement.js';
import { amongSql } from './among.js';
import { type LogContinuity, parseStanding, standingSql } from './continuity.js';
import { LOGGED_AT_SQL } from './newest.js';
import { parseSnapshot, type Snapshot, type SnapshotAnchor, settled } from './snapshot.js';
import type { ChangeOperation } from './types.js';

/** A row of the log as it lies there. */
export interface LoggedRow {
  readonly seq: bigint;
  readonly xid: bigint;
  /** Id of the image's column list in `rivulet.shape`. */
  readonly shape: string;
  /**
   * `UNKNOWN`: changes of a table went by without being logged. `TOO_MANY`: stands for more changes
   * of a table than are read.
   */
  readonly op: ChangeOperation | 'UNKNOWN' | 'TOO_MANY';
  readonly old: readonly (string | null)[] | null;
  readonly new: readonly (string | null)[] | null;
  readonly loggedAt: string;
  readonly mutationId: string | null;
}

export interface LogRead {
  readonly epoch: string;
  /**
   * Retention has deleted rows that the position does not see: what was read has holes, and must
   * not be used.
   */
  readonly isTrimmed: boolean;
  /** Nor may what was read be used where it is not `same`. */
  readonly standing: LogContinuity;
  /** The snapshot that the read ran in, as Postgres has it. */
  readonly snapshot: Snapshot;
  /** There are more rows than were asked for: those that are here must not be used. */
  readonly isCut: boolean;
  /** In no particular order. */
  readonly rows: readonly LoggedRow[];
}

const OPERATIONS: Readonly<Record<string, LoggedRow['op']>> = {
  I: 'INSERT',
  U: 'UPDATE',
  D: 'DELETE',
  T: 'TRUNCATE',
  X: 'UNKNOWN',
  H: 'TOO_MANY',
};

const COLUMNS = `c.seq::text, c.xid::text, c.shape::text, c.op::text, array_to_json(c.old)::text,
  array_to_json(c.new)::text, ${LOGGED_AT_SQL}, c.mutation_id`;

/**
 * Everything that `position` does not see and that is visible now, with the snapshot and the epoch
 * of that very moment.
 *
 * The rows are those of transactions that had not begun (`xid >= xmax`) or were in progress (`xid`
 * in `xip`): two look-ups in the key of `rivulet.change`. The numbers are parameters, because from
 * a sub-select the planner does not use the index; run it without preparing, or a generic plan made
 * while the log was small reads the whole log later. The first row is the snapshot's own, with a
 * NULL for `seq`. It says whether retention was here first, as of the same snapshot: rows are
 * deleted in the transaction that says so. Where it was, no rows are read. With `maxRows` it stops
 * soon after so many.
 */
export function readSince(position: Snapshot, maxRows?: number): Statement {
  const params = new StatementParams();
  const xmax = params.cast(position.xmax.toString(), 'xid8');
  const xmin = params.cast(position.xmin.toString(), 'xid8');
  const isWhole = `not exists (select 1 from rivulet.log where trimmed >= ${xmin})`;
  // In the order of the key, or a log that has just grown, of which nothing is known, is read from
  // its beginning.
  const limit = maxRows === undefined ? '' : ` order by c.xid, c.seq limit ${Math.trunc(maxRows) + 1}`;
  const rows = (which: string): string =>
    `(select null, null, ${COLUMNS} from rivulet.change c where ${which} and ${isWhole}${limit})`;
  return {
    text: `select pg_current_snapshot()::text, l.epoch::text, null, (l.trimmed >= ${xmin})::text, ${standingSql(position, params)}, null, null, null, null, null from rivulet.log l
union all ${rows(`c.xid >= ${xmax}`)}
union all ${rows(amongSql('c.xid', position.xip, params))}`,
    params: params.values,
  };
}

/** A part of what lies in the log. */
export type LogPart =
  /** Some whole transactions. */
  | { readonly kind: 'whole'; readonly xids: BigInt64Array }
  /** So many rows of one, the next by `seq`; not more than it has. */
  | { readonly kind: 'slice'; readonly xid: bigint; readonly afterSeq: bigint; readonly rows: number }
  /** One row for each table that it changed. */
  | { readonly kind: 'tables'; readonly xid: bigint };

/**
 * The known contents of the log. `since`: when it was read, nothing that this position does not see
 * had been trimmed.
 */
export function readPart(part: LogPart, since: Snapshot): Statement {
  const params = new StatementParams();
  const trimmed = `(l.trimmed >= ${params.cast(since.xmin.toString(), 'xid8')})::text`;
  return {
    text: `select pg_current_snapshot()::text, l.epoch::text, null, ${trimmed}, 'same', null, null, null, null, null from rivulet.log l
union all (${partSql(part, params)})`,
    params: params.values,
  };
}

function partSql(part: LogPart, params: StatementParams): string {
  const rows = `select null, null, ${COLUMNS} from rivulet.change c where`;
  switch (part.kind) {
    case 'whole':
      return `${rows} ${amongSql('c.xid', part.xids, params)}`;
    case 'slice': {
      const after = params.cast(part.afterSeq.toString(), 'bigint');
      const xid = params.cast(part.xid.toString(), 'xid8');
      // With `c.xid =` the planner, which knows nothing of new ids, may sort the whole transaction
      // for each slice.
      return `${rows} (c.xid, c.seq) > (${xid}, ${after}) order by c.xid, c.seq limit ${Math.trunc(part.rows)}`;
    }
    case 'tables':
      // A self-describing image names its table in its first two values.
      return `select null, null, min(t.seq)::text, t.xid::text, t.shape::text, 'H', null, array_to_json(t.place)::text,
        min(${LOGGED_AT_SQL.replaceAll('c.', 't.')}), min(t.mutation_id)
      from (select c.*, case when c.shape = 0 then coalesce(c.new[1:2], c.old[1:2]) end as place
        from rivulet.change c where c.xid = ${params.cast(part.xid.toString(), 'xid8')}) t
      group by t.xid, t.shape, t.place`;
  }
}

/**
 * Reads the answer of `readSince` or `readPart`; `null` when there is no log (its one row is
 * missing).
 */
export function parseRead(answer: readonly TextRow[], maxRows = Number.POSITIVE_INFINITY): LogRead | null {
  let head: Omit<LogRead, 'rows' | 'isCut'> | null = null;
  const rows: LoggedRow[] = [];
  for (const [snapshot, epoch, seq, xid, shape, op, old, next, loggedAt, mutationId] of answer) {
    if (seq === null) {
      const standing = parseStanding(shape);
      head = { snapshot: parseSnapshot(snapshot!), epoch: epoch!, isTrimmed: xid === 'true', standing };
      continue;
    }
    rows.push({
      seq: BigInt(seq!),
      xid: BigInt(xid!),
      shape: shape!,
      op: OPERATIONS[op!]!,
      ...parseImages(old!, next!),
      loggedAt: loggedAt!,
      mutationId: mutationId ?? null,
    });
  }
  return head && { ...head, isCut: rows.length > maxRows, rows };
}

/** The position after everything that was read from `since`. */
export function positionAfter(
  { snapshot, rows }: Pick<LogRead, 'snapshot' | 'rows'>,
  since: Snapshot,
): Snapshot {
  let end = since.xmax;
  let anchor: SnapshotAnchor | undefined = since.anchor;
  let last = -1n;
  for (const { xid, seq, loggedAt } of rows) {
    if (xid >= end) end = xid + 1n;
    if (seq <= last) continue;
    last = seq;
    anchor = { xid, loggedAt };
  }
  return settled(snapshot, end, anchor);
}

/** Keeps unchanged values of an update once. For big rows this saves half of the memory. */
function parseImages(old: string | null, next: string | null): Pick<LoggedRow, 'old' | 'new'> {
  const before = parseImage(old);
  const after = parseImage(next);
  if (before && after) {
    for (const [at, cell] of after.entries()) if (before[at] === cell) before[at] = cell;
  }
  return { old: before, new: after };
}

function parseImage(json: string | null): (string | null)[] | null {
  return json === null ? null : (JSON.parse(json) as (string | null)[]);
}
