import type { Filter } from '../../shared/filter/types.js';
import type { ModelColumn, ModelRelation } from '../../shared/model/types.js';

/**
 * A chain of relations, from the filter's table outwards; never empty. Each starts at the table
 * where the one before it ends, or, where a filter looks at a junction row (`via`), at the junction
 * table of the one before it.
 */
export type RelationPath = readonly ModelRelation[];

/**
 * Every chain of relations that the filter passes through, each beginning of a chain as a chain of
 * its own, each once.
 */
export function relationPaths(filter: Filter): readonly RelationPath[] {
  const paths = new Map<string, RelationPath>();
  const walk = (part: Filter, path: RelationPath): void => {
    switch (part.kind) {
      case 'and':
      case 'or':
        for (const inner of part.filters) walk(inner, path);
        break;
      case 'not':
        walk(part.filter, path);
        break;
      case 'related': {
        const longer = [...path, part.relation];
        paths.set(JSON.stringify(longer.map(({ source, name }) => [source, name])), longer);
        walk(part.filter, longer);
        if (part.via) walk(part.via, longer);
        break;
      }
    }
  };
  walk(filter, []);
  return [...paths.values()];
}

/** True when only the row itself decides. */
export function isLocal(filter: Filter): boolean {
  return relationPaths(filter).length === 0;
}

/** The names of the tables that the filter reads besides its own, junction tables included. */
export function tablesOf(filter: Filter): ReadonlySet<string> {
  const tables = new Set<string>();
  for (const path of relationPaths(filter)) {
    const { target, through } = path.at(-1)!;
    tables.add(target);
    if (through) tables.add(through.table);
  }
  return tables;
}

/**
 * The columns of the filter's own table that it looks at, those that its relations start from
 * included.
 */
export function ownColumns(filter: Filter): ReadonlySet<ModelColumn> {
  const columns = new Set<ModelColumn>();
  const walk = (part: Filter): void => {
    switch (part.kind) {
      case 'const':
        break;
      case 'and':
      case 'or':
        part.filters.forEach(walk);
        break;
      case 'not':
        walk(part.filter);
        break;
      case 'related':
        for (const column of part.relation.from) columns.add(column);
        break;
      default:
        columns.add(part.column);
    }
  };
  walk(filter);
  return columns;
}
