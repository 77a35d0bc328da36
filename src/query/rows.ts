import type { Model } from '../../shared/model/types.js';
import { columnSql, pairsSql } from '../filter/column-sql.js';
import { orderToSql } from '../filter/order-sql.js';
import { filterToSql } from '../filter/sql.js';
import type { StatementParams } from '../sql/statement.js';
import { countedSql } from './row-cap.js';
import { type RowSource, tableSource } from './source.js';
import type { RelatedPlan, SelectPlan } from './types.js';

/**
 * A plan's rows as one SQL expression of type `json`: an array of rows, each `[[cell, …], [related,
 * …]]`, or `[[cell, …], [related, …], ordinal]` where the source numbers its rows, or, where no
 * relations were asked for and nothing is numbered, just `[cell, …]`, which is less to write and to
 * read. Cells are text or null in the model's column order; a `many` relation is an array of rows,
 * a `one` is a row or null, in the order of `plan.related`.
 *
 * Aliases grow with the depth (`t0`, `t0r0`, …; junctions `t0r0j`), so a sub-select never hides the
 * row that it refers to.
 */
export function rowsToSql(
  model: Model,
  plan: SelectPlan,
  params: StatementParams,
  source: RowSource = tableSource(plan.table, params),
  alias = 't0',
): string {
  const select = selectRows(model, plan, rowToSql(model, plan, params, source, alias), params, source, alias);
  return listToSql(select, params);
}

function listToSql(rows: string, params: StatementParams): string {
  const list = `coalesce(json_agg(r.r), '[]'::json)`;
  const counted = countedSql(params, 'count(*)');
  return `(select ${counted === null ? list : `case when ${counted} then ${list} end`} from (${rows}) as r)`;
}

/**
 * The rows of a plan that satisfy `conditions`, each as the expression `row`, which is called `r`.
 */
export function selectRows(
  model: Model,
  plan: SelectPlan,
  row: string,
  params: StatementParams,
  source: RowSource,
  alias: string,
  conditions: readonly string[] = [],
): string {
  const where = [...conditions, filterToSql(model, plan.filter, alias, params)].filter(
    (sql) => sql !== 'true',
  );
  // Related rows are computed with a row even if OFFSET then skips it, so rows are skipped first.
  const isSkippedFirst = plan.offset > 0 && plan.related.length > 0;
  const parts = [`select ${isSkippedFirst ? `${alias}.*` : `${row} as r`} from ${source.from(alias)}`];
  if (where.length > 0) parts.push(`where ${where.map((sql) => `(${sql})`).join(' and ')}`);
  const order = source.orderBy?.(alias) ?? (plan.orderBy.length > 0 ? orderToSql(plan.orderBy, alias) : '');
  if (order !== '') parts.push(`order by ${order}`);
  // Not a parameter: one plan is then good for every execution, and Postgres need not plan with
  // each anew.
  if (plan.limit !== null) parts.push(`limit ${BigInt(plan.limit)}`);
  if (plan.offset > 0) parts.push(`offset ${params.cast(String(plan.offset), 'bigint')}`);
  const rows = parts.join(' ');
  return isSkippedFirst ? `select ${row} as r from (${rows}) as ${alias} order by ${order}` : rows;
}

function rowToSql(
  model: Model,
  plan: SelectPlan,
  params: StatementParams,
  source: RowSource,
  alias: string,
): string {
  const { columns } = plan;
  const cells = plan.table.columns.map((column) => {
    return !columns || columns.has(column) || column.isKey
      ? `${columnSql(alias, column)}::text`
      : 'null::text';
  });
  if (plan.related.length === 0 && !source.ordinal) return `array_to_json(array[${cells.join(', ')}])`;
  const related = plan.related.map((each, index) =>
    relatedToSql(model, each, params, alias, `${alias}r${index}`),
  );
  const parts = [`array[${cells.join(', ')}]`, `array[${related.join(', ')}]::json[]`];
  if (source.ordinal) parts.push(source.ordinal(alias));
  return `json_build_array(${parts.join(', ')})`;
}

function relatedToSql(
  model: Model,
  related: RelatedPlan,
  params: StatementParams,
  parent: string,
  alias: string,
): string {
  const { relation, plan } = related;
  const source = tableSource(plan.table, params);
  const row = rowToSql(model, plan, params, source, alias);
  const rows = selectRelated(model, related, row, params, source, parent, alias);
  if (relation.kind === 'many') return listToSql(rows, params);
  const counted = countedSql(params, '1');
  return counted === null ? `(${rows})` : `(select case when ${counted} then r.r end from (${rows}) as r)`;
}

/**
 * `selectRows` of those that belong to the row that is called `parent`; of a `one` relation a
 * single one.
 */
export function selectRelated(
  model: Model,
  related: RelatedPlan,
  row: string,
  params: StatementParams,
  source: RowSource,
  parent: string,
  alias: string,
): string {
  const conditions = [joinToSql(model, related, params, parent, alias)];
  if (related.onSource) conditions.push(filterToSql(model, related.onSource, parent, params));
  const { plan } = related;
  const rows = related.relation.kind === 'one' ? { ...plan, limit: 1, offset: 0 } : plan;
  return selectRows(model, rows, row, params, source, alias, conditions);
}

/**
 * The condition that a row belongs to the parent. A junction is queried with EXISTS, so that two
 * equal junction rows give the row once.
 */
function joinToSql(
  model: Model,
  related: RelatedPlan,
  params: StatementParams,
  parent: string,
  alias: string,
): string {
  const { relation, via } = related;
  const { through } = relation;
  if (!through) return pairsSql(parent, relation.from, alias, relation.to);
  const junction = `${alias}j`;
  const where = [
    pairsSql(parent, relation.from, junction, through.from),
    pairsSql(junction, through.to, alias, relation.to),
    `(${filterToSql(model, via, junction, params)})`,
  ];
  const from = params.from(model.table(through.table), junction);
  return `exists (select 1 from ${from} where ${where.join(' and ')})`;
}
