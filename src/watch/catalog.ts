import type { QueryRunner } from '../database/types.js';
import type { Statement } from '../sql/statement.js';
import { typeNameSql } from './log-functions.js';
import { LOG_SCHEMA } from './log-table.js';
import { FACTS_FINGERPRINT_SQL, TABLE_FACTS_SQL, type TableFacts } from './table-facts.js';
import type { WatchedTable } from './types.js';

/** The installed watchers, as the system catalogs describe them. */
export interface InstalledCatalog {
  /** Columns with their types, of every table in schema rivulet. */
  readonly logTables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The version in the log; `null` if there is no log. */
  readonly logVersion: number | null;
  readonly shapes: ReadonlyMap<string, InstalledShape>;
  /** The watched tables that exist, by `tableId`. */
  readonly tables: ReadonlyMap<string, InstalledTable>;
  /** Facts about relations with the names of watched tables, by `tableId`. */
  readonly facts: ReadonlyMap<string, TableFacts>;
  /** Tables of the log for which row level security is enabled. */
  readonly securedLogTables: readonly string[];
  readonly triggers: readonly InstalledTrigger[];
  /** Trigger functions. */
  readonly functions: ReadonlyMap<string, InstalledFunction>;
  /** Functions in schema rivulet that are not trigger functions. */
  readonly logFunctions: ReadonlyMap<string, Pick<InstalledFunction, 'bodyMd5' | 'isPublic'>>;
  /** PUBLIC has a privilege on schema rivulet. */
  readonly isLogPublic: boolean;
}

export interface InstalledTable {
  /** Types as `typeName` calls them, by column. */
  readonly columns: ReadonlyMap<string, string>;
  /**
   * Columns by which each row can be told from every other: those of whole, valid unique indexes.
   */
  readonly keys: readonly (readonly string[])[];
  /**
   * Labels in their order, of the enum types that its columns (or their elements) have, by type.
   */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** Some subscription of logical replication writes to it, or to a partition of it. */
  readonly isReplicated: boolean;
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
  readonly bodyMd5: string;
  /** Id of the shape that it logs, where one can be made out. */
  readonly shape: string | null;
  readonly isSecurityDefiner: boolean;
  readonly settings: readonly string[];
  readonly isPublic: boolean;
}

export interface InstalledShape {
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly string[];
  readonly types: readonly (string | null)[] | null;
  readonly key: readonly string[];
  readonly onlyColumns: readonly string[] | null;
}

export function tableId(table: { readonly sqlSchema: string; readonly sqlName: string }): string {
  return JSON.stringify([table.sqlSchema, table.sqlName]);
}

export async function readCatalog(
  db: QueryRunner,
  tables: readonly WatchedTable[],
): Promise<InstalledCatalog> {
  const [row] = await db.query(catalogSql(tables));
  const raw = JSON.parse(row![0]!) as RawCatalog;
  const logTables = new Map(
    Object.entries(raw.log).map(([name, columns]) => [name, new Map(Object.entries(columns))]),
  );
  return {
    logTables,
    logVersion: await readVersion(db, logTables.has('log')),
    shapes: await readShapes(db, logTables.get('shape')),
    tables: new Map(
      raw.tables.map(({ sqlSchema, sqlName, columns, keys, labels, isReplicated }) => [
        tableId({ sqlSchema, sqlName }),
        { columns: new Map(columns), keys, labels: new Map(labels), isReplicated },
      ]),
    ),
    facts: new Map(
      raw.facts.map(({ sqlSchema, sqlName, facts }) => [tableId({ sqlSchema, sqlName }), facts]),
    ),
    securedLogTables: raw.securedLogTables,
    triggers: raw.triggers,
    functions: new Map(raw.functions.filter(({ isTrigger }) => isTrigger).map((each) => [each.name, each])),
    logFunctions: new Map(
      raw.functions.filter(({ isTrigger }) => !isTrigger).map((each) => [each.name, each]),
    ),
    isLogPublic: raw.isLogPublic,
  };
}

/**
 * Changes whenever something that `readCatalog` reads in the system catalogs does, or was made
 * anew. Costs 3.5 ms of a core at 7 tables, where all of the catalog costs 6.5 (2026-11-23,
 * PostgreSQL 18.4): `xmin` stands for all that a row of a catalog says.
 */
