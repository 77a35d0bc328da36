import {
  GraphQLBoolean,
  GraphQLID,
  type GraphQLInputFieldConfigMap,
  GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
  isEnumType,
  isListType,
} from 'graphql';
import { type Operator, operatorsFor } from '../filter/operators.js';
import type { ModelColumn, ModelTable } from '../model/types.js';
import { isId, type ValueType } from './registry.js';
import type { SchemaTypes } from './schema-types.js';

/** `TaskFilter`: Drizzle's `where`, one to one. */
export function filterType(types: SchemaTypes, table: ModelTable): GraphQLInputObjectType {
  return types.registry.once(`${table.typeName}Filter`, `the filter of ${table.name}`, () => {
    const filter: GraphQLInputObjectType = new GraphQLInputObjectType({
      name: `${table.typeName}Filter`,
      description: 'All conditions must hold. A relation holds where one of its rows does.',
      fields: () => {
        const fields: GraphQLInputFieldConfigMap = {};
        for (const column of types.exposure.columns(table))
          fields[column.name] = { type: columnFilter(types, column) };
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

/** The conditions on one column: `IntFilter`, `StatusFilter`, `StringListFilter`. Types with the same operators share one. */
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

function operandType(value: ValueType, operator: Operator) {
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

function filterName(value: ValueType, column: ModelColumn): string {
  if (isListType(value))
    return `${String(value).replaceAll(/[[\]]/g, '')}${'List'.repeat(depthOf(value))}Filter`;
  if (value === GraphQLID) return isId(column) && column.type.kind === 'text' ? 'TextIDFilter' : 'IDFilter';
  const name = (value as Exclude<ValueType, GraphQLList<ValueType>>).name;
  if (isEnumType(value)) return `${name}Filter`;
  if (column.type.kind === 'json' && !column.type.binary) return `${name}TextFilter`;
  if (column.type.kind === 'other') return `${name}OpaqueFilter`;
  return `${name}Filter`;
}

function depthOf(type: ValueType): number {
  return isListType(type) ? 1 + depthOf(type.ofType as ValueType) : 0;
}
