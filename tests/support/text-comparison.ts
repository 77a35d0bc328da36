import type { ColumnType } from '../../shared/model/types.js';
import { comparisonOf, type TextComparator } from '../../shared/value/compare.js';

/**
 * Total order of a type's texts as Postgres has it; `undefined` where JavaScript cannot know it.
 */
export function comparatorFor(type: ColumnType): TextComparator | undefined {
  const comparison = comparisonOf(type);
  if (!comparison?.ordered) return undefined;
  return (left, right) => comparison.compare(comparison.read(left), comparison.read(right));
}

/** Equality of a type's texts as Postgres has it; `undefined` where JavaScript cannot know it. */
export function equalityFor(type: ColumnType): ((left: string, right: string) => boolean) | undefined {
  const comparison = comparisonOf(type);
  return (
    comparison && ((left, right) => comparison.compare(comparison.read(left), comparison.read(right)) === 0)
  );
}
