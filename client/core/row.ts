import { RivuletError } from '../../shared/errors.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { compareTexts } from '../../shared/value/equality.js';
import { formatKey, parseKey } from '../../shared/value/key.js';
import type { RowFields } from './cache.js';
import type { ClientSchema } from './schema.js';

/** A row's cell as Postgres's text; `null` is NULL, `undefined` is not known. */
export type CellReader = (column: ModelColumn) => string | null | undefined;

/** The cells of a row of which these columns are known. The key's columns are known by the key. */
export function viewOf(
  schema: ClientSchema,
  table: ModelTable,
  key: string,
  fields: RowFields | undefined,
): CellReader {
  const parts = partsOf(table, key);
  return (column) => {
    const place = column.isKey ? table.key.indexOf(column) : -1;
    if (place !== -1 && parts) return parts[place];
    return fields && Object.hasOwn(fields, column.name)
      ? schema.cell(column, fields[column.name])
      : undefined;
  };
}

/**
 * The `id` of a row as GraphQL JSON: its field `id`, or else made of the key's columns.
 * `undefined`: it has none.
 */
export function keyOfRow(schema: ClientSchema, table: ModelTable, row: RowFields): string | undefined {
  const id: unknown = Object.hasOwn(row, 'id') ? row.id : undefined;
  const isColumn = schema.idColumn(table) !== undefined && !isWholeKey(schema, table, row);
  if (!isColumn && typeof id === 'string') return id;
  if (!isColumn && (typeof id === 'number' || typeof id === 'bigint')) return String(id);
  const parts: string[] = [];
  for (const column of table.key) {
    const cell = cellOf(schema, table, column, row);
    if (cell === null || cell === undefined) return undefined;
    parts.push(cell);
  }
  return formatKey(parts);
}

/**
 * False for a row as Drizzle has it, of a table with a column `id` that is not the whole key: its
 * `id` is that column's value.
 */
function isWholeKey(schema: ClientSchema, table: ModelTable, row: RowFields): boolean {
  if (Object.hasOwn(row, '__typename') || Object.hasOwn(row, schema.idColumn(table)!.name)) return true;
  const parts = typeof row.id === 'string' ? partsOf(table, row.id) : undefined;
  if (!parts) return false;
  return table.key.every((column, at) => {
    const cell = Object.hasOwn(row, column.name) ? schema.cell(column, row[column.name]) : undefined;
    return cell === undefined || cell === parts[at];
  });
}

function cellOf(
  schema: ClientSchema,
  table: ModelTable,
  column: ModelColumn,
  row: RowFields,
): string | null | undefined {
  const name = column === schema.idColumn(table) && !Object.hasOwn(row, column.name) ? 'id' : column.name;
  return Object.hasOwn(row, name) ? schema.cell(column, row[name]) : undefined;
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

/** Compares two ids: `equal` if they are of one row, `database` if only Postgres knows. */
export function compareKeys(
  table: ModelTable,
  left: string,
  right: string,
): 'equal' | 'different' | 'database' {
  if (left === right) return 'equal';
  const [one, other] = [partsOf(table, left), partsOf(table, right)];
  if (!one || !other) return 'different';
  const found = table.key.map((column, at) => compareTexts(column, one[at]!, other[at]!));
  if (found.includes('different')) return 'different';
  return found.includes('database') ? 'database' : 'equal';
}

export function isObject(value: unknown): value is RowFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
