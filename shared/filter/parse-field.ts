import type { ModelColumn } from '../model/types.js';
import { describeType } from '../value/describe.js';
import { and, not, or } from './normalize.js';
import { type FilterOperator, OPERATORS, operatorsFor } from './operators.js';
import {
  deeper,
  type FilterPlace,
  failure,
  isEmptyFilter,
  isPlainObject,
  noCondition,
  unknownName,
} from './parse-state.js';
import type { Filter } from './types.js';

const OPERATOR_NAMES: ReadonlySet<string> = new Set(OPERATORS);

/**
 * Parses the condition on a column: a bare value, or an object of operators. `undefined` is no
 * condition.
 */
export function parseField(column: ModelColumn, input: unknown, at: FilterPlace): Filter | undefined {
  if (isEmptyFilter(input)) return noCondition(at);
  if (!isPlainObject(input)) return parseOperator(column, 'eq', input, at);
  const conditions: Filter[] = [];
  for (const [name, value] of at.state.entries(input, at)) {
    const condition = parseEntry(column, name, value, deeper(at, name));
    if (condition) conditions.push(condition);
  }
  return conditions.length === 0 ? noCondition(at) : and(...conditions);
}

function parseEntry(column: ModelColumn, name: string, value: unknown, at: FilterPlace): Filter | undefined {
  if (isEmptyFilter(value)) return noCondition(at);
  switch (name) {
    case 'AND':
    case 'OR': {
      const parts = at.state
        .list(value, at)
        .map((part, index) => parseField(column, part, deeper(at, index)))
        .filter((part) => part !== undefined);
      if (parts.length === 0) return noCondition(at);
      return name === 'AND' ? and(...parts) : or(...parts);
    }
    case 'NOT': {
      const negated = parseField(column, value, at);
      return negated && not(negated);
    }
    default:
      if (!OPERATOR_NAMES.has(name))
        throw unknownName(at, name, [...operatorsFor(column.type), 'AND', 'OR', 'NOT']);
      return parseOperator(column, name as FilterOperator, value, at);
  }
}

function parseOperator(
  column: ModelColumn,
  operator: FilterOperator,
  input: unknown,
  at: FilterPlace,
): Filter {
  const available = operatorsFor(column.type);
  if (!available.includes(operator)) {
    const type = describeType(column.type);
    throw failure('FILTER_INVALID', at, `${operator} is not for ${type}; there are ${available.join(', ')}`);
  }
  const { state } = at;
  switch (operator) {
    case 'eq':
    case 'ne':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return { kind: 'compare', column, op: operator, value: state.value(column, input, at) };
    case 'in':
    case 'notIn': {
      const filter: Filter = { kind: 'in', column, values: state.values(column, input, at) };
      // Normal form: of no values, none is equal, for NULL as well.
      const isOneOf: Filter = filter.values.length === 0 ? { kind: 'const', value: false } : filter;
      return operator === 'in' ? isOneOf : not(isOneOf);
    }
    case 'like':
    case 'ilike':
    case 'notLike':
    case 'notIlike': {
      const insensitive = operator === 'ilike' || operator === 'notIlike';
      const like: Filter = { kind: 'like', column, pattern: state.pattern(input, at), insensitive };
      return operator === 'like' || operator === 'ilike' ? like : not(like);
    }
    case 'isNull':
    case 'isNotNull': {
      if (input !== true) {
        const opposite = operator === 'isNull' ? 'isNotNull' : 'isNull';
        throw failure('FILTER_INVALID', at, `only true is possible; for the opposite use ${opposite}: true`);
      }
      const isNull: Filter = { kind: 'isNull', column };
      return operator === 'isNull' ? isNull : not(isNull);
    }
    case 'arrayContains': {
      const value = state.value(column, input, at);
      // However deep its lists are, every array contains an array without elements.
      if (value === '{}') noCondition(at);
      return { kind: 'array', column, op: operator, value };
    }
    case 'arrayContained':
    case 'arrayOverlaps':
      return { kind: 'array', column, op: operator, value: state.value(column, input, at) };
  }
}
