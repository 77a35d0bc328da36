import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
} from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import type { ModelColumn, ModelRelation, ModelTable } from '../../../shared/model/types.js';
import { forbidden } from '../../policy/guard-filter.js';
import type { RowNode } from '../../query/types.js';
import { decodeValue } from '../../value/codec.js';
import type { FieldContext } from './field-context.js';
import { filterType } from './filter-types.js';
import { asGraphQLError } from './graphql-errors.js';
import { encodeNodeId } from './node-id.js';
import { orderType } from './order-types.js';
import type { SchemaTypes } from './schema-types.js';
import { isId } from './type-registry.js';

type RowTypeField = GraphQLFieldConfig<RowNode, FieldContext>;

/**
 * `Task`: the row as it is now. Its source is a `RowNode` whose plan was made from the same
 * selection, so relations are already there, by response key.
 */
export function rowType(types: SchemaTypes, table: ModelTable): GraphQLObjectType<RowNode, FieldContext> {
  return types.registry.once(table.typeName, `table ${table.name}`, () => {
    return new GraphQLObjectType<RowNode, FieldContext>({
      name: table.typeName,
      interfaces: () => [nodeInterface(types)],
      fields: () => {
        const fields: GraphQLFieldConfigMap<RowNode, FieldContext> = {};
        if (!table.findField('id')) fields.id = idField(table);
        for (const column of types.exposure.columns(table))
          fields[column.field] = columnField(types, table, column);
        for (const relation of types.exposure.relations(table))
          fields[relation.name] = relationField(types, relation);
        fields.nodeId = {
          type: new GraphQLNonNull(GraphQLID),
          description: 'Identifies the row among the rows of all tables.',
          resolve: (row) => encodeNodeId(table, row.key),
        };
        return fields;
      },
    });
  });
}

export function nodeInterface(types: SchemaTypes): GraphQLInterfaceType {
  return types.registry.once('Node', 'interface Node', () => {
    return new GraphQLInterfaceType({
      name: 'Node',
      description: 'A row of any table.',
      fields: { nodeId: { type: new GraphQLNonNull(GraphQLID) } },
      resolveType: (row: RowNode) => row.table.typeName,
    });
  });
}

function idField(table: ModelTable): RowTypeField {
  const columns = table.key.map((column) => `\`${column.field}\``).join(', ');
  return {
    type: new GraphQLNonNull(GraphQLID),
    description: `The primary key: ${columns}.`,
    resolve: (row) => row.key,
  };
}

function columnField(types: SchemaTypes, table: ModelTable, column: ModelColumn): RowTypeField {
  const type = types.registry.valueType(column);
  return {
    type: column.notNull && !mayBeJsonNull(column) ? new GraphQLNonNull(type) : type,
    ...(column.notNull && mayBeJsonNull(column) ? { description: 'Null is the JSON value `null`.' } : {}),
    resolve: (row, _args, { rights }) => {
      if (!rights.canReadColumn(table, column)) throw asGraphQLError(forbidden(table, column));
      return columnValue(column, row.cells[column.index] ?? null);
    },
  };
}

/** True if a column can have a value that GraphQL shows as null although it is not NULL. */
export function mayBeJsonNull({ type }: ModelColumn): boolean {
  return type.kind === 'json';
}

/**
 * A cell as its GraphQL type serializes it; throws `VALUE_NOT_SHOWN`, with the field's name, if it
 * cannot.
 */
export function columnValue(column: ModelColumn, text: string | null): unknown {
  if (text === null || isId(column)) return text;
  try {
    return decodeValue(column.type, text);
  } catch (error) {
    if (!(error instanceof RivuletError)) throw error;
    const details = { ...error.details, field: column.field };
    throw asGraphQLError(new RivuletError(error.code, `${column.field}: ${error.message}`, details, error));
  }
}

function relationField(types: SchemaTypes, relation: ModelRelation): RowTypeField {
  const target = types.model.table(relation.target);
  if (relation.kind === 'one') {
    return {
      type: rowType(types, target),
      resolve: (row, _args, _context, info) => relatedOf(row, info.path.key),
    };
  }
  return {
    type: listOf(rowType(types, target)),
    args: listArguments(types, target),
    resolve: (row, _args, _context, info) => relatedOf(row, info.path.key),
  };
}

function relatedOf(row: RowNode, responseKey: string | number) {
  const related = row.related.get(String(responseKey));
  if (related === undefined) throw new TypeError(`${row.table.name} was read without ${responseKey}`);
  return related;
}

export function listOf(type: GraphQLObjectType<RowNode, FieldContext>) {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}

/** `where`, `orderBy`, `limit`, `offset`. */
export function listArguments(types: SchemaTypes, table: ModelTable): GraphQLFieldConfigArgumentMap {
  const { defaultRows, maxRows } = types.limits;
  return {
    ...filterArguments(types, table),
    limit: {
      type: GraphQLInt,
      description: `The number of rows. Default ${defaultRows}, maximum ${maxRows}.`,
    },
    offset: { type: GraphQLInt },
  };
}

/** `where`, `orderBy`. */
export function filterArguments(types: SchemaTypes, table: ModelTable): GraphQLFieldConfigArgumentMap {
  const order = orderType(types, table);
  return {
    where: { type: filterType(types, table) },
    ...(order ? { orderBy: { type: new GraphQLList(new GraphQLNonNull(order)) } } : {}),
  };
}
