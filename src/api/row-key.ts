import type { ModelTable } from '../../shared/model/types.js';
import { formatKey, keyOf, parseKey } from '../../shared/value/key.js';
import { fromDrizzleValue } from '../value/codec.js';
import { invalidOption } from './errors.js';

/**
 * The key, as an ID, of a row as Drizzle returns it, of a key of one column, or of an ID. Throws
 * `CHANGES_INVALID` where a key's column is missing, `KEY_INVALID` or `VALUE_INVALID` on what
 * cannot be a key.
 */
export function keyOfReference(table: ModelTable, reference: unknown): string {
  switch (typeof reference) {
    case 'string':
      return formatKey(parseKey(table, reference));
    case 'number':
    case 'bigint':
      return formatKey(parseKey(table, String(reference)));
    case 'object':
      if (reference !== null) return keyOfRow(table, reference as Readonly<Record<string, unknown>>);
      break;
    default:
  }
  throw invalidOption(`${String(reference)} is no row of ${table.name} and no key.`, { table: table.name });
}

function keyOfRow(table: ModelTable, row: Readonly<Record<string, unknown>>): string {
  const cells: (string | null)[] = [];
  for (const column of table.key) {
    const text = fromDrizzleValue(column, row[column.name]);
    if (text === null) {
      const key = table.key.map(({ name }) => name).join(', ');
      throw invalidOption(`A row of ${table.name} without ${column.name}; its key is ${key}.`, {
        table: table.name,
      });
    }
    cells[column.index] = text;
  }
  return keyOf(table, cells);
}
