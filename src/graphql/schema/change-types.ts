import {
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { RowCells } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import { forbidden } from '../../policy/guard-filter.js';
import type { ScopeChange, ScopeMessage, TransactionInfo } from '../../scope/messages/types.js';
import { enumNames } from './enum-names.js';
import type { FieldContext } from './field-context.js';
import { asGraphQLError } from './graphql-errors.js';
import { relatedType } from './related-types.js';
import { columnValue, rowType } from './row-type.js';
import type { SchemaTypes } from './schema-types.js';

export function changeKindType(types: SchemaTypes): GraphQLEnumType {
  return fixedEnum(types, 'ChangeKind', 'The effect on the set of rows that you watch.', {
    ENTER: 'The row is in the set now and was not before.',
    UPDATE: 'The row is in the set and changed.',
    LEAVE: 'The row was in the set and no longer is, for any reason.',
  });
}

export function changeOpType(types: SchemaTypes): GraphQLEnumType {
  return fixedEnum(types, 'ChangeOp', 'The operation that the database carried out on the row.', {
    INSERT: '',
    UPDATE: '',
    DELETE: '',
  });
}

export function resetReasonType(types: SchemaTypes): GraphQLEnumType {
  return fixedEnum(types, 'ResetReason', 'The reason why a stream lost its continuity. Fetch again.', {
    TRUNCATED: 'A table that the set of rows depends on was truncated.',
    OVERFLOW:
      'The client read messages more slowly than they arrived, or one transaction changed more rows than the server delivers.',
    LOG_LOST: 'The server could not follow the change log.',
    TOO_OLD: 'The client missed more changes than the server replays, or than the change log contains.',
    OTHER_LOG: 'The cursor belongs to another change log.',
    SCHEMA_CHANGED: 'A table that the set of rows depends on was altered in the database.',
    RIGHTS_CHANGED: 'You may now see other rows, because your token was replaced by one with other rights.',
    TOO_LARGE: 'The set contains more rows than the server keeps keys for. The stream ends.',
  });
}

/**
 * `TaskColumn`: the columns by name. A name that GraphQL reserves is changed as enum labels are.
 */
export function columnEnum(types: SchemaTypes, table: ModelTable): GraphQLEnumType {
  return types.registry.once(`${table.typeName}Column`, `the columns of ${table.name}`, () => {
    const columns = types.exposure.columns(table);
    const names = enumNames(columns.map((column) => column.field));
    return new GraphQLEnumType({
      name: `${table.typeName}Column`,
      values: Object.fromEntries(columns.map((column, index) => [names[index]!, { value: column }])),
    });
  });
}

/**
 * `TaskImage`: columns as they were. It is a type of its own without a field `id`, so that caches
 * do not take it for the current row. A column `id` is the whole key and stands in the change's
 * `key`. `undefined` if no column is left.
 */
export function imageType(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLObjectType<RowCells, FieldContext> | undefined {
  const columns = types.exposure.columns(table).filter((column) => column.field !== 'id');
  if (columns.length === 0) return undefined;
  return types.registry.once(`${table.typeName}Image`, `images of ${table.name}`, () => {
    const fields: GraphQLFieldConfigMap<RowCells, FieldContext> = {};
    for (const column of columns) {
      fields[column.field] = {
        type: types.registry.valueType(column),
        resolve: (cells, _args, { rights }) => {
          if (!rights.canReadColumn(table, column)) throw asGraphQLError(forbidden(table, column));
          return columnValue(column, cells[column.index] ?? null);
        },
      };
    }
    return new GraphQLObjectType({
      name: `${table.typeName}Image`,
      description: 'The columns of a row before a change. The key of the row is the `key` of the change.',
      fields,
    });
  });
}

export function changeType(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLObjectType<ScopeChange, FieldContext> {
  return types.registry.once(`${table.typeName}Change`, `changes of ${table.name}`, () => {
    return new GraphQLObjectType<ScopeChange, FieldContext>({
      name: `${table.typeName}Change`,
      fields: () => {
        const image = imageType(types, table);
        return {
          kind: { type: new GraphQLNonNull(changeKindType(types)) },
          op: {
            type: changeOpType(types),
            description:
              'The operation in the database. Null if a policy or a related row changed, and the row itself did not.',
          },
          key: { type: new GraphQLNonNull(GraphQLID), description: 'The `id` of the row.' },
          node: { type: rowType(types, table), description: 'The row after the transaction. Null on LEAVE.' },
          ...(image
            ? {
                previous: {
                  type: image,
                  description: 'The row before the transaction. Null if you could not see it.',
                },
              }
            : {}),
          changedColumns: {
            type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(columnEnum(types, table)))),
          },
        };
      },
    });
  });
}

export function changesType(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLObjectType<ScopeMessage, FieldContext> {
  return types.registry.once(`${table.typeName}Changes`, `change messages of ${table.name}`, () => {
    return new GraphQLObjectType<ScopeMessage, FieldContext>({
      name: `${table.typeName}Changes`,
      description:
        'The effect of one database transaction on the rows that you watch. A message never contains a part of a transaction.',
      fields: () => {
        const related = relatedType(types, table);
        return {
          cursor: {
            type: new GraphQLNonNull(GraphQLString),
            description: 'The position after this message. Pass it as `after` to resume here.',
            resolve: ({ cursor }, _args, { live }) => live?.cursors.encode(cursor),
          },
          reset: {
            type: resetReasonType(types),
            description: 'If not null, the stream lost its continuity: fetch again.',
          },
          transaction: {
            type: transactionType(types),
            description:
              'The transaction. Null if a reset has another cause, or if a replay does not name one.',
          },
          changes: {
            type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(changeType(types, table)))),
          },
          ...(related ? { related: { type: new GraphQLNonNull(related) } } : {}),
        };
      },
    });
  });
}

function transactionType(types: SchemaTypes): GraphQLObjectType<TransactionInfo, FieldContext> {
  return types.registry.once('ChangeTransaction', 'transactions', () => {
    const string = new GraphQLNonNull(GraphQLString);
    return new GraphQLObjectType<TransactionInfo, FieldContext>({
      name: 'ChangeTransaction',
      fields: {
        xid: {
          type: string,
          description:
            'An opaque name, the same in every message about this transaction. Do not order or count by it.',
          resolve: ({ xid }, _args, { live }) => live?.cursors.nameTransaction(xid),
        },
        loggedAt: {
          type: string,
          description: 'The time of the change as an ISO 8601 instant, for people. Do not order by it.',
        },
        mutationId: {
          type: GraphQLString,
          description: 'The name that the writer gave to its mutation, if any.',
        },
      },
    });
  });
}

function fixedEnum(
  types: SchemaTypes,
  name: string,
  description: string,
  values: Readonly<Record<string, string>>,
): GraphQLEnumType {
  return types.registry.once(name, `enum ${name}`, () => {
    const entries = Object.entries(values).map(([value, text]) => [
      value,
      text === '' ? {} : { description: text },
    ]);
    return new GraphQLEnumType({ name, description, values: Object.fromEntries(entries) });
  });
}
