import { filterKey } from '../../../shared/filter/normalize.js';
import { relatedKey } from '../../query/plan-key.js';
import type { ChangeSpec, RelatedSpec } from '../messages/types.js';

/** Equal for specs that may share a scope: same rows, same rights, same messages. */
export function specKey(spec: ChangeSpec): string {
  return JSON.stringify([
    spec.table.name,
    filterKey(spec.filter),
    spec.ops && [...spec.ops].sort(),
    spec.columns && names(spec.columns),
    names(spec.hidden),
    relatedKey(spec.related),
    spec.graph.map(graphKey),
  ]);
}

/** Equal for specs that a replay tells the same: their rights alone are equal, too. */
export function replayKey(spec: ChangeSpec): string {
  return JSON.stringify([specKey(spec), rightsKey(spec)]);
}

function rightsKey({ rights, graph }: Pick<ChangeSpec | RelatedSpec, 'rights' | 'graph'>): unknown[] {
  return [rights && filterKey(rights), graph.map(rightsKey)];
}

function graphKey(spec: RelatedSpec): unknown[] {
  return [
    spec.responseKey,
    spec.relation.source,
    spec.relation.name,
    filterKey(spec.filter),
    filterKey(spec.via),
    spec.onSource && filterKey(spec.onSource),
    names(spec.hidden),
    relatedKey(spec.related),
    spec.graph.map(graphKey),
  ];
}

function names(columns: Iterable<{ readonly name: string }>): readonly string[] {
  return [...columns].map((column) => column.name).sort();
}
