import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelTable } from '../../shared/model/types.js';
import type { QueryOptions, QueryRunner, TextRow } from '../database/types.js';
import { filterToSql } from '../filter/sql.js';
import { parseSnapshot, type Snapshot } from '../log/snapshot.js';
import { type Statement, StatementParams } from '../sql/statement.js';
import { decodeRow, type JsonRow } from './decode.js';
import { asRowCapError } from './row-cap.js';
import { rowsToSql } from './rows.js';
import { type RowSource, tableSource } from './source.js';
import type { SelectPlan, SelectResult } from './types.js';

/**
 * Reads a plan, whatever its depth, in one statement. Throws `QUERY_TOO_LARGE` past `rowCap` rows
 * on all levels together.
 */
export async function runSelect(
  db: QueryRunner,
  model: Model,
  plan: SelectPlan,
  rowCap: number | null = null,
  options?: QueryOptions,
): Promise<SelectResult> {
  const [result] = await runSelects(db, model, [plan], rowCap, options);
  return result!;
}

/**
 * Reads several plans in one statement and thus in one snapshot; results are in the order of
 * `plans`.
 */
export async function runSelects(
  db: QueryRunner,
  model: Model,
  plans: readonly SelectPlan[],
  rowCap: number | null = null,
  options?: QueryOptions,
): Promise<readonly SelectResult[]> {
  if (plans.length === 0) return [];
  const params = new StatementParams();
  params.rowCap = rowCap;
  const { values, snapshot } = await runExpressions(
    db,
    plans.map((plan) => rowsToSql(model, plan, params)),
    params,
    options,
  ).catch((error: unknown) => {
    throw asRowCapError(error, rowCap);
  });
  return plans.map((plan, index) => decodeSelect(plan, values[index]!, snapshot));
}

/** `raw` is the text of an expression made by `rowsToSql` for `plan`. */
export function decodeSelect(plan: SelectPlan, raw: string, snapshot: Snapshot): SelectResult {
  const rows = JSON.parse(raw) as readonly JsonRow[];
  return { rows: rows.map((row) => decodeRow(plan.table, plan.related, row)), raw, snapshot };
}

/** The number of rows on which `filter` is true, as an SQL expression. */
export function countToSql(
  model: Model,
  table: ModelTable,
  filter: Filter,
  params: StatementParams,
  source: RowSource = tableSource(table, params),
): string {
  return `(select count(*) from ${source.from('t0')} where ${filterToSql(model, filter, 't0', params)})`;
}

/** A select list ends at 1,664. */
const MOST_COLUMNS = 100;

interface Expressions {
  readonly values: readonly string[];
  readonly snapshot: Snapshot;
}

/**
 * Evaluates scalar expressions, as text, in one statement and one snapshot. They come as the rows
 * of a VALUES list, which has no limit on its length.
 */
export async function runExpressions(
  db: QueryRunner,
  expressions: readonly string[],
  params: StatementParams,
  options?: QueryOptions,
): Promise<Expressions> {
  const rows = await db.query(valuesStatement(expressions, params), options);
  return readExpressions(rows, expressions.length);
}

/**
 * The same as a statement, which is a row where the expressions are few: that is a little less to
 * do for both sides.
 */
export function expressionsStatement(expressions: readonly string[], params: StatementParams): Statement {
  if (expressions.length > MOST_COLUMNS) return valuesStatement(expressions, params);
  const columns = expressions.map((sql) => `${sql}::text`);
  return { text: `select ${columns.join(', ')}, pg_current_snapshot()::text`, params: params.values };
}

function valuesStatement(expressions: readonly string[], params: StatementParams): Statement {
  const rows = expressions.map(
    (sql, index) => `(${sql}::text, ${index === 0 ? 'pg_current_snapshot()::text' : 'null'})`,
  );
  return { text: `values ${rows.join(', ')}`, params: params.values };
}

/** The results of `count` expressions: in one row, or in a row each. */
export function readExpressions(rows: readonly TextRow[], count: number): Expressions {
  const [first] = rows as readonly [readonly string[]];
  const values = rows.length === count ? rows.map((row) => row[0]!) : first.slice(0, count);
  return { values, snapshot: parseSnapshot(first.at(-1)!) };
}
