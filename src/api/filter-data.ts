import type { Filter } from '../../shared/filter/types.js';
import { toDrizzleValue } from '../value/codec.js';

/**
 * A filter as data in the filter language, with Drizzle's values; `true`: every row, `false`: none.
 * What the rights say of junction rows has no words there and is left out.
 */
export function filterData(filter: Filter): Readonly<Record<string, unknown>> | boolean {
  switch (filter.kind) {
    case 'const':
      return filter.value;
    case 'and':
      return { AND: filter.filters.map(filterData) };
    case 'or':
      return { OR: filter.filters.map(filterData) };
    case 'not':
      return { NOT: filterData(filter.filter) };
    case 'compare':
    case 'array':
      return { [filter.column.name]: { [filter.op]: toDrizzleValue(filter.column, filter.value) } };
    case 'in':
      return {
        [filter.column.name]: { in: filter.values.map((value) => toDrizzleValue(filter.column, value)) },
      };
    case 'isNull':
      return { [filter.column.name]: { isNull: true } };
    case 'like':
      return { [filter.column.name]: { [filter.insensitive ? 'ilike' : 'like']: filter.pattern } };
    case 'related':
      return { [filter.relation.name]: filterData(filter.filter) };
  }
}
