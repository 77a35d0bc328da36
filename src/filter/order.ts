import { RivuletError } from '../errors.js';
import type { ModelTable } from '../model/types.js';
import { quoteIdent } from '../sql/quote.js';
import { describeType } from '../value/describe.js';
import { excerpt } from '../value/invalid.js';
import { isOrderable } from './operators.js';
import { isPlainObject } from './parse-state.js';
import type { OrderDirection, OrderTerm } from './types.js';

const DIRECTIONS = new Map<string, { readonly direction: OrderDirection; readonly sql: string }>([
  ['ASC', { direction: 'ASC', sql: 'asc' }],
  ['DESC', { direction: 'DESC', sql: 'desc' }],
  ['ASC_NULLS_FIRST', { direction: 'ASC_NULLS_FIRST', sql: 'asc nulls first' }],
  ['ASC_NULLS_LAST', { direction: 'ASC_NULLS_LAST', sql: 'asc nulls last' }],
  ['DESC_NULLS_FIRST', { direction: 'DESC_NULLS_FIRST', sql: 'desc nulls first' }],
  ['DESC_NULLS_LAST', { direction: 'DESC_NULLS_LAST', sql: 'desc nulls last' }],
]);

/**
 * Reads an order: a list of objects, or one object, of column names and directions (`DESC`; Drizzle's `desc` is the same), most significant
 * first. A column named twice counts where it first stands. The primary key's missing columns are appended, so the order is total.
 *
 * Throws `FILTER_UNKNOWN_FIELD` on an unknown name, `ORDER_INVALID` on anything else that is no order; `undefined` and `null` are none.
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
  const found = typeof direction === 'string' ? DIRECTIONS.get(direction.toUpperCase()) : undefined;
  if (!found) {
    throw invalid(
      `${path}.${name}`,
      `${excerpt(direction)} where one of ${[...DIRECTIONS.keys()].join(', ')} is expected`,
    );
  }
  return { column, direction: found.direction };
}

/** What stands after ORDER BY: `t0."created_at" desc nulls last, t0."id" asc`. */
export function orderToSql(terms: readonly OrderTerm[], alias: string): string {
  return terms
    .map(
      ({ column, direction }) => `${alias}.${quoteIdent(column.sqlName)} ${DIRECTIONS.get(direction)!.sql}`,
    )
    .join(', ');
}

function invalid(path: string, why: string): RivuletError {
  return new RivuletError('ORDER_INVALID', `${path}: ${why}`, { path });
}
