import type { ArrayOp, CompareOp, Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn } from '../../shared/model/types.js';
import { formatArray } from '../../shared/value/array-literal.js';
import type { StatementParams } from '../sql/statement.js';
import { columnSql, pairsSql } from './column-sql.js';

const COMPARE: Readonly<Record<CompareOp, string>> = {
  eq: '=',
  ne: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
};

const ARRAY: Readonly<Record<ArrayOp, string>> = {
  arrayContains: '@>',
  arrayContained: '<@',
  arrayOverlaps: '&&',
};

/**
 * The filter as a boolean SQL expression on the row that `alias` names, in parentheses where it
 * needs them. Values become parameters. `alias` goes into the SQL as it is; the sub-selects call
 * their rows `<alias>_1`, `<alias>_1_1` … and `<alias>_1j` (junctions), so no other alias in reach
 * may look like these.
 */
export function filterToSql(model: Model, filter: Filter, alias: string, params: StatementParams): string {
  switch (filter.kind) {
    case 'const':
      return String(filter.value);
    case 'and':
    case 'or':
      return `(${filter.filters.map((part) => filterToSql(model, part, alias, params)).join(` ${filter.kind} `)})`;
    case 'not':
      return `(not ${filterToSql(model, filter.filter, alias, params)})`;
    case 'compare': {
      const { column, op, value, castType = column.castType } = filter;
      return `(${columnSql(alias, column)} ${COMPARE[op]} ${params.cast(value, castType)})`;
    }
    case 'in':
      return `(${columnSql(alias, filter.column)} ${oneOf(filter, params)})`;
    case 'isNull':
      return `(${columnSql(alias, filter.column)} is null)`;
    case 'like': {
      const { column, insensitive, pattern } = filter;
      return `(${patternCell(alias, column)} ${insensitive ? 'ilike' : 'like'} ${params.text(pattern)})`;
    }
    case 'array': {
      const { column, op, value } = filter;
      return `(${columnSql(alias, column)} ${ARRAY[op]} ${params.cast(value, column.castType)})`;
    }
    case 'related':
      return relatedToSql(model, filter, alias, params);
  }
}

function relatedToSql(
  model: Model,
  { relation, filter, via }: Extract<Filter, { kind: 'related' }>,
  alias: string,
  params: StatementParams,
): string {
  const inner = `${alias}_1`;
  const target = model.table(relation.target);
  const targetName = params.from(target, inner);
  const conditions: string[] = [];
  let from = targetName;
  if (relation.through) {
    const junction = model.table(relation.through.table);
    const link = `${alias}_1j`;
    from = params.from(junction, link);
    from += ` join ${targetName} on ${pairsSql(inner, relation.to, link, relation.through.to)}`;
    conditions.push(pairsSql(link, relation.through.from, alias, relation.from));
    if (via && via.kind !== 'const') conditions.push(filterToSql(model, via, link, params));
    else if (via && !via.value) conditions.push('false');
  } else {
    conditions.push(pairsSql(inner, relation.to, alias, relation.from));
  }
  if (filter.kind !== 'const' || !filter.value) conditions.push(filterToSql(model, filter, inner, params));
  return `(exists (select 1 from ${from} where ${conditions.join(' and ')}))`;
}

/**
 * One array parameter, so that the statement's text does not depend on the number of values; a list
 * where there can be no such array.
 */
function oneOf(
  { column, values, castType }: Extract<Filter, { kind: 'in' }>,
  params: StatementParams,
): string {
  if (castType !== undefined) {
    // Not IN, which would compare as the type that all have in common and not as `=` does.
    return `= any (array[${values.map((value) => params.cast(value, castType)).join(', ')}])`;
  }
  if (column.type.kind === 'array' || column.type.kind === 'other') {
    return `in (${values.map((value) => params.cast(value, column.castType)).join(', ')})`;
  }
  return `= any (${params.cast(formatArray(values), `${column.castType}[]`)})`;
}

/**
 * Without `char(n)`'s padding, which a cast to text takes off, patterns mean the same on a table
 * and on a row image.
 */
function patternCell(alias: string, column: ModelColumn): string {
  const padded = column.type.kind === 'text' && column.type.variant === 'char';
  return padded ? `${columnSql(alias, column)}::text` : columnSql(alias, column);
}
