import { RivuletError } from '../errors.js';
import type { ModelTable } from '../model/types.js';
import { encodeValue } from './encode.js';
import { excerpt } from './invalid.js';

/**
 * A row's primary key as one text, the GraphQL `id`: the key columns' texts, in the key's order,
 * joined by `:`. In a key of several columns `%` and `:` are written `%25` and `%3A`; a key of one
 * column is its text as it is. Different keys never give the same id.
 *
 * A row without a key (a NULL in it, which Postgres forbids) is a `TypeError`.
 */
export function keyOf(table: ModelTable, cells: readonly (string | null)[]): string {
  const parts = table.key.map((column) => {
    const cell = cells[column.index];
    if (cell === null || cell === undefined)
      throw new TypeError(`a row of ${table.name} has no ${column.name}`);
    return cell;
  });
  return formatKey(parts);
}

/** The id of a key given as the texts of its columns. */
export function formatKey(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : parts.map(escapePart).join(':');
}

/**
 * The key columns' texts of an id, as Postgres writes them. Throws `KEY_INVALID` when it cannot be
 * the id of a row: another number of parts, an escape that is none, or a part that its column
 * cannot hold.
 */
export function parseKey(table: ModelTable, id: string): readonly string[] {
  const parts = table.key.length === 1 ? [id] : id.split(':');
  if (parts.length !== table.key.length) {
    throw invalidKey(table, id, `${table.key.length} parts joined by ":" are expected`);
  }
  return table.key.map((column, index) => {
    const part = table.key.length === 1 ? id : unescapePart(parts[index]!);
    if (part === undefined) throw invalidKey(table, id, 'in its parts "%" must be "%25" or "%3A"');
    try {
      return encodeValue(column.type, part);
    } catch (error) {
      if (!(error instanceof RivuletError)) throw error;
      throw invalidKey(table, id, `${column.name}: ${error.message}`);
    }
  });
}

function escapePart(part: string): string {
  return part.replaceAll('%', '%25').replaceAll(':', '%3A');
}

function unescapePart(part: string): string | undefined {
  if (/%(?!25|3A)/.test(part)) return undefined;
  return part.replaceAll('%3A', ':').replaceAll('%25', '%');
}

function invalidKey(table: ModelTable, id: string, why: string): RivuletError {
  const message = `${excerpt(id)} is not the id of a ${table.typeName}: ${why}`;
  return new RivuletError('KEY_INVALID', message, { type: table.typeName });
}
