import { RivuletError } from '../../src/errors.js';
import type { ModelColumn, ModelTable } from '../../src/manifest/model.js';
import { formatKey, parseKey } from '../../src/value/key.js';
import type { Fields } from './cache.js';
import type { ClientSchema } from './schema.js';

/** A row's cell as Postgres's text; `null` is NULL, `undefined` is not known. */
export type RowView = (column: ModelColumn) => string | null | undefined;

/** The cells of a row of which these columns are known. The key's columns are known by the key. */
export function viewOf(
  schema: ClientSchema,
  table: ModelTable,
  key: string,
  fields: Fields | undefined,
): RowView {
  const parts = partsOf(table, key);
  return (column) => {
    const place = column.isKey ? table.key.indexOf(column) : -1;
    if (place !== -1 && parts) return parts[place];
    return fields && Object.hasOwn(fields, column.name)
      ? schema.cell(column, fields[column.name])
      : undefined;
  };
}

/** The texts of columns as one comparable text; `null` where one is NULL, so that nothing equals it; `undefined` where one is not known. */
export function joinOf(view: RowView, columns: readonly ModelColumn[]): string | null | undefined {
  const cells = columns.map(view);
  if (cells.includes(null)) return null;
  return cells.length === 0 || cells.includes(undefined) ? undefined : JSON.stringify(cells);
}

/** The `id` of a row as GraphQL JSON: its field `id`, or else made of the key's columns. `undefined`: it has none. */
export function keyOfRow(schema: ClientSchema, table: ModelTable, row: Fields): string | undefined {
  const id: unknown = Object.hasOwn(row, 'id') ? row.id : undefined;
  if (typeof id === 'string') return id;
  if (typeof id === 'number' || typeof id === 'bigint') return String(id);
  const parts: string[] = [];
  for (const column of table.key) {
    const cell = Object.hasOwn(row, column.name) ? schema.cell(column, row[column.name]) : undefined;
    if (cell === null || cell === undefined) return undefined;
    parts.push(cell);
  }
  return formatKey(parts);
}

/** The key columns' texts; `undefined` where the text cannot be the id of a row of this table. */
export function partsOf(table: ModelTable, key: string): readonly string[] | undefined {
  try {
    return parseKey(table, key);
  } catch (error) {
    if (error instanceof RivuletError) return undefined;
    throw error;
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
