import type { Filter } from '../../../shared/filter/types.js';
import type { RelatedPlan } from '../../query/types.js';
import type { ChangeSpec, RelatedSpec } from '../messages/types.js';

/**
 * The conditions of a subscription, those of the relations that it carries included: about what
 * Postgres plans for it. At least 1.
 */
export function specWeight({ filter, related, graph }: ChangeSpec): number {
  return filterWeight(filter) + sum(related, planWeight) + sum(graph, graphWeight);
}

function planWeight({ via, plan }: RelatedPlan): number {
  return 1 + filterWeight(via) + filterWeight(plan.filter) + sum(plan.related, planWeight);
}

function graphWeight({ via, filter, related, graph }: RelatedSpec): number {
  return 1 + filterWeight(via) + filterWeight(filter) + sum(related, planWeight) + sum(graph, graphWeight);
}

function filterWeight(filter: Filter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return sum(filter.filters, filterWeight);
    case 'not':
      return filterWeight(filter.filter);
    case 'related':
      return 1 + filterWeight(filter.filter) + (filter.via ? filterWeight(filter.via) : 0);
    default:
      return 1;
  }
}

function sum<T>(items: readonly T[], weight: (item: T) => number): number {
  return items.reduce((total, item) => total + weight(item), 0);
}