export async function readFingerprint(db: QueryRunner, tables: readonly WatchedTable[]): Promise<string> {
  const [row] = await db.query({
    text: `with watched as materialized (
    select c.oid, c.relnamespace, c.relname, c.relfilenode from json_to_recordset($1::text::json) as w(s text, t text)
    join pg_catalog.pg_namespace n on n.nspname = w.s
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.t and c.relkind in ('r', 'p')
  ), named as materialized (
    select c.oid from json_to_recordset($1::text::json) as w(s text, t text)
    join pg_catalog.pg_namespace n on n.nspname = w.s
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.t
    union all select c.oid from pg_catalog.pg_class c where c.relnamespace = to_regnamespace($2) and c.relkind = 'r'
  ), functions as materialized (
    select p.oid, p.xmin from pg_catalog.pg_proc p where p.pronamespace = to_regnamespace($2)
  ), columns as materialized (
    select a.attrelid, a.attnum, a.xmin, a.atttypid from pg_catalog.pg_attribute a
    where a.attnum > 0 and (a.attrelid in (select w.oid from watched w)
      or a.attrelid in (select c.oid from pg_catalog.pg_class c where c.relnamespace = to_regnamespace($2) and c.relkind = 'r'))
  )
  select md5(concat_ws('|',
    (select string_agg(concat_ws(' ', w.oid, w.relnamespace, w.relname, w.relfilenode), ',' order by w.oid) from watched w),
    (select string_agg(concat_ws(' ', c.attrelid, c.attnum, c.xmin), ',' order by c.attrelid, c.attnum) from columns c),
    (select string_agg(concat_ws(' ', t.oid, t.xmin), ',' order by t.oid) from pg_catalog.pg_type t
      where t.oid in (select c.atttypid from columns c)),
    (select string_agg(concat_ws(' ', e.oid, e.xmin), ',' order by e.oid) from pg_catalog.pg_enum e
      where e.enumtypid in (select coalesce(nullif(t.typelem, 0), t.oid) from pg_catalog.pg_type t where t.oid in (select c.atttypid from columns c))),
    (select string_agg(concat_ws(' ', i.indexrelid, i.xmin), ',' order by i.indexrelid) from pg_catalog.pg_index i
      where i.indrelid in (select w.oid from watched w)),
    (select string_agg(concat_ws(' ', t.oid, t.xmin), ',' order by t.oid) from pg_catalog.pg_trigger t
      where t.tgfoid in (select f.oid from functions f)),
    (select string_agg(concat_ws(' ', f.oid, f.xmin), ',' order by f.oid) from functions f),
    (select string_agg(concat_ws(' ', w.oid, p.relid::oid), ',' order by w.oid, p.relid) from watched w, pg_partition_tree(w.oid) p),
    (select string_agg(concat_ws(' ', d.oid, d.xmin), ',' order by d.oid) from pg_catalog.pg_attrdef d
      where d.adrelid in (select w.oid from watched w)),
    ${FACTS_FINGERPRINT_SQL},
    (select n.xmin::text from pg_catalog.pg_namespace n where n.oid = to_regnamespace($2)),
    (select string_agg(concat_ws(' ', r.srsubid, r.srrelid), ',' order by r.srsubid, r.srrelid) from pg_catalog.pg_subscription_rel r)
  ))`,
    params: catalogParams(tables),
  });
  return row![0]!;
}

interface RawCatalog {
  readonly log: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly tables: readonly {
    readonly sqlSchema: string;
    readonly sqlName: string;
    readonly columns: readonly (readonly [string, string])[];
    readonly keys: readonly (readonly string[])[];
    readonly labels: readonly (readonly [string, readonly string[]])[];
    readonly isReplicated: boolean;
  }[];
  readonly isLogPublic: boolean;
  readonly securedLogTables: readonly string[];
  readonly facts: readonly {
    readonly sqlSchema: string;
    readonly sqlName: string;
    readonly facts: TableFacts;
  }[];
  readonly triggers: readonly InstalledTrigger[];
  readonly functions: readonly (InstalledFunction & { readonly isTrigger: boolean })[];
}

