import {
  bigint,
  boolean,
  bytea,
  char,
  customType,
  date,
  doublePrecision,
  inet,
  integer,
  interval,
  json,
  jsonb,
  numeric,
  type PgTable,
  pgSchema,
  pgTable,
  primaryKey,
  real,
  smallint,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import type { Model, ModelTable } from '../../shared/model/types.js';
import type { QueryRunner } from '../database/types.js';
import { readTable } from '../model/read.js';
import type { WatchedTable, WatchPlan } from '../watch/types.js';

/**
 * The model with the tables that labels name and that no Drizzle schema describes. Their columns
 * are called as in SQL, and have the types that the database says, as Drizzle's builders of these
 * types have them without options (`bigint` as bigint, `timestamp` as Date); other types are text
 * as Postgres writes it. They have no relations, and clients cannot ask for them.
 */
export async function withPlainTables(db: QueryRunner, model: Model, plan: WatchPlan): Promise<Model> {
  const isKnown = ({ sqlSchema, sqlName }: WatchedTable) =>
    model.tables.some((table) => table.sqlSchema === sqlSchema && table.sqlName === sqlName);
  const isLabelled = ({ sqlSchema, sqlName }: WatchedTable) =>
    plan.labels.some((label) => label.sqlSchema === sqlSchema && label.sqlName === sqlName);
  const plain = plan.tables.filter((table) => !isKnown(table) && isLabelled(table));
  if (plain.length === 0) return model;
  const tables: ModelTable[] = [];
  for (const table of plain) {
    const drizzle = drizzleTable(table, await typesOf(db, table));
    // No property name of a schema has to be a path, so this one is free.
    tables.push(Object.freeze(readTable(`${table.sqlSchema}.${table.sqlName}`, drizzle)));
  }
  return joined(model, tables);
}

function joined(model: Model, added: readonly ModelTable[]): Model {
  const find = (name: string) => model.find(name) ?? added.find((table) => table.name === name);
  return Object.freeze({
    tables: Object.freeze([...model.tables, ...added]),
    find,
    table: (name: string) => find(name) ?? model.table(name),
  });
}

/** By column. */
async function typesOf(db: QueryRunner, table: WatchedTable): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query({
    text: `select a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)
           from pg_catalog.pg_attribute a
           join pg_catalog.pg_class c on c.oid = a.attrelid
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped`,
    params: [table.sqlSchema, table.sqlName],
  });
  return new Map(rows.map(([name, type]) => [name!, type!]));
}

function drizzleTable(table: WatchedTable, types: ReadonlyMap<string, string>): PgTable {
  const columns = Object.fromEntries(
    table.columns.map((name) => [name, builder(name, types.get(name) ?? 'text')]),
  );
  const inSchema = table.sqlSchema === 'public' ? pgTable : pgSchema(table.sqlSchema).table;
  const make = inSchema as typeof pgTable;
  return make(table.sqlName, columns, (own) => {
    const [first, ...others] = table.key.map((name) => own[name]!);
    return [primaryKey({ columns: [first!, ...others] })];
  });
}

function builder(name: string, type: string) {
  // Without modifiers: `timestamp(3) with time zone`, `numeric(6,2)`.
  switch (type.replace(/\([^)]*\)/, '')) {
    case 'smallint':
      return smallint(name);
    case 'integer':
      return integer(name);
    case 'bigint':
      return bigint(name, { mode: 'bigint' });
    case 'numeric':
      return numeric(name);
    case 'real':
      return real(name);
    case 'double precision':
      return doublePrecision(name);
    case 'boolean':
      return boolean(name);
    case 'text':
      return text(name);
    case 'character varying':
      return varchar(name);
    case 'character':
      return char(name, { length: Number(/\d+/.exec(type)?.[0] ?? 1) });
    case 'uuid':
      return uuid(name);
    case 'date':
      return date(name);
    case 'time without time zone':
      return time(name);
    case 'time with time zone':
      return time(name, { withTimezone: true });
    case 'timestamp without time zone':
      return timestamp(name);
    case 'timestamp with time zone':
      return timestamp(name, { withTimezone: true });
    case 'interval':
      return interval(name);
    case 'json':
      return json(name);
    case 'jsonb':
      return jsonb(name);
    case 'bytea':
      return bytea(name);
    case 'inet':
      return inet(name);
    default:
      return customType<{ data: string; driverData: string }>({ dataType: () => type })(name);
  }
}
