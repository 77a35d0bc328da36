import type { RowCells } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import type { ChangeOp } from '../../../shared/protocol/messages.js';
import { keyOf } from '../../../shared/value/key.js';
import type { LoggedChange, LoggedTransaction } from '../../log/types.js';
import type { SqlTable } from '../../log/unseen.js';
import type { ChangedRows } from '../../query/past.js';

/** The net change of one row: its image before the transaction and after it. */
export interface NetChange {
  readonly key: string;
  readonly op: ChangeOp;
  readonly old: RowCells | null;
  readonly new: RowCells | null;
}

export interface TableChanges {
  readonly table: ModelTable;
  /** The table was emptied; `rows` holds only what came after. */
  readonly truncated: boolean;
  readonly rows: readonly NetChange[];
}

/**
 * A transaction by table, each row once. Rows inserted and deleted again, and updates that changed
 * nothing, are gone.
 */
export type NetChanges = ReadonlyMap<string, TableChanges>;

interface Images {
  old: RowCells | null;
  new: RowCells | null;
}

export function netChanges(transaction: Pick<LoggedTransaction, 'changes'>): NetChanges {
  const tables = new Map<string, { table: ModelTable; truncated: boolean; rows: Map<string, Images> }>();
  for (const change of transaction.changes) {
    const { table } = change;
    let entry = tables.get(table.name);
    if (!entry) {
      entry = { table, truncated: false, rows: new Map() };
      tables.set(table.name, entry);
    }
    if (change.op === 'TRUNCATE') {
      entry.truncated = true;
      entry.rows.clear();
      continue;
    }
    const { old, new: after } = change;
    const key = keyOf(table, (after ?? old)!);
    if (old && after && keyOf(table, old) !== key) {
      // The same key for PostgreSQL (citext, numeric), but another `id` for everybody else: the row
      // went and another came.
      note(entry.rows, keyOf(table, old), old, null);
      note(entry.rows, key, null, after);
    } else note(entry.rows, key, old, after);
  }
  const net = new Map<string, TableChanges>();
  for (const { table, truncated, rows } of tables.values()) {
    const changed: NetChange[] = [];
    for (const [key, images] of rows) {
      const op = operationOf(images);
      if (op) changed.push({ key, op, old: images.old, new: images.new });
    }
    if (truncated || changed.length > 0) net.set(table.name, { table, truncated, rows: changed });
  }
  return net;
}

function note(rows: Map<string, Images>, key: string, old: RowCells | null, after: RowCells | null): void {
  const before = rows.get(key);
  if (before) before.new = after;
  else rows.set(key, { old, new: after });
}

function operationOf({ old, new: after }: Images): ChangeOp | null {
  if (old === null) return after === null ? null : 'INSERT';
  if (after === null) return 'DELETE';
  return old.every((cell, at) => cell === after[at]) ? null : 'UPDATE';
}

/**
 * The net changes of consecutive transactions to one table: the changed rows, and their images
 * before the first.
 */
export function changedRows(
  transactions: readonly LoggedTransaction[],
  { sqlSchema, sqlName }: SqlTable,
): ChangedRows | null {
  const changes: LoggedChange[] = [];
  for (const transaction of transactions) {
    for (const change of transaction.changes) {
      const { table } = change;
      if (table.sqlName === sqlName && table.sqlSchema === sqlSchema) changes.push(change);
    }
  }
  const [changed] = netChanges({ changes }).values();
  if (!changed) return null;
  return {
    table: changed.table,
    isEmptied: changed.truncated,
    changed: changed.rows.map((row) => (row.old ?? row.new)!),
    before: changed.rows.map((row) => row.old).filter((old) => old !== null),
  };
}
