import type { Filter } from '../../../shared/filter/types.js';
import type { ColumnType, ModelColumn } from '../../../shared/model/types.js';
import { equalityOf } from '../../../shared/value/equality.js';

/** A column and values of which one must be in a row. */
export interface EqualityCondition {
  readonly column: ModelColumn;
  readonly values: readonly string[];
}

/**
 * Conditions of which every row that satisfies the filter meets at least one; the most selective
 * that there are: the key before what points at keys, before the rest. `null` where there is no
 * such condition, and only the whole filter can say.
 */
export function equalityConditionsOf(filter: Filter): readonly EqualityCondition[] | null {
  switch (filter.kind) {
    case 'and': {
      const choices = filter.filters.map(equalityConditionsOf).filter((atoms) => atoms !== null);
      return choices.sort((a, b) => rank(a) - rank(b) || width(a) - width(b))[0] ?? null;
    }
    case 'or': {
      const parts = filter.filters.map(equalityConditionsOf);
      return parts.every((atoms) => atoms !== null) ? parts.flat() : null;
    }
    case 'in':
      return filter.castType === undefined ? atomOf(filter.column, filter.values) : null;
    case 'compare':
      if (filter.op !== 'eq' || filter.castType !== undefined) return null;
      return atomOf(filter.column, [filter.value]);
    default:
      return null;
  }
}

/**
 * Conditions of which a row of `table` meets at least one wherever it decides about a row of the
 * filter's own table, through whichever relation; `null` where every row of that table may. Holds
 * under NOT as well: what never satisfies the inner filter never counts.
 */
export function relatedEqualityConditions(
  filter: Filter,
  table: string,
): readonly EqualityCondition[] | null {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = filter.filters.map((part) => relatedEqualityConditions(part, table));
      return parts.every((atoms) => atoms !== null) ? parts.flat() : null;
    }
    case 'not':
      return relatedEqualityConditions(filter.filter, table);
    case 'related': {
      const { relation, filter: inner, via } = filter;
      if (relation.through?.table === table) return null;
      const here = relation.target === table ? equalityConditionsOf(inner) : [];
      const below = relatedEqualityConditions(inner, table);
      const junction = via ? relatedEqualityConditions(via, table) : [];
      return here && below && junction ? [...here, ...below, ...junction] : null;
    }
    default:
      return [];
  }
}

function rank(atoms: readonly EqualityCondition[]): number {
  return Math.max(...atoms.map(({ column }) => (column.isKey ? 0 : column.isReference ? 1 : 2)));
}

function width(atoms: readonly EqualityCondition[]): number {
  return atoms.reduce((sum, { values }) => sum + values.length, 0);
}

function atomOf(column: ModelColumn, values: readonly string[]): readonly EqualityCondition[] | null {
  // Equal values of other texts would not be found.
  if (equalityOf(column) !== 'text') return null;
  const cells: string[] = [];
  for (const value of values) {
    const cell = asCell(column.type, value);
    if (cell === null) return null;
    cells.push(cell);
  }
  return [{ column, values: cells }];
}

/**
 * A filter's value as the text that an equal cell has; `null` where equal values can have other
 * texts.
 */
function asCell(type: ColumnType, value: string): string | null {
  switch (type.kind) {
    case 'int':
      return /^\s*[+-]?\d+\s*$/.test(value) ? BigInt(value.trim().replace(/^\+/, '')).toString() : null;
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value.toLowerCase() : null;
    case 'text':
    case 'enum':
    case 'other':
      return value;
    case 'bool':
      return value === 'true' || value === 'false' ? value : null;
    default:
      return null;
  }
}
