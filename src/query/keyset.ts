import { and, or } from '../../shared/filter/normalize.js';
import type { CompareOp, Filter, OrderDirection, OrderTerm } from '../../shared/filter/types.js';
import type { ModelColumn } from '../../shared/model/types.js';

/**
 * The filter on which a row comes after the place `texts` in an order; `texts` has the cell of each
 * term. The order must end with the primary key, so that no other row has the same place.
 */
export function afterFilter(orderBy: readonly OrderTerm[], texts: readonly (string | null)[]): Filter {
  const [term, ...rest] = orderBy;
  if (!term) return FALSE;
  const [text, ...below] = texts;
  const later = laterFilter(term, text ?? null);
  if (rest.length === 0) return later;
  const same: Filter =
    text == null ? { kind: 'isNull', column: term.column } : compare(term.column, 'eq', text);
  return or(later, and(same, afterFilter(rest, below)));
}

export function reverseOrder(orderBy: readonly OrderTerm[]): readonly OrderTerm[] {
  return orderBy.map(({ column, direction }) => ({ column, direction: REVERSE[direction] }));
}

const FALSE: Filter = { kind: 'const', value: false };

const REVERSE: Readonly<Record<OrderDirection, OrderDirection>> = {
  ASC: 'DESC',
  DESC: 'ASC',
  ASC_NULLS_FIRST: 'DESC_NULLS_LAST',
  ASC_NULLS_LAST: 'DESC_NULLS_FIRST',
  DESC_NULLS_FIRST: 'ASC_NULLS_LAST',
  DESC_NULLS_LAST: 'ASC_NULLS_FIRST',
};

function laterFilter({ column, direction }: OrderTerm, text: string | null): Filter {
  const nullsFirst = direction === 'DESC' || direction.endsWith('NULLS_FIRST');
  const isNull: Filter = { kind: 'isNull', column };
  if (text === null) return nullsFirst ? { kind: 'not', filter: isNull } : FALSE;
  const beyond = compare(column, direction.startsWith('ASC') ? 'gt' : 'lt', text);
  return nullsFirst || column.notNull ? beyond : or(beyond, isNull);
}

function compare(column: ModelColumn, op: CompareOp, value: string): Filter {
  return { kind: 'compare', column, op, value };
}
