import { filterKey } from '../../../shared/filter/normalize.js';
import type { Filter } from '../../../shared/filter/types.js';
import type { ModelRelation } from '../../../shared/model/types.js';
import type { RowCondition } from '../row-condition.js';

/**
 * True where whatever the first selects the second surely selects: all parts of the second are
 * parts of the first.
 */
export function implies(first: RowCondition, second: RowCondition): boolean {
  const parts = partsOf(first.filter);
  return [...partsOf(second.filter)].every((part) => parts.has(part));
}

function partsOf(filter: Filter): ReadonlySet<string> {
  if (filter.kind === 'const' && filter.value) return new Set();
  return new Set(filter.kind === 'and' ? filter.filters.map(filterKey) : [filterKey(filter)]);
}

/**
 * Columns of other rows that a filter reads, by table: those of the rows at the other ends of
 * relations, and of junction rows.
 */
export function readOtherTables(filter: Filter): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  collect(filter, null, found);
  return found;
}

function collect(filter: Filter, table: string | null, found: Map<string, Set<string>>): void {
  switch (filter.kind) {
    case 'const':
      break;
    case 'and':
    case 'or':
      for (const part of filter.filters) collect(part, table, found);
      break;
    case 'not':
      collect(filter.filter, table, found);
      break;
    case 'related': {
      const { relation } = filter;
      if (table !== null) for (const { name } of relation.from) add(found, table, name);
      collectEnds(relation, found);
      collect(filter.filter, relation.target, found);
      if (filter.via && relation.through) collect(filter.via, relation.through.table, found);
      break;
    }
    default:
      if (table !== null) add(found, table, filter.column.name);
  }
}

function collectEnds({ target, to, through }: ModelRelation, found: Map<string, Set<string>>): void {
  add(found, target);
  for (const { name } of to) add(found, target, name);
  if (!through) return;
  add(found, through.table);
  for (const { name } of [...through.from, ...through.to]) add(found, through.table, name);
}

function add(found: Map<string, Set<string>>, table: string, column?: string): void {
  const columns = found.get(table) ?? new Set<string>();
  found.set(table, columns);
  if (column !== undefined) columns.add(column);
}
