import {
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { Cells } from '../filter/types.js';
import type { ModelColumn, ModelTable } from '../model/types.js';
import { forbidden } from '../policy/guard.js';
import type { RowNode } from '../query/types.js';
import type { ScopeMessage } from '../scope/types.js';
import type { RivuletContext } from './context.js';
import { enumNames } from './enum-names.js';
import { asGraphQLError } from './errors.js';
import { relatedType } from './related-types.js';
import { columnValue, rowType } from './row-type.js';
import type { SchemaTypes } from './schema-types.js';

/** The source of a `TaskChange`. */
export interface ChangeSource {
  readonly kind: string;
  readonly op: string | null;
  readonly key: string;
  readonly node: RowNode | null;
  readonly previous: Cells | null;
  readonly changedColumns: readonly ModelColumn[];
}

export interface TransactionSource {
  readonly xid: bigint;
  readonly loggedAt: string;
  readonly mutationId: string | null;
}

export function changeKindType(types: SchemaTypes): GraphQLEnumType {
  return fixedEnum(types, 'ChangeKind', 'What happened to the set of rows that you watch.', {
    ENTER: 'The row is in the set now, and was not.',
    UPDATE: 'The row is in the set and changed.',
    LEAVE: 'The row was in the set and is not any more, for whatever reason.',
  });
}

export function changeOpType(types: SchemaTypes): GraphQLEnumType {
  return fixedEnum(types, 'ChangeOp', 'What the database did to the row.', {
    INSERT: '',
    UPDATE: '',
    DELETE: '',
  });
}

export function resetReasonType(types: SchemaTypes): GraphQLEnumType {
  return fixedEnum(types, 'ResetReason', 'Why continuity is lost: fetch again.', {
    TRUNCATED: 'A table that the set of rows depends on was emptied.',
    OVERFLOW:
      'Messages were read more slowly than they came, or one transaction changed more rows than are told.',
    LOG_LOST: 'The change log could not be followed.',
    TOO_OLD: 'More was missed than is replayed, or than the log keeps.',
    OTHER_LOG: 'The cursor was made by another log.',
    SCHEMA_CHANGED: 'A table that the set of rows depends on was altered in the database.',
    RIGHTS_CHANGED: 'You may see other rows than before: your token was exchanged for one that says so.',
    TOO_LARGE: 'The set of rows outgrew what the server keeps; the stream ends.',
  });
}

/** `TaskColumn`: the columns by their names; a name that GraphQL reserves is changed as the labels of an enum are. */
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
 * `TaskImage`: columns as they were. Not the row of now, so a type of its own that caches must not take for the entity: it has no field
 * `id`. A column of that name is the whole key and stands in the change's `key`. `undefined` where no column is left.
 */
export function imageType(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLObjectType<Cells, RivuletContext> | undefined {
  const columns = types.exposure.columns(table).filter((column) => column.field !== 'id');
  if (columns.length === 0) return undefined;
  return types.registry.once(`${table.typeName}Image`, `images of ${table.name}`, () => {
    const fields: GraphQLFieldConfigMap<Cells, RivuletContext> = {};
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
      description: 'The columns of a row before a change. The key is the `key` of the change.',
      fields,
    });
  });
}

export function changeType(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLObjectType<ChangeSource, RivuletContext> {
  return types.registry.once(`${table.typeName}Change`, `changes of ${table.name}`, () => {
    return new GraphQLObjectType<ChangeSource, RivuletContext>({
      name: `${table.typeName}Change`,
      fields: () => {
        const image = imageType(types, table);
        return {
          kind: { type: new GraphQLNonNull(changeKindType(types)) },
          op: {
            type: changeOpType(types),
            description: 'Null where the row itself did not change, but a policy or a related row did.',
          },
          key: { type: new GraphQLNonNull(GraphQLID), description: 'The `id` of the row.' },
          node: { type: rowType(types, table), description: 'The row; null on LEAVE.' },
          ...(image
            ? { previous: { type: image, description: 'The row before, where you could see it.' } }
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
): GraphQLObjectType<ScopeMessage, RivuletContext> {
  return types.registry.once(`${table.typeName}Changes`, `change messages of ${table.name}`, () => {
    return new GraphQLObjectType<ScopeMessage, RivuletContext>({
      name: `${table.typeName}Changes`,
      description: 'What one database transaction did to the rows that you watch; never half of it.',
      fields: () => {
        const related = relatedType(types, table);
        return {
          cursor: {
            type: new GraphQLNonNull(GraphQLString),
            description: 'The position after this message.',
            resolve: ({ cursor }, _args, { live }) => live?.cursors.encode(cursor),
          },
          reset: { type: resetReasonType(types), description: 'Not null: continuity is lost, fetch again.' },
          transaction: {
            type: transactionType(types),
            description: 'Null where a reset did not come from a transaction, and where a replay names none.',
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

function transactionType(types: SchemaTypes): GraphQLObjectType<TransactionSource, RivuletContext> {
  return types.registry.once('ChangeTransaction', 'transactions', () => {
    const string = new GraphQLNonNull(GraphQLString);
    return new GraphQLObjectType<TransactionSource, RivuletContext>({
      name: 'ChangeTransaction',
      fields: {
        xid: {
          type: string,
          description:
            'An opaque name, the same wherever the transaction is told; not to be ordered or counted.',
          resolve: ({ xid }, _args, { live }) => live?.cursors.nameTransaction(xid),
        },
        loggedAt: { type: string, description: 'An ISO 8601 instant, for people; never for ordering.' },
        mutationId: { type: GraphQLString, description: 'What the writer called its mutation, if anything.' },
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
