import { GraphQLEnumType, GraphQLInputObjectType } from 'graphql';
import { isOrderable } from '../../../shared/filter/operators.js';
import type { OrderDirection } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import type { SchemaTypes } from './schema-types.js';

const DIRECTIONS: readonly OrderDirection[] = [
  'ASC',
  'DESC',
  'ASC_NULLS_FIRST',
  'ASC_NULLS_LAST',
  'DESC_NULLS_FIRST',
  'DESC_NULLS_LAST',
];

export function orderDirection(types: SchemaTypes): GraphQLEnumType {
  return types.registry.once('OrderDirection', 'order', () => {
    return new GraphQLEnumType({
      name: 'OrderDirection',
      description: 'As in PostgreSQL, ASC alone puts nulls last and DESC alone puts them first.',
      values: Object.fromEntries(DIRECTIONS.map((direction) => [direction, { value: direction }])),
    });
  });
}

/** `TaskOrder`: one column and its direction.`undefined` if rows can be ordered by no column. */
export function orderType(types: SchemaTypes, table: ModelTable): GraphQLInputObjectType | undefined {
  const columns = types.exposure.columns(table).filter((column) => isOrderable(column.type));
  if (columns.length === 0) return undefined;
  return types.registry.once(`${table.typeName}Order`, `the order of ${table.name}`, () => {
    return new GraphQLInputObjectType({
      name: `${table.typeName}Order`,
      description: 'Exactly one column. Rows with equal values are ordered by the primary key.',
      isOneOf: true,
      fields: Object.fromEntries(columns.map((column) => [column.field, { type: orderDirection(types) }])),
    });
  });
}
