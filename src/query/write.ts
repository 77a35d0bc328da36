import { filterToSql } from '../filter/sql.js';
import type { Filter } from '../filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../model/types.js';
import { quoteIdent, quoteName } from '../sql/quote.js';
import { Params, type Statement } from '../sql/statement.js';

/** What is written into one row: texts by column; a column that is not there gets its default, or stays as it is. */
export type Values = ReadonlyMap<ModelColumn, string | null>;

/** Inserts rows; answers each new row's key columns, in the order of `rows`. */
export function insertSql(table: ModelTable, rows: readonly Values[]): Statement {
  const params = new Params();
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
  const text = `insert into ${quoteName(table.sqlSchema, table.sqlName)} as t0 (${names}) values ${tuples.join(', ')} returning ${keyTexts(table, 't0')}`;
  return { text, params: params.values };
}

/**
 * Updates the rows on which `filter` is true, `limit` of them at most; answers each row's key columns as they are afterwards. Rows
 * are locked in the order of their key, so that two of these cannot deadlock on each other.
 */
export function updateSql(
  model: Model,
  table: ModelTable,
  filter: Filter,
  set: Values,
  limit: number,
): Statement {
  const params = new Params();
  const assignments = [...set].map(
    ([column, text]) => `${quoteIdent(column.sqlName)} = ${valueSql(column, text, params)}`,
  );
  const text = `update ${quoteName(table.sqlSchema, table.sqlName)} as t0 set ${assignments.join(', ')} from (${lockSql(model, table, filter, limit, params)}) as v where ${sameKey(table)} returning ${keyTexts(table, 't0')}`;
  return { text, params: params.values };
}

/** Locks the rows on which `filter` is true, `limit` of them at most; answers their key columns, in the order of the key. */
export function lockRowsSql(model: Model, table: ModelTable, filter: Filter, limit: number): Statement {
  const params = new Params();
  const text = `select ${keyTexts(table, 'v', true)} from (${lockSql(model, table, filter, limit, params)}) as v`;
  return { text, params: params.values };
}

/** Deletes the rows on which `filter` is true; answers their key columns. */
export function deleteSql(model: Model, table: ModelTable, filter: Filter): Statement {
  const params = new Params();
  const condition = filterToSql(model, filter, 't0', params);
  const text = `delete from ${quoteName(table.sqlSchema, table.sqlName)} as t0 where ${condition} returning ${keyTexts(table, 't0')}`;
  return { text, params: params.values };
}

/** Names the writer's mutation for the change log, for this transaction only. */
export function mutationIdSql(mutationId: string): Statement {
  return { text: `select set_config('rivulet.mutation_id', $1::text, true)`, params: [mutationId] };
}

function lockSql(model: Model, table: ModelTable, filter: Filter, limit: number, params: Params): string {
  const key = table.key.map((column) => `t1.${quoteIdent(column.sqlName)}`);
  const columns = key.map((name, index) => `${name} as k${index}`);
  const condition = filterToSql(model, filter, 't1', params);
  const from = `${quoteName(table.sqlSchema, table.sqlName)} as t1`;
  return `select ${columns.join(', ')} from ${from} where ${condition} order by ${key.join(', ')} limit ${params.cast(String(limit), 'bigint')} for update of t1`;
}

function sameKey(table: ModelTable): string {
  return table.key.map((column, index) => `t0.${quoteIdent(column.sqlName)} = v.k${index}`).join(' and ');
}

function keyTexts(table: ModelTable, alias: string, numbered = false): string {
  return table.key
    .map((column, index) => `${alias}.${numbered ? `k${index}` : quoteIdent(column.sqlName)}::text`)
    .join(', ');
}

function valueSql(column: ModelColumn, text: string | null, params: Params): string {
  return params.cast(text, column.castType);
}
