import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLResolveInfo,
} from 'graphql';
import { and, normalize } from '../filter/normalize.js';
import type { ModelColumn, ModelTable } from '../model/types.js';
import { assertReadable } from '../policy/guard.js';
import type { SelectPlan } from '../query/types.js';
import type { ChangeOp, ChangeSpec, ScopeMessage } from '../scope/types.js';
import { type ChangesSource, changeOpType, changesType, columnEnum } from './change-types.js';
import type { LiveContext, RivuletContext } from './context.js';
import { asGraphQLError, coded } from './errors.js';
import { filterType } from './filter-types.js';
import { mapIterator } from './map-iterator.js';
import { type ListArgs, planFilter, planningOf, planRelated } from './plan.js';
import { assertTotalRows } from './plan-limits.js';
import { planMany, planOne } from './query-fields.js';
import { listArguments, listOf, rowType } from './row-type.js';
import type { SchemaTypes } from './schema-types.js';
import { fieldsOf, type Selection, selectionAt } from './selection.js';

type SubscriptionField<TArgs = unknown> = GraphQLFieldConfig<unknown, RivuletContext, TArgs>;

/** The arguments of a change stream, coerced. */
interface ChangesArgs {
  readonly where?: unknown;
  readonly ops?: readonly ChangeOp[] | null;
  readonly columns?: readonly ModelColumn[] | null;
}

/** `task`, `tasks` (live queries) and `taskChanges` (change stream) of every table. */
export function subscriptionFields(types: SchemaTypes): GraphQLFieldConfigMap<unknown, RivuletContext> {
  const fields: GraphQLFieldConfigMap<unknown, RivuletContext> = {};
  for (const table of types.exposure.tables) {
    fields[table.fields.one] = liveOne(types, table) as SubscriptionField;
    fields[table.fields.many] = liveMany(types, table) as SubscriptionField;
    fields[`${table.fields.one}Changes`] = changeStream(types, table) as SubscriptionField;
  }
  return fields;
}

function liveOne(types: SchemaTypes, table: ModelTable): SubscriptionField<{ readonly id: string }> {
  return {
    type: rowType(types, table),
    description:
      'The row now, and again whenever it or what is selected below it changes; null while there is none.',
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    subscribe: (_source, args, context, info) =>
      coded(async () => {
        const plan = planOne(types, table, args, context, info);
        return mapIterator(liveRows(types, context, plan), (rows) => ({ answer: rows[0] ?? null }));
      }),
    resolve: answerOf,
  };
}

function liveMany(types: SchemaTypes, table: ModelTable): SubscriptionField<ListArgs> {
  return {
    type: listOf(rowType(types, table)),
    description: 'The answer now, and again whenever it is another one.',
    args: listArguments(types, table),
    subscribe: (_source, args, context, info) =>
      coded(async () => {
        const plan = planMany(types, table, args, context, info);
        return mapIterator(liveRows(types, context, plan), (rows) => ({ answer: rows }));
      }),
    resolve: answerOf,
  };
}

/** What a live query's stream carries; wrapped, since an event itself cannot be null. */
function answerOf(event: unknown): unknown {
  return (event as { readonly answer: unknown }).answer;
}

function liveRows(types: SchemaTypes, context: RivuletContext, plan: SelectPlan) {
  return mapIterator(liveOf(context).scopes.live(plan), (result) => {
    assertTotalRows(types.limits, result.rows);
    return result.rows;
  });
}

function changeStream(types: SchemaTypes, table: ModelTable): SubscriptionField<ChangesArgs> {
  return {
    type: new GraphQLNonNull(changesType(types, table)),
    description:
      'What each transaction from now on does to the rows that satisfy `where` and that you may read.',
    args: changesArguments(types, table),
    subscribe: (_source, args, context, info) =>
      coded(async () => {
        const { scopes, cursors } = liveOf(context);
        const messages = scopes.changes(changeSpec(types, table, args, context, info));
        return mapIterator(messages, (message) => toSource(message, cursors.encode(message.cursor)));
      }),
    resolve: (message) => message,
  };
}

function changesArguments(types: SchemaTypes, table: ModelTable): GraphQLFieldConfigArgumentMap {
  return {
    where: { type: filterType(types, table) },
    ops: {
      type: new GraphQLList(new GraphQLNonNull(changeOpType(types))),
      description:
        'Only changes that the database made in these ways; a row that leaves the filter does so by UPDATE.',
    },
    columns: {
      type: new GraphQLList(new GraphQLNonNull(columnEnum(types, table))),
      description: 'An UPDATE counts only when it changes one of these; ENTER and LEAVE always count.',
    },
  };
}

function changeSpec(
  types: SchemaTypes,
  table: ModelTable,
  args: ChangesArgs,
  context: RivuletContext,
  info: GraphQLResolveInfo,
): ChangeSpec {
  const { rights } = context;
  const { planning, selection } = planningOf(types, rights, info);
  for (const column of args.columns ?? []) assertReadable(rights, table, column);
  for (const column of previousColumns(info, table, selection)) assertReadable(rights, table, column);
  const policy = rights.filter(table, 'read');
  return {
    table,
    filter: normalize(and(planFilter(planning, table, args.where), policy)),
    ops: args.ops ? new Set(args.ops) : null,
    columns: args.columns ? new Set(args.columns) : null,
    hidden: new Set(table.columns.filter((column) => !rights.canReadColumn(table, column))),
    related: planRelated(planning, table, nodeSelection(info, table, selection)),
    graph: [],
  };
}

/** What is selected of each change's node. */
function nodeSelection(info: GraphQLResolveInfo, table: ModelTable, selection: Selection): Selection {
  return ofChange(info, table, selection, 'node');
}

function previousColumns(
  info: GraphQLResolveInfo,
  table: ModelTable,
  selection: Selection,
): readonly ModelColumn[] {
  const fields = fieldsOf(info, `${table.typeName}Image`, ofChange(info, table, selection, 'previous'));
  return [...fields.values()].flatMap(([node]) => table.findColumn(node!.name.value) ?? []);
}

function ofChange(
  info: GraphQLResolveInfo,
  table: ModelTable,
  selection: Selection,
  field: string,
): Selection {
  return selectionAt(info, selection, [
    { type: `${table.typeName}Changes`, field: 'changes' },
    { type: `${table.typeName}Change`, field },
  ]);
}

function toSource(message: ScopeMessage, cursor: string): ChangesSource {
  const { reset, transaction, changes } = message;
  return { cursor, reset, transaction, changes };
}

function liveOf(context: RivuletContext): LiveContext {
  if (!context.live) throw asGraphQLError(new TypeError('this context serves no subscriptions'));
  return context.live;
}
