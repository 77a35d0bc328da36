import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLResolveInfo,
} from 'graphql';
import type { ModelTable } from '../../../shared/model/types.js';
import type { FilterTrials } from '../../query/filter-trials.js';
import { keyPredicate } from '../../query/key.js';
import { planFilter, planningOf } from '../plan/list-plan.js';
import { filterType } from '../schema/filter-types.js';
import { withTrialErrors } from '../schema/graphql-errors.js';
import { listOf, rowType } from '../schema/row-type.js';
import { type SchemaTypes, typesWithin } from '../schema/schema-types.js';
import { insertType, setType } from '../schema/write-types.js';
import type { RivuletContext } from './context.js';
import { createRows, deleteRows, updateRows, type WriteRequest } from './write-rows.js';
import type { ClientValues } from './write-values.js';

type MutationField<TArgs = unknown> = GraphQLFieldConfig<unknown, RivuletContext, TArgs>;

/**
 * `createTask`, `createTasks`, `updateTask`, …: the mutations that a policy can allow. Each field
 * is one transaction.
 */
export function mutationFields(types: SchemaTypes): GraphQLFieldConfigMap<unknown, RivuletContext> {
  const fields: GraphQLFieldConfigMap<unknown, RivuletContext> = {};
  for (const table of types.exposure.tables) {
    if (types.exposure.allows(table, 'insert')) addCreate(fields, types, table);
    if (types.exposure.allows(table, 'update')) addUpdate(fields, types, table);
    if (types.exposure.allows(table, 'delete')) addDelete(fields, types, table);
  }
  return fields;
}

type MutationFieldMap = GraphQLFieldConfigMap<unknown, RivuletContext>;

function addCreate(fields: MutationFieldMap, types: SchemaTypes, table: ModelTable): void {
  const input = insertType(types, table);
  if (!input) return;
  const values = new GraphQLNonNull(input);
  fields[`create${upperFirst(table.fields.one)}`] = {
    type: new GraphQLNonNull(rowType(types, table)),
    args: { values: { type: values } },
    resolve: (_source, args: { readonly values: ClientValues }, context, info) =>
      withTrialErrors(
        context,
        types.model,
        async (trials) =>
          (await createRows(writingOf(types, table, context, info, 1, trials), [args.values]))[0],
      ),
  } as MutationField;
  fields[`create${upperFirst(table.fields.many)}`] = {
    type: listOf(rowType(types, table)),
    description: `Creates all rows or none, at most ${types.limits.maxWrites}. Returns them in the order of \`values\`.`,
    args: { values: { type: new GraphQLNonNull(new GraphQLList(values)) } },
    resolve: (_source, args: { readonly values: readonly ClientValues[] }, context, info) =>
      withTrialErrors(context, types.model, (trials) =>
        createRows(writingOf(types, table, context, info, null, trials), args.values),
      ),
  } as MutationField;
}

function addUpdate(fields: MutationFieldMap, types: SchemaTypes, table: ModelTable): void {
  const input = setType(types, table);
  if (!input) return;
  const set = { type: new GraphQLNonNull(input) };
  fields[`update${upperFirst(table.fields.one)}`] = {
    type: rowType(types, table),
    description:
      'Returns the new row. Null if no such row exists that you may update, or if you may no longer read it.',
    args: { id: { type: new GraphQLNonNull(GraphQLID) }, set },
    resolve: (_source, args: { readonly id: string; readonly set: ClientValues }, context, info) =>
      withTrialErrors(context, types.model, async (trials) => {
        const writing = writingOf(types, table, context, info, 1, trials);
        return (await updateRows(writing, keyPredicate(table, args.id), args.set))[0] ?? null;
      }),
  } as MutationField;
  fields[`update${upperFirst(table.fields.many)}`] = {
    type: listOf(rowType(types, table)),
    description: `Updates all matching rows or none, at most ${types.limits.maxWrites}.`,
    args: { where: { type: new GraphQLNonNull(filterType(types, table)) }, set },
    resolve: (_source, args: { readonly where: unknown; readonly set: ClientValues }, context, info) =>
      withTrialErrors(context, types.model, async (trials) => {
        const writing = writingOf(types, table, context, info, null, trials);
        return updateRows(writing, planFilter(writing.planning, table, args.where), args.set);
      }),
  } as MutationField;
}

function addDelete(fields: MutationFieldMap, types: SchemaTypes, table: ModelTable): void {
  fields[`delete${upperFirst(table.fields.one)}`] = {
    type: rowType(types, table),
    description: 'Returns the row as it was before. Null if no such row exists that you may delete.',
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    resolve: (_source, args: { readonly id: string }, context, info) =>
      withTrialErrors(context, types.model, async (trials) => {
        const writing = writingOf(types, table, context, info, 1, trials);
        return (await deleteRows(writing, keyPredicate(table, args.id)))[0] ?? null;
      }),
  } as MutationField;
  fields[`delete${upperFirst(table.fields.many)}`] = {
    type: listOf(rowType(types, table)),
    description: `Deletes all matching rows or none, at most ${types.limits.maxWrites}. Returns the rows as they were before.`,
    args: { where: { type: new GraphQLNonNull(filterType(types, table)) } },
    resolve: (_source, args: { readonly where: unknown }, context, info) =>
      withTrialErrors(context, types.model, async (trials) => {
        const writing = writingOf(types, table, context, info, null, trials);
        return deleteRows(writing, planFilter(writing.planning, table, args.where));
      }),
  } as MutationField;
}

function writingOf(
  types: SchemaTypes,
  table: ModelTable,
  context: RivuletContext,
  info: GraphQLResolveInfo,
  most: 1 | null,
  trials: FilterTrials,
): WriteRequest {
  const own = typesWithin(types, context);
  const planned = planningOf(own, context.rights, info, trials);
  return { types: own, table, context, most: most ?? own.limits.maxWrites, ...planned };
}

function upperFirst(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
