import { type GraphQLInputFieldConfig, GraphQLInputObjectType, GraphQLNonNull } from 'graphql';
import type { ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { WriteAction } from '../../policy/write-rule.js';
import { mayBeJsonNull } from './row-type.js';
import type { SchemaTypes } from './schema-types.js';

/**
 * `TaskInsert`. A JSON column accepts null as a value. `undefined` if clients may write no column.
 */
export function insertType(types: SchemaTypes, table: ModelTable): GraphQLInputObjectType | undefined {
  return writeType(
    types,
    table,
    'insert',
    'Insert',
    (column) => column.notNull && !column.hasDefault && !mayBeJsonNull(column),
  );
}

/** `TaskSet`: only the named columns change. */
export function setType(types: SchemaTypes, table: ModelTable): GraphQLInputObjectType | undefined {
  return writeType(types, table, 'update', 'Set', () => false);
}

function writeType(
  types: SchemaTypes,
  table: ModelTable,
  action: WriteAction,
  suffix: string,
  isRequired: (column: ModelColumn) => boolean,
): GraphQLInputObjectType | undefined {
  const columns = types.exposure.writable(table, action);
  if (columns.length === 0) return undefined;
  const name = `${table.typeName}${suffix}`;
  return types.registry.once(name, `${suffix} of ${table.name}`, () => {
    const field = (column: ModelColumn): GraphQLInputFieldConfig => {
      const type = types.registry.valueType(column);
      return { type: isRequired(column) ? new GraphQLNonNull(type) : type };
    };
    return new GraphQLInputObjectType({
      name,
      fields: Object.fromEntries(columns.map((column) => [column.field, field(column)])),
    });
  });
}
