import type { ColumnType, ModelTable } from '../../shared/model/types.js';
import type { RowFields } from './cache.js';
import { keyOfRow, partsOf } from './row.js';
import type { ClientSchema } from './schema.js';
import { below, invalid, type MessagePlace, objectAt } from './untrusted-input.js';

/** A row of a message, with nothing in it but what the manifest names. */
export interface ReadRow {
  readonly table: ModelTable;
  readonly key: string;
  /** Columns, and `id`, `nodeId`, `__typename` where they were sent. */
  readonly fields: RowFields;
  /** By relation. */
  readonly related: ReadonlyMap<string, readonly ReadRow[]>;
}

/** A row that must be the one with this key, where a key is given. */
export function readRow(
  schema: ClientSchema,
  table: ModelTable,
  input: unknown,
  at: MessagePlace,
  expectedKey?: string,
): ReadRow {
  const row = objectAt(input, at);
  const fields: Record<string, unknown> = {};
  const related = new Map<string, readonly ReadRow[]>();
  for (const name of Object.keys(row)) {
    const value = row[name];
    if (value === undefined) continue;
    const column = table.findColumn(name);
    const relation = column ? undefined : table.findRelation(name);
    if (column) {
      if (!fits(column.type, value)) throw invalid(below(at, name), 'a value that the column cannot have');
      fields[name] = value;
    } else if (relation) {
      related.set(
        name,
        readRelated(schema, schema.model.table(relation.target), relation.kind, value, below(at, name)),
      );
    } else if (name === '__typename') {
      if (value !== table.typeName)
        throw invalid(at, `a row of another type where ${table.typeName} is expected`);
      fields.__typename = value;
    } else if (name === 'id' || name === 'nodeId') {
      const isColumn = name === 'id' && schema.idColumn(table) !== undefined;
      if (typeof value !== 'string' && !isColumn) throw invalid(below(at, name), 'no text');
      fields[name] = value;
    }
  }
  const key = keyOfRow(schema, table, fields) ?? expectedKey;
  if (key === undefined) throw invalid(at, 'a row without its id');
  if (expectedKey !== undefined && key !== expectedKey)
    throw invalid(at, 'a row with another id than its change');
  checkKey(table, key, at);
  return { table, key, fields, related };
}

/** Columns of a row as it was; without its key. */
export function readImage(table: ModelTable, input: unknown, at: MessagePlace): RowFields {
  const image = objectAt(input, at);
  const fields: Record<string, unknown> = {};
  for (const column of table.columns) {
    if (!Object.hasOwn(image, column.name)) continue;
    const value = image[column.name];
    if (value === undefined) continue;
    if (!fits(column.type, value))
      throw invalid(below(at, column.name), 'a value that the column cannot have');
    fields[column.name] = value;
  }
  return fields;
}

/** A text that can be the id of a row of the table. */
export function checkKey(table: ModelTable, key: unknown, at: MessagePlace): string {
  if (typeof key !== 'string' || !partsOf(table, key)) throw invalid(at, `no id of a ${table.typeName}`);
  return key;
}

function readRelated(
  schema: ClientSchema,
  target: ModelTable,
  kind: 'one' | 'many',
  value: unknown,
  at: MessagePlace,
): readonly ReadRow[] {
  if (kind === 'one') return value === null ? [] : [readRow(schema, target, value, at)];
  if (!Array.isArray(value)) throw invalid(at, 'no list');
  return value.map((item, index) => readRow(schema, target, item, below(at, index)));
}

/**
 * True if GraphQL or Drizzle could show the value for the column. The contents of json are never
 * checked.
 */
function fits(type: ColumnType, value: unknown): boolean {
  if (value === null) return true;
  switch (type.kind) {
    case 'json':
      return true;
    case 'array':
      return Array.isArray(value) && fitsList(type.of, value, 6);
    case 'point':
      return typeof value === 'object';
    case 'timestamp':
    case 'date':
      return value instanceof Date || isScalar(value);
    case 'bytea':
      return value instanceof Uint8Array || isScalar(value);
    default:
      return isScalar(value);
  }
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

/** Postgres's arrays have at most six dimensions. */
function fitsList(of: ColumnType, list: readonly unknown[], levels: number): boolean {
  return list.every((item) =>
    Array.isArray(item) && of.kind !== 'json' ? levels > 1 && fitsList(of, item, levels - 1) : fits(of, item),
  );
}
