import { type FieldNode, getArgumentValues } from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import { and, EVERYTHING, normalize } from '../../../shared/filter/normalize.js';
import { parseOrder } from '../../../shared/filter/order.js';
import { parseFilter, relationFilter, relationSourceFilter } from '../../../shared/filter/parse.js';
import type { Filter, OrderTerm } from '../../../shared/filter/types.js';
import type { ModelColumn, ModelRelation, ModelTable } from '../../../shared/model/types.js';
import { assertReadable, guardOrder, junctionFilter } from '../../policy/guard-filter.js';
import type { AccessRights } from '../../policy/types.js';
import { FilterTrials } from '../../query/filter-trials.js';
import type { RelatedPlan, SelectPlan } from '../../query/types.js';
import type { SchemaTypes } from '../schema/schema-types.js';
import { assertPossibleRows, limitOf, offsetOf } from './plan-limits.js';
import {
  type FieldInfo,
  fieldsOf,
  type SelectionInfo,
  type SelectionSets,
  selectionOf,
} from './selection.js';

/** The inputs of a request's planning. */
export interface PlanContext {
  readonly types: SchemaTypes;
  readonly rights: AccessRights;
  readonly info: SelectionInfo;
  /**
   * Number of relations planned so far. Fragments in a short document can select exponentially
   * many.
   */
  readonly relations: { count: number };
  /** Collects arguments of the client that only PostgreSQL can check. */
  readonly trials: FilterTrials;
}

/** The arguments of a list field, coerced. */
export interface ListArguments {
  readonly where?: unknown;
  readonly orderBy?: unknown;
  readonly limit?: number | null;
  readonly offset?: number | null;
}

/**
 * A list of a table: the client's arguments, guarded, and the read policy; relations from the
 * selection.
 */
export function planList(
  planning: PlanContext,
  table: ModelTable,
  args: ListArguments,
  selection: SelectionSets,
): SelectPlan {
  return checked(planning, listPlan(planning, table, args, selection, 1, EVERYTHING));
}

/**
 * The readable rows that `filter` selects, at most `count`. `filter` is the server's own and is not
 * guarded.
 */
export function planRows(
  planning: PlanContext,
  table: ModelTable,
  filter: Filter,
  selection: SelectionSets,
  count = 1,
): SelectPlan {
  planning.trials.addFilter(planning.types.model, table, filter);
  return checked(planning, {
    table,
    filter: normalize(and(filter, planning.rights.filter(table, 'read'))),
    orderBy: parseOrder(table, undefined),
    limit: count,
    offset: 0,
    related: relatedPlans(planning, table, selection, 1),
    columns: shownColumns(planning, table, selection),
  });
}

/**
 * The relations that a selection on a table's row type asks for, at every depth. Throws
 * `COLUMN_FORBIDDEN` if the selection has a hidden column, whether or not there are rows, and
 * `QUERY_TOO_DEEP`.
 */
export function planRelated(
  planning: PlanContext,
  table: ModelTable,
  selection: SelectionSets,
): readonly RelatedPlan[] {
  const related = relatedPlans(planning, table, selection, 1);
  assertPossibleRows(planning.types.limits, { limit: 1, related });
  return related;
}

/** The columns that a selection on a table's row type shows, and the key's. */
export function shownColumns(
  { info }: PlanContext,
  table: ModelTable,
  selection: SelectionSets,
): ReadonlySet<ModelColumn> {
  const shown = new Set(table.key);
  for (const [node] of fieldsOf(info, table.typeName, selection).values()) {
    const column = table.findField(node!.name.value);
    if (column) shown.add(column);
  }
  return shown;
}

/** A client's `where`, parsed and guarded, without the table's own read policy. */
export function planFilter(planning: PlanContext, table: ModelTable, where: unknown): Filter {
  if (where === undefined || where === null) return EVERYTHING;
  const { rights, trials, types } = planning;
  const filter = parseFilter(types.model, table, where, { names: 'graphql' });
  trials.addFilter(types.model, table, filter);
  return rights.guard(table, filter);
}

