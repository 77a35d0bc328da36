import { RivuletError } from '../errors.js';
import type { ModelTable } from '../model/types.js';
import { describeType } from '../value/describe.js';
import { excerpt } from '../value/invalid.js';
import { isOrderable } from './operators.js';
import { isPlainObject } from './parse-state.js';
import type { OrderDirection, OrderTerm } from './types.js';

const DIRECTIONS: ReadonlySet<string> = new Set<OrderDirection>([
  'ASC',
  'DESC',
  'ASC_NULLS_FIRST',
  'ASC_NULLS_LAST',
  'DESC_NULLS_FIRST',
  'DESC_NULLS_LAST',
]);

/**
 * Reads an order: a list of objects, or one object, of column names and directions (`DESC`;
 * Drizzle's `desc` is the same), most significant first. A column named twice counts where it first
 * stands. The primary key's missing columns are appended, so the order is total.
 *
 * Throws `FILTER_UNKNOWN_FIELD` on an unknown name, `ORDER_INVALID` on anything else that is no
 * order; `undefined` and `null` are none.
 */
export function parseOrder(
  table: ModelTable,
  input?: unknown,
  names: 'drizzle' | 'graphql' = 'drizzle',
): readonly OrderTerm[] {
  const terms = new Map<string, OrderTerm>();
  const list = input === undefined || input === null ? [] : Array.isArray(input) ? input : [input];
  for (const [index, item] of list.entries()) {
    const path = Array.isArray(input) ? `orderBy[${index}]` : 'orderBy';
    if (!isPlainObject(item))
      throw invalid(path, `${excerpt(item)} where a column and its direction are expected`);
    for (const [name, direction] of Object.entries(item)) {
      const term = parseTerm(table, name, direction, path, names);
      if (!terms.has(term.column.name)) terms.set(term.column.name, term);
    }
  }
  for (const column of table.key) {
    if (!terms.has(column.name)) terms.set(column.name, { column, direction: 'ASC' });
  }
  return [...terms.values()];
}

function parseTerm(
  table: ModelTable,
  name: string,
  direction: unknown,
  path: string,
  names: 'drizzle' | 'graphql',
): OrderTerm {
  const column = names === 'graphql' ? table.findField(name) : table.findColumn(name);
  if (!column) {
    const message = `${path}: there is no column ${excerpt(name)}`;
    throw new RivuletError('FILTER_UNKNOWN_FIELD', message, { path });
  }
  if (!isOrderable(column.type)) {
    throw invalid(`${path}.${name}`, `rows cannot be ordered by ${describeType(column.type)}`);
  }
  const read = typeof direction === 'string' ? direction.toUpperCase() : '';
  if (!DIRECTIONS.has(read)) {
    throw invalid(
      `${path}.${name}`,
      `${excerpt(direction)} where one of ${[...DIRECTIONS].join(', ')} is expected`,
    );
  }
  return { column, direction: read as OrderDirection };
}

function invalid(path: string, why: string): RivuletError {
  return new RivuletError('ORDER_INVALID', `${path}: ${why}`, { path });
}
