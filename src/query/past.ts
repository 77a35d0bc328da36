import type { RowCells } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import type { SqlTable } from '../log/unseen.js';
import { quoteIdent } from '../sql/quote.js';
import { fromTable, StatementParams } from '../sql/statement.js';
import { imagesSource, textArray } from './source.js';

/**
 * The changes of a table's rows since a read point: each changed key once, with the row as it was
 * then.
 */
export interface ChangedRows {
  readonly table: ModelTable;
  /**
   * Images that have at least the key's columns: one for each row that changed, before or after.
   */
  readonly changed: readonly RowCells[];
  /** The table was emptied by TRUNCATE: rows are missing in `before`. */
  readonly isEmptied: boolean;
  /** The rows that existed at the read point, as they were. */
  readonly before: readonly RowCells[];
}

/**
 * Parameters of a statement that reads tables as they were at an earlier moment: the rows of now
 * without those that changed since, and with those that were there then. Exact where `changesOf`
 * knows all changes since that moment that the statement's own snapshot sees; so read them in the
 * same snapshot (REPEATABLE READ). It is asked for each table that is read; `null`: nothing changed
 * there.
 */
export function paramsAt(changesOf: (table: SqlTable) => ChangedRows | null): StatementParams {
  const params: StatementParams = new StatementParams((table, alias) => {
    const found = changesOf(table);
    return found ? pastTable(found, alias, params) : fromTable(table, alias);
  });
  return params;
}

function pastTable({ table, changed, before }: ChangedRows, alias: string, params: StatementParams): string {
  const columns = (name: string) =>
    table.columns.map((column) => `${name}.${quoteIdent(column.sqlName)}`).join(', ');
  const keys = table.key.map((column) =>
    params.cast(textArray(changed.map((image) => image[column.index] ?? null)), 'text[]'),
  );
  const same = table.key.map(
    (column, at) => `k.c${at}::${column.castType} = n.${quoteIdent(column.sqlName)}`,
  );
  const names = table.key.map((_, at) => `c${at}`);
  const unchanged = `select ${columns('n')} from ${fromTable(table, 'n')} where not exists (
    select 1 from unnest(${keys.join(', ')}) as k(${names.join(', ')}) where ${same.join(' and ')})`;
  if (before.length === 0) return `(${unchanged}) as ${alias}`;
  const then = imagesSource(table, before, params).from('b');
  return `(${unchanged} union all select ${columns('b')} from ${then}) as ${alias}`;
}
