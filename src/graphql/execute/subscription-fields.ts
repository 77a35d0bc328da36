import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import type { ModelTable } from '../../../shared/model/types.js';
import { FilterTrials } from '../../query/filter-trials.js';
import type { RowNode, SelectPlan, SelectResult } from '../../query/types.js';
import type { PushStream } from '../../scope/delivery/outbox.js';
import type { FollowOptions } from '../../scope/messages/types.js';
import { type ChangesArgs, planChangeStream } from '../plan/change-stream-plan.js';
import type { ListArguments } from '../plan/list-plan.js';
import { assertTotalRows } from '../plan/plan-limits.js';
import { changeOpType, changesType, columnEnum } from '../schema/change-types.js';
import { filterType } from '../schema/filter-types.js';
import { asGraphQLError, withCodedErrors } from '../schema/graphql-errors.js';
import { listArguments, listOf, rowType } from '../schema/row-type.js';
import type { SchemaTypes } from '../schema/schema-types.js';
import type { EventField } from './compile-event.js';
import type { LiveContext, RivuletContext } from './context.js';
import { planMany, planOne } from './query-fields.js';

type SubscriptionField<TArgs = unknown> = GraphQLFieldConfig<unknown, RivuletContext, TArgs>;

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
      'Sends the row, and again each time it or a selected related row changes. Null while the row does not exist.',
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    subscribe: (_source, args, context, info) =>
      withCodedErrors(async () => {
        const trials = new FilterTrials();
        const plan = assertNoPolicyFault(context, planOne(types, table, args, context, info, trials));
        await trials.run(context.database, types.model);
        return liveQueryEvents(context, plan);
      }),
    resolve: (answer) => answerRows(types, answer)[0] ?? null,
    extensions: { rivulet: eventField(types, table, 'one') },
  };
}

function liveMany(types: SchemaTypes, table: ModelTable): SubscriptionField<ListArguments> {
  return {
    type: listOf(rowType(types, table)),
    description: 'Sends the current result, and a new result each time it changes.',
    args: listArguments(types, table),
    subscribe: (_source, args, context, info) =>
      withCodedErrors(async () => {
        const trials = new FilterTrials();
        const plan = assertNoPolicyFault(context, planMany(types, table, args, context, info, trials));
        await trials.run(context.database, types.model);
        return liveQueryEvents(context, plan);
      }),
    resolve: (answer) => answerRows(types, answer),
    extensions: { rivulet: eventField(types, table, 'many') },
  };
}

/** Refuses a stream whose policy failed. It would show nothing and look alive. */
function assertNoPolicyFault<T>({ faults = [] }: RivuletContext, plan: T): T {
  const [fault] = faults;
  if (!fault) return plan;
  const { table, rule } = fault;
  throw new RivuletError('POLICY_FAILED', `The policy ${table}.${rule} failed`, { table, rule });
}

function eventField(types: SchemaTypes, table: ModelTable, kind: EventField['kind']): EventField {
  return { kind, table, model: types.model, limits: types.limits };
}

/**
 * A live query begins with the current result, whatever its client has. A cursor that the client
 * sends is checked nevertheless.
 */
function liveQueryEvents(context: RivuletContext, plan: SelectPlan): PushStream<SelectResult> {
  const { scopes, cursors, start, owner } = liveOf(context);
  const cursor = start?.kind === 'resume' ? (start.lastEventId ?? start.after) : null;
  if (cursor !== null) cursors.decode(cursor);
  return scopes.live(plan, { allowance: context.outgoing?.allowance, owner });
}

/**
 * Subscribers of one live query receive the same result object, so that it is executed once for all
 * of them.
 */
function answerRows(types: SchemaTypes, answer: unknown): readonly RowNode[] {
  const { rows } = answer as SelectResult;
  assertTotalRows(types.limits, rows);
  return rows;
}

function changeStream(types: SchemaTypes, table: ModelTable): SubscriptionField<ChangesArgs> {
  return {
    type: new GraphQLNonNull(changesType(types, table)),
    description:
      'Sends the effect of each new transaction on the rows that match `where` and that you may read.',
    args: changesArguments(types, table),
    subscribe: (_source, args, context, info) =>
      withCodedErrors(async () => {
        const trials = new FilterTrials();
        const spec = assertNoPolicyFault(
          context,
          planChangeStream(types, table, args, context, info, trials),
        );
        await trials.run(context.database, types.model);
        return liveOf(context).scopes.changes(spec, followOptionsOf(context, args));
      }),
    resolve: (message) => message,
    extensions: { rivulet: eventField(types, table, 'changes') },
  };
}

function followOptionsOf(context: RivuletContext, args: ChangesArgs): FollowOptions {
  const { cursors, start, owner } = liveOf(context);
  const allowance = context.outgoing?.allowance;
  if (start?.kind === 'rightsChanged') return { reset: 'RIGHTS_CHANGED', allowance, owner };
  const cursor = start?.lastEventId ?? args.after ?? start?.after;
  return { after: cursor == null ? undefined : cursors.decode(cursor), allowance, owner };
}

function changesArguments(types: SchemaTypes, table: ModelTable): GraphQLFieldConfigArgumentMap {
  return {
    where: { type: filterType(types, table) },
    ops: {
      type: new GraphQLList(new GraphQLNonNull(changeOpType(types))),
      description:
        'Sends only changes by these operations. A row that stops matching the filter leaves by UPDATE.',
    },
    columns: {
      type: new GraphQLList(new GraphQLNonNull(columnEnum(types, table))),
      description:
        'Sends an UPDATE only if it changes one of these columns. ENTER and LEAVE are always sent.',
    },
    after: {
      type: GraphQLString,
      description:
        'The cursor of a message or of a query (`extensions.rivulet.cursor`). The stream starts directly after it.',
    },
  };
}

function liveOf(context: RivuletContext): LiveContext {
  if (!context.live) throw asGraphQLError(new TypeError('this context serves no subscriptions'));
  return context.live;
}
