import {
  GraphQLBoolean,
  GraphQLID,
  type GraphQLInputFieldConfigMap,
  GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
  isListType,
} from 'graphql';
import {
  type FilterOperator,
  type OperatorSet,
  operatorSetOf,
  operatorsFor,
} from '../../../shared/filter/operators.js';
import type { ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { SchemaTypes } from './schema-types.js';
import type { ValueType } from './type-registry.js';

/** `TaskFilter`: Drizzle's `where`, one to one. */
export function filterType(types: SchemaTypes, table: ModelTable): GraphQLInputObjectType {
  return types.registry.once(`${table.typeName}Filter`, `the filter of ${table.name}`, () => {
    const filter: GraphQLInputObjectType = new GraphQLInputObjectType({
      name: `${table.typeName}Filter`,
      description:
        'A row matches if all conditions are true. A relation matches if at least one of its rows does.',
      fields: () => {
        const fields: GraphQLInputFieldConfigMap = {};
        for (const column of types.exposure.columns(table))
          fields[column.field] = { type: columnFilter(types, column) };
        for (const relation of types.exposure.relations(table)) {
          fields[relation.name] = { type: filterType(types, types.model.table(relation.target)) };
        }
        const list = new GraphQLList(new GraphQLNonNull(filter));
        return { ...fields, AND: { type: list }, OR: { type: list }, NOT: { type: filter } };
      },
    });
    return filter;
  });
}

/**
 * The conditions on one column: `IntFilter`, `StatusFilter`, `StringListFilter`. Types with the
 * same operators share one.
 */
function columnFilter(types: SchemaTypes, column: ModelColumn): GraphQLInputObjectType {
  const value = types.registry.valueType(column);
  const operators = operatorsFor(column.type);
  const name = filterName(value, column);
  return types.registry.once(name, `conditions on ${String(value)}: ${operators.join(' ')}`, () => {
    const filter: GraphQLInputObjectType = new GraphQLInputObjectType({
      name,
      fields: () => {
        const fields: GraphQLInputFieldConfigMap = {};
        for (const operator of operators) fields[operator] = { type: operandType(value, operator) };
        const list = new GraphQLList(new GraphQLNonNull(filter));
        return { ...fields, AND: { type: list }, OR: { type: list }, NOT: { type: filter } };
      },
    });
    return filter;
  });
}

function operandType(value: ValueType, operator: FilterOperator) {
  switch (operator) {
    case 'isNull':
    case 'isNotNull':
      return GraphQLBoolean;
    case 'like':
    case 'ilike':
    case 'notLike':
    case 'notIlike':
      return GraphQLString;
    case 'in':
    case 'notIn':
      return new GraphQLList(new GraphQLNonNull(value));
    default:
      return value;
  }
}

/**
 * Prefix of a filter's name if its operators are not the usual ones of its GraphQL type: a key that
 * is text has `TextIDFilter`, a key of a custom type has `OpaqueIDFilter`, and a key that is a
 * number has `IDFilter`.
 */
function filterName(value: ValueType, { type }: ModelColumn): string {
  const set = operatorSetOf(type);
  if (isListType(value)) {
    const item = String(value).replaceAll(/[[\]]/g, '');
    return `${set === 'array' ? '' : 'Uncompared'}${item}${'List'.repeat(depthOf(value))}Filter`;
  }
  const { name } = value as Exclude<ValueType, GraphQLList<ValueType>>;
  const kind = type.kind === 'other' ? OPAQUE[set] : '';
  if (value === GraphQLID) return set === 'text' && kind === '' ? 'TextIDFilter' : `${kind}IDFilter`;
  if (type.kind === 'json' && !type.binary) return `${name}TextFilter`;
  return `${name}${kind}Filter`;
}

/** Operators of custom types, and of types that are only shown as text. */
const OPAQUE: Readonly<Record<OperatorSet, string>> = {
  text: 'Opaque',
  comparable: 'Comparable',
  equatable: 'Equatable',
  same: 'Same',
  ordered: 'Sized',
  presence: 'Presence',
  array: 'Array',
};

function depthOf(type: ValueType): number {
  return isListType(type) ? 1 + depthOf(type.ofType as ValueType) : 0;
}