/** Everything at one moment, as one JSON. */
function catalogSql(tables: readonly WatchedTable[]): Statement {
  return {
    text: `select json_build_object(
  'isLogPublic', exists (select from pg_catalog.pg_namespace n cross join lateral aclexplode(n.nspacl) x
    where n.oid = to_regnamespace($2) and x.grantee = 0),
  'securedLogTables', (select coalesce(json_agg(c.relname order by c.relname), '[]') from pg_catalog.pg_class c
    where c.relnamespace = to_regnamespace($2) and c.relkind = 'r' and c.relrowsecurity),
  'facts', (select coalesce(json_agg(json_build_object('sqlSchema', n.nspname, 'sqlName', c.relname, 'facts', ${TABLE_FACTS_SQL})), '[]')
    from json_to_recordset($1::text::json) as w(s text, t text)
    join pg_catalog.pg_namespace n on n.nspname = w.s
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.t and c.relkind not in ('i', 'I')),
  'log', (select coalesce(json_object_agg(r.name, r.columns order by r.name), '{}') from (
    select c.relname as name, json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod) order by a.attnum) as columns
    from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = to_regnamespace($2) and c.relkind = 'r' group by c.relname) r),
  'tables', (select coalesce(json_agg(json_build_object(
      'sqlSchema', n.nspname, 'sqlName', c.relname,
      'columns', (select coalesce(json_agg(json_build_array(a.attname, ${typeNameSql('a.atttypid')}) order by a.attnum), '[]')
        from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
      'keys', (select coalesce(json_agg(k.columns order by i.indexrelid), '[]') from pg_catalog.pg_index i
        cross join lateral (select json_agg(a.attname order by a.attname) as columns, count(*) as n from pg_catalog.pg_attribute a
          where a.attrelid = c.oid and a.attnum = any (i.indkey[0:i.indnkeyatts - 1])) k
        where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and k.n = i.indnkeyatts),
      'labels', (select coalesce(json_agg(json_build_array(${typeNameSql('e.enum')}, e.labels) order by e.enum), '[]') from (
        select l.enumtypid as enum, json_agg(l.enumlabel order by l.enumsortorder) as labels from pg_catalog.pg_enum l
        where l.enumtypid in (select coalesce(nullif(t.typelem, 0), t.oid) from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
        group by l.enumtypid) e),
      'isReplicated', exists (select from pg_catalog.pg_subscription_rel s where s.srrelid = any (p.all_oids))
    ) order by n.nspname, c.relname), '[]')
    from json_to_recordset($1::text::json) as w(s text, t text)
    join pg_catalog.pg_namespace n on n.nspname = w.s
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.t and c.relkind in ('r', 'p')
    cross join lateral (select array_agg(p.relid::oid) || c.oid as all_oids
      from pg_partition_tree(c.oid) p where p.level > 0) p),
  'triggers', (select coalesce(json_agg(json_build_object(
      'sqlSchema', n.nspname, 'sqlName', c.relname, 'name', t.tgname, 'functionName', p.proname, 'enabled', t.tgenabled,
      'type', t.tgtype, 'oldTable', t.tgoldtable, 'newTable', t.tgnewtable, 'hasCondition', t.tgqual is not null
    ) order by n.nspname, c.relname, t.tgname), '[]')
    from pg_catalog.pg_trigger t
    join pg_catalog.pg_proc p on p.oid = t.tgfoid and p.pronamespace = to_regnamespace($2)
    join pg_catalog.pg_class c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace),
  'functions', (select coalesce(json_agg(json_build_object(
      'name', p.proname, 'bodyMd5', md5(p.prosrc), 'isSecurityDefiner', p.prosecdef, 'settings', coalesce(array_to_json(p.proconfig), '[]'),
      'shape', substring(p.prosrc from 'select pg_current_xact_id\\(\\), (\\d+)'),
      'isTrigger', p.prorettype = 'pg_catalog.trigger'::regtype,
      'isPublic', p.proacl is null or exists (select from aclexplode(p.proacl) x where x.grantee = 0)
    ) order by p.proname), '[]')
    from pg_catalog.pg_proc p where p.pronamespace = to_regnamespace($2))
)::text`,
    params: catalogParams(tables),
  };
}

function catalogParams(tables: readonly WatchedTable[]): readonly string[] {
  return [JSON.stringify(tables.map(({ sqlSchema, sqlName }) => ({ s: sqlSchema, t: sqlName }))), LOG_SCHEMA];
}

async function readVersion(db: QueryRunner, exists: boolean): Promise<number | null> {
  if (!exists) return null;
  const [row] = await db.query({ text: 'select version::text from rivulet.log', params: [] });
  return row ? Number(row[0]) : null;
}

async function readShapes(
  db: QueryRunner,
  columns: ReadonlyMap<string, string> | undefined,
): Promise<Map<string, InstalledShape>> {
  // One that an earlier version made is of no use.
  if (!columns?.has('only_columns')) return new Map();
  const rows = await db.query({
    text: `select s.id::text, json_build_object('sqlSchema', s.sql_schema, 'sqlName', s.sql_name, 'columns', s.columns, 'types', s.types,
        'key', s.key, 'onlyColumns', s.only_columns)::text from rivulet.shape s`,
    params: [],
  });
  return new Map(rows.map(([id, shape]) => [id!, JSON.parse(shape!) as InstalledShape]));
}
