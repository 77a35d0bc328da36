import {
  type GraphQLField,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLResolveInfo,
} from 'graphql';
import type { Model, ModelTable } from '../../../shared/model/types.js';
import type { FilterTrials } from '../../query/filter-trials.js';
import { keyPredicate, keysPredicate } from '../../query/key.js';
import { rowsToSql } from '../../query/rows.js';
import { decodeSelect } from '../../query/select.js';
import type { RowNode, SelectPlan } from '../../query/types.js';
import { type ListArguments, planList, planningOf, planRows } from '../plan/list-plan.js';
import { limitOf } from '../plan/plan-limits.js';
import type { FieldInfo } from '../plan/selection.js';
import { withTrialErrors } from '../schema/graphql-errors.js';
import { decodeNodeId } from '../schema/node-id.js';
import type { QueryLimits } from '../schema/query-limits.js';
import { listArguments, listOf, nodeInterface, rowType } from '../schema/row-type.js';
import { type SchemaTypes, typesWithin } from '../schema/schema-types.js';
import { connectionField } from './connection-field.js';
import type { RivuletContext } from './context.js';
import { RequestReader } from './request-reader.js';

/**
 * Facts in a query field's `extensions.rivulet`, by which its response is written without
 * execution.
 */
export interface RootField {
  readonly kind: 'one' | 'many';
  readonly table: ModelTable;
  readonly model: Model;
  readonly limits: QueryLimits;
  /** `args`: coerced. */
  readonly plan: (
    args: Readonly<Record<string, unknown>>,
    context: RivuletContext,
    info: FieldInfo,
  ) => SelectPlan;
}

export function rootFieldOf(field: GraphQLField<unknown, unknown>): RootField | undefined {
  return field.extensions.rivulet as RootField | undefined;
}

type QueryField<TArgs = unknown> = GraphQLFieldConfig<unknown, RivuletContext, TArgs>;

/** `task`, `tasks`, `tasksConnection` of every table, and `node`, `nodes`. */
export function queryFields(types: SchemaTypes): GraphQLFieldConfigMap<unknown, RivuletContext> {
  const fields: GraphQLFieldConfigMap<unknown, RivuletContext> = {};
  for (const table of types.exposure.tables) {
    fields[table.fields.one] = oneField(types, table) as QueryField;
    fields[table.fields.many] = manyField(types, table) as QueryField;
    fields[`${table.fields.many}Connection`] = connectionField(types, table) as QueryField;
  }
  fields.node ??= nodeField(types) as QueryField;
  fields.nodes ??= nodesField(types) as QueryField;
  return fields;
}

/** The plan of `task(id:)`: of the query and of the live query alike. */
export function planOne(
  types: SchemaTypes,
  table: ModelTable,
  args: { readonly id: string },
  context: RivuletContext,
  info: FieldInfo,
  trials?: FilterTrials,
): SelectPlan {
  const { planning, selection } = planningOf(typesWithin(types, context), context.rights, info, trials);
  return planRows(planning, table, keyPredicate(table, args.id), selection);
}

/**
 * The plan of `tasks(where:, orderBy:, limit:, offset:)`: of the query and of the live query alike.
 */
export function planMany(
  types: SchemaTypes,
  table: ModelTable,
  args: ListArguments,
  context: RivuletContext,
  info: FieldInfo,
  trials?: FilterTrials,
): SelectPlan {
  const { planning, selection } = planningOf(typesWithin(types, context), context.rights, info, trials);
  return planList(planning, table, args, selection);
}

/**
 * Reads plans in one statement. Throws `QUERY_TOO_LARGE` if the whole request reads too many rows.
 */
export async function readPlans(
  types: SchemaTypes,
  context: RivuletContext,
  plans: readonly SelectPlan[],
): Promise<readonly (readonly RowNode[])[]> {
  if (plans.length === 0) return [];
  const reader = context.reader ?? new RequestReader(context.database);
  const { values, snapshot } = await reader.read(
    (params) => plans.map((plan) => rowsToSql(types.model, plan, params)),
    { limits: typesWithin(types, context).limits, plans },
  );
  return plans.map((plan, at) => decodeSelect(plan, values[at]!, snapshot).rows);
}

function oneField(types: SchemaTypes, table: ModelTable): QueryField<{ readonly id: string }> {
  return {
    type: rowType(types, table),
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    resolve: (_source, args, context, info) =>
      withTrialErrors(context, types.model, async (trials) => {
        const [rows] = await readPlans(types, context, [planOne(types, table, args, context, info, trials)]);
        return rows?.[0] ?? null;
      }),
    extensions: {
      rivulet: {
        kind: 'one',
        table,
        model: types.model,
        limits: types.limits,
        plan: (args, context, info) => planOne(types, table, args as { id: string }, context, info),
      } satisfies RootField,
    },
  };
}

function manyField(types: SchemaTypes, table: ModelTable): QueryField<ListArguments> {
  return {
    type: listOf(rowType(types, table)),
    args: listArguments(types, table),
    resolve: (_source, args, context, info) =>
      withTrialErrors(context, types.model, async (trials) => {
        const [rows] = await readPlans(types, context, [planMany(types, table, args, context, info, trials)]);
        return rows;
      }),
    extensions: {
      rivulet: {
        kind: 'many',
        table,
        model: types.model,
        limits: types.limits,
        plan: (args, context, info) => planMany(types, table, args, context, info),
      } satisfies RootField,
    },
  };
}

function nodeField(types: SchemaTypes): QueryField<{ readonly nodeId: string }> {
  return {
    type: nodeInterface(types),
    args: { nodeId: { type: new GraphQLNonNull(GraphQLID) } },
    resolve: (_source, { nodeId }, context, info) =>
      withTrialErrors(
        context,
        types.model,
        async (trials) => (await readNodes(types, [nodeId], context, info, trials))[0] ?? null,
      ),
  };
}

function nodesField(types: SchemaTypes): QueryField<{ readonly nodeIds: readonly string[] }> {
  return {
    type: new GraphQLNonNull(new GraphQLList(nodeInterface(types))),
    description:
      'Returns rows in the order of the ids. Null for a row that does not exist or that you may not read.',
    args: { nodeIds: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLID))) } },
    resolve: (_source, { nodeIds }, context, info) =>
      withTrialErrors(context, types.model, async (trials) => {
        limitOf(typesWithin(types, context).limits, nodeIds.length, 'nodeIds');
        return readNodes(types, nodeIds, context, info, trials);
      }),
  };
}

/** One statement, whatever the tables. */
async function readNodes(
  types: SchemaTypes,
  nodeIds: readonly string[],
  context: RivuletContext,
  info: GraphQLResolveInfo,
  trials: FilterTrials,
): Promise<readonly (RowNode | null)[]> {
  const { planning, selection } = planningOf(typesWithin(types, context), context.rights, info, trials);
  const wanted = nodeIds.map((nodeId) => decodeNodeId(types.exposure.tables, nodeId));
  const tables = [...new Set(wanted.map(({ table }) => table))];
  const plans = tables.map((table) => {
    const keys = wanted.filter((each) => each.table === table).map(({ key }) => key);
    return planRows(planning, table, keysPredicate(table, keys), selection, keys.length);
  });
  const found = new Map<string, RowNode>();
  for (const rows of await readPlans(types, context, plans)) {
    for (const row of rows) found.set(`${row.table.name} ${row.key}`, row);
  }
  return wanted.map(({ table, key }) => found.get(`${table.name} ${key}`) ?? null);
}
