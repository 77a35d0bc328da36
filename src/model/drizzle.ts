import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';

const TABLES = new WeakMap<ModelTable, PgTable>();
const COLUMNS = new WeakMap<ModelColumn, PgColumn>();

/**
 * The Drizzle table that a table of the model was read from, to compare with and to hand back to
 * user code. Throws `TypeError` for the table of a manifest, which was read from none.
 */
export function drizzleTable(table: ModelTable): PgTable {
  const found = TABLES.get(table);
  if (!found) throw new TypeError(`the table ${table.name} was not read from a Drizzle schema`);
  return found;
}

/**
 * The Drizzle column that a column of the model was read from: its defaults, `$onUpdate`, encoder
 * and decoder. Throws `TypeError` for the column of a manifest, which was read from none.
 */
export function drizzleColumn(column: ModelColumn): PgColumn {
  const found = COLUMNS.get(column);
  if (!found) throw new TypeError(`the column ${column.name} was not read from a Drizzle schema`);
  return found;
}

/**
 * The table of the model that was read from this Drizzle table; `undefined` if the model has none.
 */
export function findByDrizzle(model: Model, drizzle: unknown): ModelTable | undefined {
  return model.tables.find((table) => TABLES.get(table) === drizzle);
}

/** Remembers what the table was read from. */
export function setDrizzleTable(table: ModelTable, drizzle: PgTable): void {
  TABLES.set(table, drizzle);
}

/** Remembers what the column was read from. */
export function setDrizzleColumn(column: ModelColumn, drizzle: PgColumn): void {
  COLUMNS.set(column, drizzle);
}
