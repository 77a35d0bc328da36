import { filterKey } from '../../../shared/filter/normalize.js';
import type { Filter } from '../../../shared/filter/types.js';
import { tablesOf } from '../../filter/paths.js';

/**
 * Tables that a scope's filter looks at for its `where`, and not for the rights on its rows: there
 * it finds what the rights of each time show.
 */
export function soughtTables(filter: Filter, rights: Filter): ReadonlySet<string> {
  const given = new Set(partsOf(rights).map(filterKey));
  const sought = partsOf(filter).filter((part) => !given.has(filterKey(part)));
  return new Set(sought.flatMap((part) => [...tablesOf(part)]));
}

function partsOf(filter: Filter): readonly Filter[] {
  return filter.kind === 'and' ? filter.filters : [filter];
}
