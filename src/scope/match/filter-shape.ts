import type { Filter } from '../../../shared/filter/types.js';

/**
 * A filter as its users write it, without the values: `{ project: { members: { userId: { eq } } }
 * }`.
 */
export function filterShape(filter: Filter): string {
  switch (filter.kind) {
    case 'const':
      return String(filter.value);
    case 'and':
    case 'or':
      return `{ ${filter.kind.toUpperCase()}: [${[...new Set(filter.filters.map(filterShape))].join(', ')}] }`;
    case 'not':
      return `{ NOT: ${filterShape(filter.filter)} }`;
    case 'compare':
    case 'array':
      return `{ ${filter.column.name}: { ${filter.op} } }`;
    case 'in':
    case 'isNull':
      return `{ ${filter.column.name}: { ${filter.kind} } }`;
    case 'like':
      return `{ ${filter.column.name}: { ${filter.insensitive ? 'ilike' : 'like'} } }`;
    case 'related':
      return `{ ${filter.relation.name}: ${filterShape(filter.filter)} }`;
  }
}
