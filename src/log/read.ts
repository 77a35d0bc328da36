import type { TextRow } from '../database/types.js';
import { Params, type Statement } from '../sql/statement.js';
import { LOGGED_AT_SQL } from './newest.js';
import { type Anchor, parseSnapshot, type Snapshot, settled } from './snapshot.js';
import { parseStanding, type Standing, standingSql } from './standing.js';
import type { Operation } from './types.js';

/** A row of the log as it lies there. */
export interface LoggedRow {
  readonly seq: bigint;
  readonly xid: bigint;
  /** Id of the image's column list in `rivulet.shape`. */
  readonly shape: string;
  /** `UNKNOWN`: changes of a table went by without being logged. */
  readonly op: Operation | 'UNKNOWN';
  readonly old: readonly (string | null)[] | null;
  readonly new: readonly (string | null)[] | null;
  readonly loggedAt: string;
  readonly mutationId: string | null;
}

export interface LogRead {
  readonly epoch: string;
  /** Retention has deleted rows that the position does not see: what was read has holes, and must not be used. */
  readonly isTrimmed: boolean;
  /** Nor may what was read be used where it is not `same`. */
  readonly standing: Standing;
  /** The snapshot that the read ran in, as Postgres has it. */
  readonly snapshot: Snapshot;
  /** In no particular order. */
  readonly rows: readonly LoggedRow[];
}

const OPERATIONS: Readonly<Record<string, LoggedRow['op']>> = {
  I: 'INSERT',
  U: 'UPDATE',
  D: 'DELETE',
  T: 'TRUNCATE',
  X: 'UNKNOWN',
};

const COLUMNS = `c.seq::text, c.xid::text, c.shape::text, c.op::text, array_to_json(c.old)::text,
  array_to_json(c.new)::text, ${LOGGED_AT_SQL}, c.mutation_id`;

/**
 * Everything that `position` does not see and that is visible now, with the snapshot and the epoch of that very moment.
 *
 * The rows are those of transactions that had not begun (`xid >= xmax`) or were in progress (`xid` in `xip`): two look-ups in the
 * key of `rivulet.change`. The numbers are parameters, because from a sub-select the planner does not use the index; run it
 * without preparing, or a generic plan made while the log was small reads the whole log later.
 * The first row is the snapshot's own, with a NULL for `seq`. It says whether retention was here first, as of the same snapshot: rows
 * are deleted in the transaction that says so. Where it was, no rows are read.
 */
export function readSince(position: Snapshot): Statement {
  const params = new Params();
  const xmax = params.cast(position.xmax.toString(), 'xid8');
  const xip = params.cast(`{${[...position.xip].join(',')}}`, 'xid8[]');
  const xmin = params.cast(position.xmin.toString(), 'xid8');
  const isWhole = `not exists (select 1 from rivulet.log where trimmed >= ${xmin})`;
  return {
    text: `select pg_current_snapshot()::text, l.epoch::text, null, (l.trimmed >= ${xmin})::text, ${standingSql(position, params)}, null, null, null, null, null from rivulet.log l
union all select null, null, ${COLUMNS} from rivulet.change c where c.xid >= ${xmax} and ${isWhole}
union all select null, null, ${COLUMNS} from rivulet.change c where c.xid = any (${xip}) and ${isWhole}`,
    params: params.values,
  };
}

/** Reads the answer of `readSince`; `null` when there is no log (its one row is missing). */
export function parseRead(answer: readonly TextRow[]): LogRead | null {
  let head: Omit<LogRead, 'rows'> | null = null;
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
      old: parseImage(old!),
      new: parseImage(next!),
      loggedAt: loggedAt!,
      mutationId: mutationId ?? null,
    });
  }
  return head && { ...head, rows };
}

/** The position after everything that was read from `since`. */
export function positionAfter(
  { snapshot, rows }: Pick<LogRead, 'snapshot' | 'rows'>,
  since: Snapshot,
): Snapshot {
  let end = since.xmax;
  let anchor: Anchor | undefined = since.anchor;
  let last = -1n;
  for (const { xid, seq, loggedAt } of rows) {
    if (xid >= end) end = xid + 1n;
    if (seq <= last) continue;
    last = seq;
    anchor = { xid, loggedAt };
  }
  return settled(snapshot, end, anchor);
}

function parseImage(json: string | null): readonly (string | null)[] | null {
  return json === null ? null : (JSON.parse(json) as (string | null)[]);
}

/**
 * Whether the log has, or had, anything that `position` does not see, as a boolean SQL expression. The newest xid is the end of the key's index,
 * whatever the planner knows of the parameters.
 */
export function unseenToSql(position: Snapshot, params: Params): string {
  const xmax = params.cast(position.xmax.toString(), 'xid8');
  const newest = '(select c.xid from rivulet.change c order by c.xid desc limit 1)';
  const trimmed = `exists (select 1 from rivulet.log where trimmed >= ${params.cast(position.xmin.toString(), 'xid8')})`;
  const unseen = `coalesce(${newest} >= ${xmax}, false) or ${trimmed}`;
  if (position.xip.size === 0) return `(${unseen})`;
  const xip = params.cast(`{${[...position.xip].join(',')}}`, 'xid8[]');
  return `(${unseen} or exists (select 1 from rivulet.change c where c.xid = any (${xip})))`;
}
