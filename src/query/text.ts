import type { Model, ModelColumn } from '../../shared/model/types.js';
import { columnSql } from '../filter/column-sql.js';
import { quoteLiteral } from '../sql/quote.js';
import type { StatementParams } from '../sql/statement.js';
import { countedSql } from './row-cap.js';
import { selectRelated, selectRows } from './rows.js';
import { tableSource } from './source.js';
import type { SelectPlan } from './types.js';

/** The entries of a row's JSON object, in order. */
export type TextShape = readonly TextField[];

export type TextField = ConstantField | ColumnField | RelatedField;

interface ConstantField {
  readonly kind: 'constant';
  readonly responseKey: string;
  readonly json: string;
}

interface ColumnField {
  readonly kind: 'column';
  readonly responseKey: string;
  readonly column: ModelColumn;
  /**
   * The SQL expression of a value's JSON, given that of a value that is not NULL. NULL where it
   * cannot be shown.
   */
  readonly json: (value: string) => string;
}

interface RelatedField {
  readonly kind: 'related';
  /** By which the plan is found among the related ones. */
  readonly responseKey: string;
  readonly shape: TextShape;
}

/**
 * A plan's rows as one SQL expression of type `text`: the JSON that is sent as it is, without
 * blanks; an array of objects, or, of `one`, an object or `null`. Where a value cannot be shown, or
 * is missing where there must be one, the whole expression is NULL.
 */
export function textToSql(
  model: Model,
  plan: SelectPlan,
  shape: TextShape,
  kind: 'one' | 'many',
  params: StatementParams,
): string {
  const source = tableSource(plan.table, params);
  const row = objectToSql(model, plan, shape, params, 't0');
  return together(selectRows(model, plan, row, params, source, 't0'), kind, params);
}

function objectToSql(
  model: Model,
  plan: SelectPlan,
  shape: TextShape,
  params: StatementParams,
  alias: string,
): string {
  const parts: string[] = [];
  let constant = '{';
  for (const [index, field] of shape.entries()) {
    constant += `${index === 0 ? '' : ','}${JSON.stringify(field.responseKey)}:`;
    if (field.kind === 'constant') constant += field.json;
    else {
      parts.push(quoteLiteral(constant), valueToSql(model, plan, field, params, alias));
      constant = '';
    }
  }
  parts.push(quoteLiteral(`${constant}}`));
  return parts.join(' || ');
}

function valueToSql(
  model: Model,
  plan: SelectPlan,
  field: ColumnField | RelatedField,
  params: StatementParams,
  alias: string,
): string {
  if (field.kind === 'column') {
    const value = columnSql(alias, field.column);
    const json = field.json(value);
    return field.column.notNull ? json : `case when ${value} is null then 'null' else ${json} end`;
  }
  const index = plan.related.findIndex(({ responseKey }) => responseKey === field.responseKey);
  const related = plan.related[index];
  if (!related) throw new TypeError(`the plan has no ${field.responseKey}`);
  const own = `${alias}r${index}`;
  const source = tableSource(related.plan.table, params);
  const row = objectToSql(model, related.plan, field.shape, params, own);
  const rows = selectRelated(model, related, row, params, source, alias, own);
  return together(rows, related.relation.kind, params);
}

/** An aggregate passes over what is NULL; a row must not be missing in silence. */
function together(rows: string, kind: 'one' | 'many', params: StatementParams): string {
  const text =
    kind === 'one'
      ? `coalesce(string_agg(r.r, ''), 'null')`
      : `'[' || coalesce(string_agg(r.r, ','), '') || ']'`;
  const counted = countedSql(params, 'count(*)');
  const isWhole = `count(*) = count(r.r)${counted === null ? '' : ` and ${counted}`}`;
  return `(select case when ${isWhole} then ${text} end from (${rows}) as r)`;
}
