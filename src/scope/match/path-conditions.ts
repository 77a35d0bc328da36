import type { Filter } from '../../../shared/filter/types.js';
import type { ModelColumn, ModelRelation } from '../../../shared/model/types.js';
import { equalityConditionsOf } from './equality-conditions.js';

/**
 * A column at the end of a chain of relations, and values of which one must be in a row there; an
 * empty chain ends at the row itself.
 */
export interface PathAtom {
  readonly path: readonly ModelRelation[];
  readonly column: ModelColumn;
  readonly values: readonly string[];
}

/**
 * As `atomsOf`, through relations: every row that satisfies the filter reaches, by the path of at
 * least one of them, one of its values. Of several choices the shortest way.
 */
export function pathConditionsOf(filter: Filter): readonly PathAtom[] | null {
  switch (filter.kind) {
    case 'and': {
      const choices = filter.filters.map(pathConditionsOf).filter((atoms) => atoms !== null);
      return choices.sort((a, b) => length(a) - length(b))[0] ?? null;
    }
    case 'or': {
      const parts = filter.filters.map(pathConditionsOf);
      return parts.every((atoms) => atoms !== null) ? parts.flat() : null;
    }
    case 'related': {
      const inner = pathConditionsOf(filter.filter);
      return inner?.map((atom) => ({ ...atom, path: [filter.relation, ...atom.path] })) ?? null;
    }
    default:
      return equalityConditionsOf(filter)?.map((atom) => ({ ...atom, path: [] })) ?? null;
  }
}

function length(atoms: readonly PathAtom[]): number {
  return Math.max(...atoms.map(({ path }) => path.length));
}
