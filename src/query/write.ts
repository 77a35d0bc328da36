import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { filterToSql } from '../filter/sql.js';
import { quoteIdent, quoteName } from '../sql/quote.js';
import { type Statement, StatementParams } from '../sql/statement.js';
import {
  checkedColumns,
  isUnchecked,
  refusalToSql,
  refuseSql,
  siblingColumns,
  type WriteCheck,
} from './write-check.js';

/**
 * The texts written into one row, by column. A column without one gets its default, or stays as it
 * is.
 */
export type WrittenValues = ReadonlyMap<ModelColumn, string | null>;

/**
 * Inserts rows; answers each new row's key columns, in the order of `rows`. Fails (`refusalOf`)
 * where a new row, with all that defaults and BEFORE triggers made of it, does not satisfy `check`,
 * which reads other rows as they were before the statement.
 */
export function insertSql(
  model: Model,
  table: ModelTable,
  rows: readonly WrittenValues[],
  check: WriteCheck,
): Statement {
  const params = new StatementParams();
  const columns = table.columns.filter((column) => rows.some((row) => row.has(column)));
  // A row without any value still needs a column to say DEFAULT for.
  if (columns.length === 0) columns.push(table.columns[0]!);
  const tuples = rows.map((row) => {
    const items = columns.map((column) =>
      row.has(column) ? valueSql(column, row.get(column)!, params) : 'default',
    );
    return `(${items.join(', ')})`;
  });
  const names = columns.map((column) => quoteIdent(column.sqlName)).join(', ');
  const insert = `insert into ${quoteName(table.sqlSchema, table.sqlName)} as t0 (${names}) values ${tuples.join(', ')}`;
  return { text: checkedSql(model, table, insert, check, params), params: params.values };
}

/**
 * Updates the rows on which `filter` is true; answers each row's key columns as they are
 * afterwards. Fails (`refusalOf`) where a row as it is afterwards does not satisfy `check`, which
 * reads other rows as they were before the statement. The caller has locked the rows, so that
 * `filter` is evaluated on the very version that is updated.
 */
export function updateSql(
  model: Model,
  table: ModelTable,
  filter: Filter,
  set: WrittenValues,
  check: WriteCheck,
): Statement {
  const params = new StatementParams();
  const assignments = [...set].map(
    ([column, text]) => `${quoteIdent(column.sqlName)} = ${valueSql(column, text, params)}`,
  );
  const condition = filterToSql(model, filter, 't0', params);
  const update = `update ${quoteName(table.sqlSchema, table.sqlName)} as t0 set ${assignments.join(', ')} where ${condition}`;
  return { text: checkedSql(model, table, update, check, params), params: params.values };
}

/**
 * Locks the rows on which `filter` is true, `limit` of them at most; answers their key columns, in
 * the order of the key, so that two of these cannot deadlock on each other.
 */
export function lockRowsSql(model: Model, table: ModelTable, filter: Filter, limit: number): Statement {
  const params = new StatementParams();
  const key = table.key.map((column) => `t1.${quoteIdent(column.sqlName)}`);
  const columns = key.map((name, index) => `${name} as k${index}`);
  const condition = filterToSql(model, filter, 't1', params);
  const from = `${quoteName(table.sqlSchema, table.sqlName)} as t1`;
  const locked = `select ${columns.join(', ')} from ${from} where ${condition} order by ${key.join(', ')} limit ${params.cast(String(limit), 'bigint')} for update of t1`;
  const texts = key.map((_, index) => `v.k${index}::text`);
  return { text: `select ${texts.join(', ')} from (${locked}) as v`, params: params.values };
}

/** Deletes the rows on which `filter` is true; answers their key columns. */
export function deleteSql(model: Model, table: ModelTable, filter: Filter): Statement {
  const params = new StatementParams();
  const condition = filterToSql(model, filter, 't0', params);
  const text = `delete from ${quoteName(table.sqlSchema, table.sqlName)} as t0 where ${condition} returning ${keyTexts(table)}`;
  return { text, params: params.values };
}

/** Names the writer's mutation for the change log, for this transaction only. */
export function mutationIdSql(mutationId: string): Statement {
  return { text: `select set_config('rivulet.mutation_id', $1::text, true)`, params: [mutationId] };
}

/**
 * The sub-statements of WITH share one snapshot, so what the check reads of tables does not have
 * the written rows in it, while RETURNING shows these as they were written.
 */
function checkedSql(
  model: Model,
  table: ModelTable,
  write: string,
  check: WriteCheck,
  params: StatementParams,
): string {
  if (isUnchecked(check)) return `${write} returning ${keyTexts(table)}`;
  const columns = new Set([...table.key, ...checkedColumns(check), ...siblingColumns(check)]);
  const returned = [...columns].map((column) => `t0.${quoteIdent(column.sqlName)}`).join(', ');
  const refuse = refuseSql(
    refusalToSql(model, check, 't0', params, (alias) => `written as ${alias}`),
    `t0.${quoteIdent(table.key[0]!.sqlName)}::text`,
  );
  return `with written as (${write} returning ${returned}) select ${keyTexts(table)}, ${refuse} from written as t0`;
}

function keyTexts(table: ModelTable): string {
  return table.key.map((column) => `t0.${quoteIdent(column.sqlName)}::text`).join(', ');
}

function valueSql(column: ModelColumn, text: string | null, params: StatementParams): string {
  return params.cast(text, column.castType);
}
