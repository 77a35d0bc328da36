import type { OrderDirection, OrderTerm } from '../../shared/filter/types.js';
import { quoteIdent } from '../sql/quote.js';

const DIRECTION_SQL: Readonly<Record<OrderDirection, string>> = {
  ASC: 'asc',
  DESC: 'desc',
  ASC_NULLS_FIRST: 'asc nulls first',
  ASC_NULLS_LAST: 'asc nulls last',
  DESC_NULLS_FIRST: 'desc nulls first',
  DESC_NULLS_LAST: 'desc nulls last',
};

/** The terms of an ORDER BY: `t0."created_at" desc nulls last, t0."id" asc`. */
export function orderToSql(terms: readonly OrderTerm[], alias: string): string {
  return terms
    .map(({ column, direction }) => `${alias}.${quoteIdent(column.sqlName)} ${DIRECTION_SQL[direction]}`)
    .join(', ');
}