/** A client's `orderBy`, parsed and guarded, ending with the primary key. */
export function planOrder(planning: PlanContext, table: ModelTable, orderBy: unknown): readonly OrderTerm[] {
  const terms = parseOrder(table, orderBy ?? undefined, 'graphql');
  guardOrder(planning.rights, table, terms);
  planning.trials.addOrder(table, terms);
  return terms;
}

/** The planning of a resolver's field, and the selection below it. */
export function planningOf(
  types: SchemaTypes,
  rights: AccessRights,
  info: FieldInfo,
  trials = new FilterTrials(),
): { readonly planning: PlanContext; readonly selection: SelectionSets } {
  return {
    planning: { types, rights, info, relations: { count: 0 }, trials },
    selection: selectionOf(info.fieldNodes),
  };
}

function checked(planning: PlanContext, plan: SelectPlan): SelectPlan {
  assertPossibleRows(planning.types.limits, plan);
  return plan;
}

function listPlan(
  planning: PlanContext,
  table: ModelTable,
  args: ListArguments,
  selection: SelectionSets,
  depth: number,
  own: Filter,
): SelectPlan {
  const { limits } = planning.types;
  return {
    table,
    filter: normalize(
      and(own, planFilter(planning, table, args.where), planning.rights.filter(table, 'read')),
    ),
    orderBy: planOrder(planning, table, args.orderBy),
    limit: limitOf(limits, args.limit),
    offset: offsetOf(limits, args.offset),
    related: relatedPlans(planning, table, selection, depth),
    columns: shownColumns(planning, table, selection),
  };
}

function relatedPlans(
  planning: PlanContext,
  table: ModelTable,
  selection: SelectionSets,
  depth: number,
): readonly RelatedPlan[] {
  const { info, rights, types } = planning;
  if (depth > types.limits.maxDepth) {
    throw new RivuletError(
      'QUERY_TOO_DEEP',
      `At most ${types.limits.maxDepth} levels of rows can be selected`,
      {
        maximum: types.limits.maxDepth,
      },
    );
  }
  const plans: RelatedPlan[] = [];
  for (const [responseKey, nodes] of fieldsOf(info, table.typeName, selection)) {
    const name = nodes[0]!.name.value;
    const column = table.findField(name);
    if (column) assertReadable(rights, table, column);
    const relation = column ? undefined : table.findRelation(name);
    if (relation) plans.push(relatedPlan(planning, table, relation, responseKey, nodes, depth + 1));
  }
  return plans;
}

function relatedPlan(
  planning: PlanContext,
  table: ModelTable,
  relation: ModelRelation,
  responseKey: string,
  nodes: readonly FieldNode[],
  depth: number,
): RelatedPlan {
  const { model, limits } = planning.types;
  planning.relations.count++;
  if (planning.relations.count > limits.maxRelations) {
    throw new RivuletError(
      'QUERY_TOO_LARGE',
      `At most ${limits.maxRelations} relations can be selected at once`,
      {
        maximum: limits.maxRelations,
      },
    );
  }
  const target = model.table(relation.target);
  const args = relation.kind === 'many' ? argumentsOf(planning, table, relation, nodes[0]!) : {};
  const plan = listPlan(planning, target, args, selectionOf(nodes), depth, relationFilter(model, relation));
  return {
    responseKey,
    relation,
    via: junctionFilter(model, planning.rights, relation) ?? EVERYTHING,
    onSource: relationSourceFilter(model, relation),
    plan: relation.kind === 'many' ? plan : { ...plan, limit: 1 },
  };
}

function argumentsOf(
  planning: PlanContext,
  table: ModelTable,
  relation: ModelRelation,
  node: FieldNode,
): ListArguments {
  const type = planning.info.schema.getType(table.typeName);
  const field = type && 'getFields' in type ? type.getFields()[relation.name] : undefined;
  if (!field || !('args' in field)) throw new TypeError(`no field ${table.typeName}.${relation.name}`);
  return getArgumentValues(field, node, planning.info.variableValues);
}
