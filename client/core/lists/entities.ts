import type { ModelTable } from '../../../shared/model/types.js';
import type { EntityReference, RowFields } from '../cache.js';
import { partsOf } from '../row.js';
import type { ClientSchema } from '../schema.js';

/** The row that a cache calls `Task:1`; `undefined` for what is no row of the schema. */
export function entityOf(schema: ClientSchema, id: string): EntityReference | undefined {
  const colon = id.indexOf(':');
  const table = colon > 0 ? schema.byTypeName(id.slice(0, colon)) : undefined;
  if (!table) return undefined;
  const key = id.slice(colon + 1);
  return partsOf(table, key) ? { table: table.name, key } : undefined;
}

/** The cache's name of the row. */
export function idOf(schema: ClientSchema, { table, key }: EntityReference): string {
  return `${schema.model.table(table).typeName}:${key}`;
}

/** The columns of a row of which the cache has a value. */
export function columnsOf(table: ModelTable, read: (name: string) => unknown): RowFields {
  const fields: Record<string, unknown> = {};
  for (const { name } of table.columns) {
    const value = read(name);
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}
