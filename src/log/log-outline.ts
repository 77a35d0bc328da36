import type { TextRow } from '../database/types.js';
import { type Statement, StatementParams } from '../sql/statement.js';
import { amongSql } from './among.js';
import { type LogContinuity, parseStanding, standingSql } from './continuity.js';
import { parseSnapshot, type Snapshot, type SnapshotAnchor, settled } from './snapshot.js';

/** The log since a position, without the images. */
export interface LogOutline {
  readonly epoch: string;
  /** Retention has deleted rows that the position does not see: nothing else here is good then. */
  readonly isTrimmed: boolean;
  /** Nor is it where this is not `same`. */
  readonly standing: LogContinuity;
  /** The position after everything that there is. */
  readonly snapshot: Snapshot;
  /** There are more transactions than were asked for; what there is of them is not told. */
  readonly isCut: boolean;
  /** Transactions by their largest `seq`, in the feed's order. */
  readonly xids: BigInt64Array;
  /** Number of changes of each transaction. */
  readonly counts: Uint32Array;
  /** Bytes of each one's images, as they are stored. */
  readonly bytes: Float64Array;
  readonly tables: readonly OutlinedTable[];
}

export interface OutlinedTable {
  /** `null` where what was logged says itself of which table it is. */
  readonly sqlSchema: string | null;
  readonly sqlName: string | null;
  /** Emptied by TRUNCATE, or changed without being logged. */
  readonly isBroken: boolean;
}

/**
 * The outline of everything that `position` does not see and that is visible now. Transactions and
 * their sizes come as one text: of 100,000 transactions it has about 2 MB, a hundredth of what
 * their images have.
 */
export function outlineSince(position: Snapshot, maxTransactions = 1_000_000): Statement {
  const params = new StatementParams();
  const xmax = params.cast(position.xmax.toString(), 'xid8');
  const xmin = params.cast(position.xmin.toString(), 'xid8');
  const columns = `c.xid, c.seq, c.shape, c.op, coalesce(pg_column_size(c.old), 0) + coalesce(pg_column_size(c.new), 0) as bytes`;
  return {
    text: `with missed as (
  select ${columns} from rivulet.change c where c.xid >= ${xmax}
  union all select ${columns} from rivulet.change c where ${amongSql('c.xid', position.xip, params)}
), transactions as (select xid, max(seq) as last, count(*) as size, sum(bytes) as bytes from missed group by xid),
tables as (
  select s.sql_schema, s.sql_name, bool_or(m.op in ('T', 'X')) as broken
  from missed m left join rivulet.shape s on s.id = m.shape group by 1, 2
), total as (select count(*) > ${Math.trunc(maxTransactions)} as is_cut from transactions)
select pg_current_snapshot()::text, l.epoch::text, (l.trimmed >= ${xmin})::text, ${standingSql(position, params)},
  (select is_cut::text from total),
  case when not (select is_cut from total) then (
    select string_agg(concat(t.xid, ':', t.size, ':', t.bytes), ',' order by t.last) from transactions t
  ) end,
  (select json_agg(json_build_array(t.sql_schema, t.sql_name, t.broken))::text from tables t)
from rivulet.log l`,
    params: params.values,
  };
}

/** Reads the answer of `outlineSince`; `null` when there is no log. */
export function parseOutline([row]: readonly TextRow[], since: Snapshot): LogOutline | null {
  if (!row) return null;
  const [taken, epoch, isTrimmed, standing, isCut, list, tables] = row;
  const items = list ? list.split(',') : [];
  const xids = new BigInt64Array(items.length);
  const counts = new Uint32Array(items.length);
  const bytes = new Float64Array(items.length);
  let end = since.xmax;
  for (const [at, item] of items.entries()) {
    const [xid, count, size] = item.split(':');
    xids[at] = BigInt(xid!);
    counts[at] = Number(count);
    bytes[at] = Number(size);
    if (xids[at]! >= end) end = xids[at]! + 1n;
  }
  const named = tables ? (JSON.parse(tables) as [string | null, string | null, boolean][]) : [];
  const anchor: SnapshotAnchor | undefined = items.length === 0 ? since.anchor : undefined;
  return {
    epoch: epoch!,
    isTrimmed: isTrimmed === 'true',
    standing: parseStanding(standing),
    snapshot: settled(parseSnapshot(taken!), end, anchor),
    isCut: isCut === 'true',
    xids,
    counts,
    bytes,
    tables: named.map(([sqlSchema, sqlName, isBroken]) => ({ sqlSchema, sqlName, isBroken })),
  };
}
