import { type FieldNode, type GraphQLResolveInfo, getArgumentValues } from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import { and, EVERYTHING, normalize } from '../../../shared/filter/normalize.js';
import { relationFilter, relationSourceFilter } from '../../../shared/filter/parse.js';
import type { ModelColumn, ModelRelation, ModelTable } from '../../../shared/model/types.js';
import type { ChangeOp } from '../../../shared/protocol/messages.js';
import { assertReadable, junctionFilter } from '../../policy/guard-filter.js';
import type { AccessRights } from '../../policy/types.js';
import type { FilterTrials } from '../../query/filter-trials.js';
import type { RelatedPlan } from '../../query/types.js';
import type { ChangeSpec, RelatedSpec } from '../../scope/messages/types.js';
import type { QueryLimits } from '../schema/query-limits.js';
import { type SchemaTypes, typesWithin } from '../schema/schema-types.js';
import { type PlanContext, planFilter, planningOf, planRelated } from './list-plan.js';
import { fieldsOf, type SelectionSets, selectionAt, selectionOf } from './selection.js';

/** The arguments of a change stream, coerced. */
export interface ChangesArgs {
  readonly where?: unknown;
  readonly ops?: readonly ChangeOp[] | null;
  readonly columns?: readonly ModelColumn[] | null;
  readonly after?: string | null;
}

/**
 * Plans a change stream: the arguments choose the rows, the selection chooses the relations. Throws
 * `COLUMN_FORBIDDEN` if a hidden column is named or selected, and `QUERY_TOO_DEEP`.
 */
export function planChangeStream(
  types: SchemaTypes,
  table: ModelTable,
  args: ChangesArgs,
  context: { readonly rights: AccessRights; readonly limits?: QueryLimits | undefined },
  info: GraphQLResolveInfo,
  trials?: FilterTrials,
): ChangeSpec {
  const { rights } = context;
  const { planning, selection } = planningOf(typesWithin(types, context), rights, info, trials);
  for (const column of args.columns ?? []) assertReadable(rights, table, column);
  const type = `${table.typeName}Changes`;
  return {
    table,
    filter: normalize(and(planFilter(planning, table, args.where), rights.filter(table, 'read'))),
    rights: normalize(rights.filter(table, 'read')),
    ops: args.ops ? new Set(args.ops) : null,
    columns: args.columns ? new Set(args.columns) : null,
    hidden: hiddenColumns(planning, table),
    related: carried(planning, table, type, selection),
    graph: graphSpecs(planning, table, type, selection, 1),
  };
}

/** The scopes below: one for each relation that is selected in `related`. */
function graphSpecs(
  planning: PlanContext,
  table: ModelTable,
  type: string,
  selection: SelectionSets,
  depth: number,
): readonly RelatedSpec[] {
  const { maxDepth } = planning.types.limits;
  if (depth > maxDepth) {
    throw new RivuletError('QUERY_TOO_DEEP', `At most ${maxDepth} levels of rows can be selected`, {
      maximum: maxDepth,
    });
  }
  const below = selectionAt(planning.info, selection, [{ type, field: 'related' }]);
  return [...fieldsOf(planning.info, `${table.typeName}Related`, below)].flatMap(([responseKey, nodes]) => {
    const relation = table.findRelation(nodes[0]!.name.value);
    return relation ? [relatedSpec(planning, table, relation, responseKey, nodes, depth + 1)] : [];
  });
}

function relatedSpec(
  planning: PlanContext,
  table: ModelTable,
  relation: ModelRelation,
  responseKey: string,
  nodes: readonly FieldNode[],
  depth: number,
): RelatedSpec {
  const { types, rights } = planning;
  const target = types.model.table(relation.target);
  const where = whereOf(planning, table, relation, nodes[0]!);
  const selection = selectionOf(nodes);
  const type = `${target.typeName}Scope`;
  return {
    responseKey,
    relation,
    filter: normalize(
      and(
        relationFilter(types.model, relation),
        planFilter(planning, target, where),
        rights.filter(target, 'read'),
      ),
    ),
    rights: normalize(rights.filter(target, 'read')),
    via: junctionFilter(types.model, rights, relation) ?? EVERYTHING,
    onSource: relationSourceFilter(types.model, relation),
    hidden: hiddenColumns(planning, target),
    related: carried(planning, target, type, selection),
    graph: graphSpecs(planning, target, type, selection, depth),
  };
}

/** The relations that each change's node carries. Also checks the columns of `previous`. */
function carried(
  planning: PlanContext,
  table: ModelTable,
  type: string,
  selection: SelectionSets,
): readonly RelatedPlan[] {
  const { info, rights } = planning;
  const ofChange = (field: string) =>
    selectionAt(info, selection, [
      { type, field: 'changes' },
      { type: `${table.typeName}Change`, field },
    ]);
  for (const [node] of fieldsOf(info, `${table.typeName}Image`, ofChange('previous')).values()) {
    const column = table.findField(node!.name.value);
    if (column) assertReadable(rights, table, column);
  }
  return planRelated(planning, table, ofChange('node'));
}

function hiddenColumns({ rights }: PlanContext, table: ModelTable): ReadonlySet<ModelColumn> {
  return new Set(table.columns.filter((column) => !rights.canReadColumn(table, column)));
}

function whereOf(
  planning: PlanContext,
  table: ModelTable,
  relation: ModelRelation,
  node: FieldNode,
): unknown {
  const type = planning.info.schema.getType(`${table.typeName}Related`);
  const field = type && 'getFields' in type ? type.getFields()[relation.name] : undefined;
  if (!field || !('args' in field)) throw new TypeError(`no field ${table.typeName}Related.${relation.name}`);
  return getArgumentValues(field, node, planning.info.variableValues).where;
}
