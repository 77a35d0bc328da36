import { and, normalize, or } from '../../shared/filter/normalize.js';
import type { Filter } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import { parseKey } from '../../shared/value/key.js';

/**
 * The filter that only the row with this key (an `ID`) satisfies. Throws `KEY_INVALID` on what
 * cannot be its key.
 */
export function keyPredicate(table: ModelTable, key: string): Filter {
  const values = parseKey(table, key);
  return and(
    ...table.key.map(
      (column, index): Filter => ({ kind: 'compare', column, op: 'eq', value: values[index]! }),
    ),
  );
}

/** The filter that only the rows with these keys satisfy; no key: no row. */
export function keysPredicate(table: ModelTable, keys: readonly string[]): Filter {
  if (keys.length === 0) return { kind: 'const', value: false };
  if (table.key.length > 1) return normalize(or(...keys.map((key) => keyPredicate(table, key))));
  const values = new Set(keys.map((key) => parseKey(table, key)[0]!));
  return { kind: 'in', column: table.key[0]!, values: [...values].sort() };
}
