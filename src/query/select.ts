import type { Queryable, QueryOptions } from '../database/types.js';
import { filterToSql } from '../filter/sql.js';
import type { Filter } from '../filter/types.js';
import { parseSnapshot, type Snapshot } from '../log/snapshot.js';
import type { Model, ModelTable } from '../model/types.js';
import { Params } from '../sql/statement.js';
import { decodeRow, type JsonRow } from './decode.js';
import { rowsToSql } from './rows.js';
import { type RowSource, tableSource } from './source.js';
import type { SelectPlan, SelectResult } from './types.js';

/**
 * A plan as one statement of one row: the rows as JSON text (the shape is `rowsToSql`'s) and the snapshot in which they
 * were read, as text.
 */
export function selectSql(model: Model, plan: SelectPlan, params: Params, source?: RowSource): string {
  return `select ${rowsToSql(model, plan, params, source)}::text, pg_current_snapshot()::text`;
}

/** Reads a plan, whatever its depth, in one statement. */
export async function runSelect(db: Queryable, model: Model, plan: SelectPlan): Promise<SelectResult> {
  const [result] = await runSelects(db, model, [plan]);
  return result!;
}

/** Reads several plans in one statement and thus in one snapshot; results are in the order of `plans`. */
export async function runSelects(
  db: Queryable,
  model: Model,
  plans: readonly SelectPlan[],
): Promise<readonly SelectResult[]> {
  if (plans.length === 0) return [];
  const params = new Params();
  const { values, snapshot } = await runExpressions(
    db,
    plans.map((plan) => rowsToSql(model, plan, params)),
    params,
  );
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
  params: Params,
  source: RowSource = tableSource(table, params),
): string {
  return `(select count(*) from ${source.from('t0')} where ${filterToSql(model, filter, 't0', params)})`;
}

/**
 * Evaluates scalar expressions, as text, in one statement and one snapshot. They come as the rows of a VALUES list, which has no
 * limit on its length (a select list ends at 1,664 columns).
 */
export async function runExpressions(
  db: Queryable,
  expressions: readonly string[],
  params: Params,
  options?: QueryOptions,
): Promise<{ readonly values: readonly string[]; readonly snapshot: Snapshot }> {
  const rows = expressions.map(
    (sql, index) => `(${sql}::text, ${index === 0 ? 'pg_current_snapshot()::text' : 'null'})`,
  );
  const found = await db.query({ text: `values ${rows.join(', ')}`, params: params.values }, options);
  return { values: found.map((row) => row[0]!), snapshot: parseSnapshot(found[0]![1]!) };
}
