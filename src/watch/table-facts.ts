/**
 * Catalog facts about a relation that is declared as a table, besides its columns and triggers.
 * Names are `schema.name`.
 */
export interface TableFacts {
  /**
   * `pg_class.relkind`: `r` table, `p` partitioned table, `v` view, `m` materialized view, `f`
   * foreign table.
   */
  readonly kind: string;
  /** `p` permanent, `u` unlogged, `t` temporary. */
  readonly persistence: string;
  /** The role that asked. */
  readonly role: string;
  readonly isRowSecurityEnabled: boolean;
  /**
   * Row level security applies to the role that asked: it is neither exempt nor a (not forced)
   * owner.
   */
  readonly isRowSecurityActive: boolean;
  /** The partitioned table that it is a partition of, at any depth. */
  readonly partitionOf: string | null;
  /** Tables from which it inherits, and those that inherit from it; partitions do not count. */
  readonly parents: readonly string[];
  readonly children: readonly string[];
  readonly foreignPartitions: readonly string[];
  /** Names of its enabled rules for INSERT, UPDATE or DELETE. */
  readonly rules: readonly string[];
  /** The role may use the schema. */
  readonly hasUsage: boolean;
  /** Columns that the role may not select. */
  readonly unreadable: readonly string[];
  /**
   * Columns whose text names objects of the database: it depends on `search_path`, and changes
   * where such an object is renamed.
   */
  readonly nameColumns: readonly string[];
}

/** Types whose text is made of the catalog. */
const NAME_TYPES = [
  'regclass',
  'regproc',
  'regprocedure',
  'regoper',
  'regoperator',
  'regtype',
  'regrole',
  'regnamespace',
  'regconfig',
  'regdictionary',
  'regcollation',
  'aclitem',
];

const named = (oid: string): string =>
  `(select format('%s.%s', rn.nspname, rc.relname) from pg_catalog.pg_class rc join pg_catalog.pg_namespace rn on rn.oid = rc.relnamespace where rc.oid = ${oid})`;
const list = (select: string): string =>
  `(select coalesce(json_agg(x order by x), '[]') from (${select}) as q(x))`;

/** A JSON of the facts of the relation `c` (of pg_class) in namespace `n`. */
export const TABLE_FACTS_SQL = `json_build_object(
      'kind', c.relkind, 'persistence', c.relpersistence, 'role', current_user,
      'isRowSecurityEnabled', c.relrowsecurity, 'isRowSecurityActive', coalesce(row_security_active(c.oid), false),
      'partitionOf', case when c.relispartition then ${named('pg_partition_root(c.oid)')} end,
      'parents', ${list(`select ${named('i.inhparent')} from pg_catalog.pg_inherits i where i.inhrelid = c.oid and not c.relispartition`)},
      'children', ${list(`select ${named('i.inhrelid')} from pg_catalog.pg_inherits i where i.inhparent = c.oid and c.relkind <> 'p'`)},
      'foreignPartitions', ${list(`select ${named('p.relid')} from pg_partition_tree(c.oid) p join pg_catalog.pg_class pc on pc.oid = p.relid where pc.relkind = 'f' and c.relkind = 'p'`)},
      'rules', ${list(`select r.rulename::text from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.ev_type <> '1' and r.ev_enabled <> 'D'`)},
      'hasUsage', has_schema_privilege(n.oid, 'usage'),
      'unreadable', ${list(`select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and not has_table_privilege(c.oid, 'select') and not has_column_privilege(c.oid, a.attnum, 'select')`)},
      'nameColumns', ${list(`with recursive parts(attname, oid) as (
          select a.attname::text, a.atttypid from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          union select p.attname, x.oid from parts p join pg_catalog.pg_type t on t.oid = p.oid cross join lateral (
            select t.typelem union all select t.typbasetype
            union all select ca.atttypid from pg_catalog.pg_attribute ca where ca.attrelid = nullif(t.typrelid, 0) and ca.attnum > 0 and not ca.attisdropped
            union all select r.rngsubtype from pg_catalog.pg_range r where t.oid in (r.rngtypid, r.rngmultitypid)) as x(oid) where x.oid <> 0)
        select distinct p.attname from parts p where p.oid in (select ty.oid from pg_catalog.pg_type ty
          where ty.typnamespace = 'pg_catalog'::regnamespace and ty.typname in (${NAME_TYPES.map((type) => `'${type}'`).join(', ')}))`)})`;

/** The part of the fingerprint that changes with the facts; reads `named(oid, relnamespace)`. */
export const FACTS_FINGERPRINT_SQL = `(select string_agg(concat_ws(' ', c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relowner,
      row_security_active(c.oid), has_any_column_privilege(c.oid, 'select'), has_table_privilege(c.oid, 'select'), has_schema_privilege(c.relnamespace, 'usage')), ',' order by c.oid)
      from pg_catalog.pg_class c where c.oid in (select w.oid from named w)),
    (select string_agg(concat_ws(' ', i.inhrelid, i.inhparent), ',' order by i.inhrelid, i.inhparent) from pg_catalog.pg_inherits i
      where i.inhparent in (select w.oid from named w) or i.inhrelid in (select w.oid from named w)),
    (select string_agg(concat_ws(' ', r.oid, r.xmin), ',' order by r.oid) from pg_catalog.pg_rewrite r where r.ev_class in (select w.oid from named w))`;
