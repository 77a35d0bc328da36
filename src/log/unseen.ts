import type { TextRow } from '../database/types.js';
import { type Statement, StatementParams } from '../sql/statement.js';
import { amongSql } from './among.js';
import type { LoggedRow } from './read.js';
import type { Snapshot } from './snapshot.js';

/** A table by its names in the database. */
export interface SqlTable {
  readonly sqlSchema: string;
  readonly sqlName: string;
}

/**
 * Number of newest rows that are examined. If more were added since, it is unknown if they matter.
 */
const LOOKED_AT = 1_000;

/**
 * A boolean SQL expression: true if the log has, or had, changes of these tables that `position`
 * does not see. Also true if more than a quick check would be needed. The newest rows are the end
 * of the key's index, whatever the planner knows of the parameters. If nothing came since, one row
 * is read.
 */
export function unseenToSql(
  position: Snapshot,
  tables: readonly SqlTable[],
  params: StatementParams,
): string {
  if (tables.length === 0) return 'false';
  const xmax = params.cast(position.xmax.toString(), 'xid8');
  const xmin = params.cast(position.xmin.toString(), 'xid8');
  const newest = 'select c.xid, c.shape from rivulet.change c order by c.xid desc, c.seq desc';
  const isOfTables = ofTables('n', tables, params);
  const cases = [
    `when exists (select 1 from rivulet.log where trimmed >= ${xmin}) then true`,
    ...(position.xip.size === 0 ? [] : [`when ${endedSince(position, tables, params)} then true`]),
    `when coalesce((select n.xid from (${newest} limit 1) n) < ${xmax}, true) then false`,
    `when (select n.xid from (${newest} offset ${LOOKED_AT} limit 1) n) >= ${xmax} then true`,
  ];
  const isThere = `exists (select 1 from (${newest} limit ${LOOKED_AT}) n where n.xid >= ${xmax} and ${isOfTables})`;
  return `(case ${cases.join(' ')} else ${isThere} end)`;
}

/** Transactions that were in progress at the position. */
function endedSince({ xip }: Snapshot, tables: readonly SqlTable[], params: StatementParams): string {
  return `exists (select 1 from rivulet.change c where ${amongSql('c.xid', xip, params)} and ${ofTables('c', tables, params)})`;
}

/** Shape 0 is of any table: images of it say themselves what they are. */
function ofTables(alias: string, tables: readonly SqlTable[], params: StatementParams): string {
  const names = tables
    .map(({ sqlSchema, sqlName }) => `(${params.text(sqlSchema)}, ${params.text(sqlName)})`)
    .join(', ');
  const shapes = `select s.id from rivulet.shape s where (s.sql_schema, s.sql_name) in (${names})`;
  return `(${alias}.shape = 0 or ${alias}.shape in (${shapes}))`;
}

/** The rows of these tables that `position` does not see. Not to be prepared: see `readSince`. */
export function readUnseen(position: Snapshot, tables: readonly SqlTable[]): Statement {
  const params = new StatementParams();
  const xmax = params.cast(position.xmax.toString(), 'xid8');
  const xmin = params.cast(position.xmin.toString(), 'xid8');
  const isOfTables = ofTables('c', tables, params);
  const columns = `c.seq::text, c.xid::text, c.shape::text, c.op::text, array_to_json(c.old)::text, array_to_json(c.new)::text`;
  return {
    text: `select null, null, (l.trimmed >= ${xmin})::text, null, null, null from rivulet.log l
union all select ${columns} from rivulet.change c where c.xid >= ${xmax} and ${isOfTables}
union all select ${columns} from rivulet.change c where ${amongSql('c.xid', position.xip, params)} and ${isOfTables}`,
    params: params.values,
  };
}

const OPERATIONS: Readonly<Record<string, LoggedRow['op']>> = {
  I: 'INSERT',
  U: 'UPDATE',
  D: 'DELETE',
  T: 'TRUNCATE',
};

/** The answer of `readUnseen`. */
export function parseUnseen(answer: readonly TextRow[]): {
  readonly isTrimmed: boolean;
  readonly rows: readonly LoggedRow[];
} {
  let isTrimmed = false;
  const rows: LoggedRow[] = [];
  for (const [seq, xid, shape, op, old, next] of answer) {
    if (seq === null) isTrimmed = shape === 'true';
    else {
      rows.push({
        seq: BigInt(seq!),
        xid: BigInt(xid!),
        shape: shape!,
        op: OPERATIONS[op!] ?? 'UNKNOWN',
        old: imageOf(old),
        new: imageOf(next),
        loggedAt: '',
        mutationId: null,
      });
    }
  }
  return { isTrimmed, rows };
}

function imageOf(json: string | null | undefined): readonly (string | null)[] | null {
  return json ? (JSON.parse(json) as (string | null)[]) : null;
}
