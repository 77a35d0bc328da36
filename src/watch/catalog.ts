import type { Queryable } from '../database/types.js';
import { LOG_SCHEMA } from './log-table.js';
import type { WatchedTable } from './types.js';

/** What is installed, as the system catalogs tell it. */
export interface Installed {
  /** Columns with their types, of every table in schema rivulet. */
  readonly logTables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** What the log says of itself; `null` where there is none. */
  readonly logVersion: number | null;
  readonly shapes: ReadonlySet<string>;
  /** Columns of the watched tables that exist, by `tableId`. */
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
  readonly triggers: readonly InstalledTrigger[];
  readonly functions: ReadonlyMap<string, InstalledFunction>;
}

export interface InstalledTrigger {
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly name: string;
  readonly functionName: string;
  /** `O` fires in ordinary sessions, `A` always, `D` never, `R` in replicas. */
  readonly enabled: string;
  /** The bits of `pg_trigger.tgtype`. */
  readonly type: number;
  readonly oldTable: string | null;
  readonly newTable: string | null;
  readonly hasCondition: boolean;
}

export interface InstalledFunction {
  readonly name: string;
  readonly body: string;
  readonly isSecurityDefiner: boolean;
  readonly settings: readonly string[];
  readonly isPublic: boolean;
}

export function tableId(table: { readonly sqlSchema: string; readonly sqlName: string }): string {
  return JSON.stringify([table.sqlSchema, table.sqlName]);
}

export async function readCatalog(db: Queryable, tables: readonly WatchedTable[]): Promise<Installed> {
  const logTables = await readLogTables(db);
  return {
    logTables,
    logVersion: await readVersion(db, logTables.has('log')),
    shapes: await readShapes(db, logTables.has('shape')),
    tables: await readTables(db, tables),
    triggers: await readTriggers(db),
    functions: await readFunctions(db),
  };
}

async function readLogTables(db: Queryable): Promise<Map<string, Map<string, string>>> {
  const rows = await db.query({
    text: `select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
      from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' order by a.attnum`,
    params: [LOG_SCHEMA],
  });
  const tables = new Map<string, Map<string, string>>();
  for (const [table, column, type] of rows) {
    if (!tables.has(table!)) tables.set(table!, new Map());
    tables.get(table!)!.set(column!, type!);
  }
  return tables;
}

async function readVersion(db: Queryable, exists: boolean): Promise<number | null> {
  if (!exists) return null;
  const [row] = await db.query({ text: 'select version::text from rivulet.log', params: [] });
  return row ? Number(row[0]) : null;
}

async function readShapes(db: Queryable, exists: boolean): Promise<Set<string>> {
  if (!exists) return new Set();
  const rows = await db.query({ text: 'select id::text from rivulet.shape', params: [] });
  return new Set(rows.map(([id]) => id!));
}

async function readTables(db: Queryable, tables: readonly WatchedTable[]): Promise<Map<string, Set<string>>> {
  const rows = await db.query({
    text: `select n.nspname::text, c.relname::text, a.attname::text
      from json_to_recordset($1::text::json) as w(s text, t text)
      join pg_catalog.pg_namespace n on n.nspname = w.s
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.t and c.relkind in ('r', 'p')
      left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`,
    params: [JSON.stringify(tables.map(({ sqlSchema, sqlName }) => ({ s: sqlSchema, t: sqlName })))],
  });
  const found = new Map<string, Set<string>>();
  for (const [sqlSchema, sqlName, column] of rows) {
    const id = tableId({ sqlSchema: sqlSchema!, sqlName: sqlName! });
    if (!found.has(id)) found.set(id, new Set());
    if (column !== null) found.get(id)!.add(column!);
  }
  return found;
}

async function readTriggers(db: Queryable): Promise<InstalledTrigger[]> {
  const rows = await db.query({
    text: `select n.nspname::text, c.relname::text, t.tgname::text, p.proname::text, t.tgenabled::text, t.tgtype::text,
        t.tgoldtable::text, t.tgnewtable::text, (t.tgqual is not null)::text
      from pg_catalog.pg_trigger t
      join pg_catalog.pg_proc p on p.oid = t.tgfoid and p.pronamespace = to_regnamespace($1)
      join pg_catalog.pg_class c on c.oid = t.tgrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      order by 1, 2, 3`,
    params: [LOG_SCHEMA],
  });
  return rows.map(
    ([sqlSchema, sqlName, name, functionName, enabled, type, oldTable, newTable, hasCondition]) => ({
      sqlSchema: sqlSchema!,
      sqlName: sqlName!,
      name: name!,
      functionName: functionName!,
      enabled: enabled!,
      type: Number(type),
      oldTable: oldTable ?? null,
      newTable: newTable ?? null,
      hasCondition: hasCondition === 'true',
    }),
  );
}

async function readFunctions(db: Queryable): Promise<Map<string, InstalledFunction>> {
  const rows = await db.query({
    text: `select p.proname::text, p.prosrc, p.prosecdef::text, coalesce(array_to_json(p.proconfig), '[]')::text,
        (p.proacl is null or exists (select from aclexplode(p.proacl) x where x.grantee = 0))::text
      from pg_catalog.pg_proc p
      where p.pronamespace = to_regnamespace($1) and p.prorettype = 'pg_catalog.trigger'::regtype`,
    params: [LOG_SCHEMA],
  });
  return new Map(
    rows.map(([name, body, isSecurityDefiner, settings, isPublic]) => [
      name!,
      {
        name: name!,
        body: body!,
        isSecurityDefiner: isSecurityDefiner === 'true',
        settings: JSON.parse(settings!) as string[],
        isPublic: isPublic === 'true',
      },
    ]),
  );
}
