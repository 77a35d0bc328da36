import { filterKey } from '../../shared/filter/normalize.js';
import type { RelatedPlan, SelectPlan } from './types.js';

/** Canonical text of a plan: equal for plans that read the same, policies included. */
export function planKey(plan: SelectPlan): string {
  return JSON.stringify(planParts(plan));
}

export function relatedKey(related: readonly RelatedPlan[]): string {
  return JSON.stringify(related.map(relatedParts));
}

function planParts(plan: SelectPlan): unknown[] {
  return [
    plan.table.name,
    filterKey(plan.filter),
    plan.orderBy.map(({ column, direction }) => [column.name, direction]),
    plan.limit,
    plan.offset,
    plan.related.map(relatedParts),
    plan.columns
      ? plan.table.columns.filter((column) => plan.columns?.has(column)).map(({ name }) => name)
      : null,
  ];
}

function relatedParts({ responseKey, relation, via, onSource, plan }: RelatedPlan): unknown[] {
  return [
    responseKey,
    relation.source,
    relation.name,
    filterKey(via),
    onSource ? filterKey(onSource) : null,
    planParts(plan),
  ];
}
