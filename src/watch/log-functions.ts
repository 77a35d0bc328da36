import type { LogFunction } from './log-function.js';
import { MERGE_FUNCTIONS } from './merge-functions.js';
import { VIRTUAL_COLUMN_FUNCTIONS } from './virtual-columns.js';

/**
 * The functions in the change log's schema that triggers and servers call. Each can be created any
 * number of times.
 */

/**
 * Images of this shape describe themselves: schema and table, then name, type and value of each
 * column.
 */
export const DESCRIBED_SHAPE = '0';

/**
 * The name of the type with oid `oid` as the model names it (`typeName`): a domain counts as what
 * it is over, an array as its elements with `[]`.
 */
export function typeNameSql(oid: string): string {
  return `(select case when tb.typnamespace = 'pg_catalog'::regnamespace then format_type(tb.oid, null)
      else format('"%s"."%s"', replace(tn.nspname, '"', '""'), replace(tb.typname, '"', '""')) end
      || case when ti.is_array then '[]' else '' end
    from pg_catalog.pg_type td
    join pg_catalog.pg_type tt on tt.oid = case td.typtype when 'd' then td.typbasetype else td.oid end
    cross join lateral (select tt.typcategory = 'A' and tt.typelem <> 0 as is_array) ti
    join pg_catalog.pg_type te on te.oid = case when ti.is_array then tt.typelem else tt.oid end
    join pg_catalog.pg_type tb on tb.oid = case te.typtype when 'd' then te.typbasetype else te.oid end
    join pg_catalog.pg_namespace tn on tn.oid = tb.typnamespace
    where td.oid = ${oid})`;
}

/** By name. */
export const LOG_FUNCTIONS: Readonly<Record<string, LogFunction>> = {
  type_name: {
    head: `(of_type oid) returns text language sql stable`,
    body: `select ${typeNameSql('of_type')}`,
  },

  /**
   * True if columns can be logged as declared. `declared` has their types, and `readable` the names
   * of all acceptable types, one a line. NULL in both accepts any type. `actual` has NULL for such
   * a column if it exists.
   */
  fits: {
    head: `(actual regtype[], declared regtype[], readable text[]) returns boolean language sql stable`,
    body: `select coalesce(bool_and(coalesce(rivulet.type_name(u.a) = any (string_to_array(u.r, chr(10))), false)), true)
  from unnest(actual, declared, readable) as u(a, d, r) where u.a is distinct from u.d`,
  },

  ...VIRTUAL_COLUMN_FUNCTIONS,

  /**
   * The statement that logs what the calling trigger's statement did, whatever columns the table
   * has by now; for EXECUTE, with the time and the mutation's id as parameters. A partition counts
   * as the table that it is part of. Raises an error if the transaction cannot see the columns that
   * the table has by now.
   */
  describing: {
    head: `(relation oid, op text, key text[]) returns text language plpgsql stable`,
    body: `declare
  place text := (select format('%L, %L', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = coalesce(pg_partition_root(relation), relation));
  described text := (select string_agg(format(', %L, %L, %s', a.attname, rivulet.type_name(a.atttypid), rivulet.cell(a.attrelid, a.attnum)), '' order by a.attnum)
    from pg_attribute a where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
  image text := format('array[%s%s]::text[]', place, described);
  keys text[] := array(select a.attname from unnest(key) as k(name)
    join pg_attribute a on a.attrelid = relation and a.attname = k.name and a.attnum > 0);
  into_log text := 'insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id) select pg_current_xact_id(), ${DESCRIBED_SHAPE}, ';
  key_text text := (select string_agg(format('(%s) collate "C"', rivulet.cell(a.attrelid, a.attnum)), ', ' order by k.nth)
    from unnest(keys) with ordinality as k(name, nth) join pg_attribute a on a.attrelid = relation and a.attname = k.name);
  olds text := format('(select row_number() over () as nth, %s as image, array[%s] as key from rivulet_old as r)', image, key_text);
  news text := format('(select row_number() over () as nth, %s as image, array[%s] as key from rivulet_new as r)', image, key_text);
begin
  if rivulet.is_stale(relation) then
    raise 'the columns of % were altered after the snapshot of this transaction', relation::regclass;
  end if;
  case op
    when 'INSERT' then
      return into_log || format('''I'', null, %s, $1, $2 from rivulet_new as r', image);
    when 'DELETE' then
      return into_log || format('''D'', %s, null, $1, $2 from rivulet_old as r', image);
    when 'TRUNCATE' then
      return into_log || format('''T'', null, array[%s], $1, $2', place);
    else
      if cardinality(keys) < cardinality(key) then
        return into_log || format('c.op::"char", c.old, c.new, $1, $2 from (select 1 as nth, ''D'' as op, %1$s as old, null::text[] as new
          from rivulet_old as r union all select 2, ''I'', null, %1$s from rivulet_new as r) as c order by c.nth', image);
      end if;
      return into_log || format('(case when o.image is null then ''I'' when n.image is null then ''D'' else ''U'' end)::"char", o.image, n.image, $1, $2
        from %s as o full join %s as n on o.nth = n.nth and o.key = n.key where o.image is distinct from n.image collate "C"', olds, news);
  end case;
end`,
  },

  ...MERGE_FUNCTIONS,

  /**
   * The facts that the watching of a table rests on, in three parts. The first has the table's
   * identity, its columns with their types, its partitions, its triggers as they were last created
   * or switched on or off, the expressions of its VIRTUAL columns, and the subscriptions of logical
   * replication that write to it. The second has the time at which the columns were last altered,
   * the third the table's files. Both change if ALTER TABLE rewrote values. NULL if there is no
   * such table.
   */
  identity: {
    head: `(of_schema text, of_name text, of_columns text[]) returns text[] language sql stable`,
    body: `select array[
    concat_ws(' ', c.oid,
      (select string_agg(format('%s:%s:%s', a.attnum, a.atttypid, a.atttypmod), ' ' order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and a.attname = any (of_columns)),
      '/', (select string_agg(format('%s:%s:%s', t.oid, t.xmin, t.tgenabled), ' ' order by t.tgname) from pg_trigger t
        where t.tgrelid = c.oid and t.tgname like 'rivulet\\_%'),
      '/', (select string_agg(p.relid::oid::text, ' ' order by p.relid) from pg_partition_tree(c.oid) p where p.level > 0),
      (select '/ ' || string_agg(format('%s:%s', d.oid, d.xmin), ' ' order by d.oid) from pg_attrdef d
        join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = c.oid and a.attgenerated = 'v'),
      (select '/ ' || string_agg(r.srsubid::text, ' ' order by r.srsubid, r.srrelid) from pg_subscription_rel r
        where r.srrelid = c.oid or r.srrelid in (select p.relid from pg_partition_tree(c.oid) p))),
    (select string_agg(a.xmin::text, ' ' order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and a.attname = any (of_columns)),
    (select string_agg(f.relfilenode::text, ' ' order by f.oid) from pg_class f
      where f.oid = c.oid or f.oid in (select p.relid from pg_partition_tree(c.oid) p))]
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = of_schema and c.relname = of_name and c.relkind in ('r', 'p')`,
  },

  /**
   * In which history this database is: of which cluster, as which of its databases, and since how
   * many recoveries to an earlier point. A copy has another one, and so has a standby once it is
   * promoted; a crash, or a restart, does not change it. NULL: a standby, which has none yet.
   */
  history: {
    head: `() returns text language plpgsql stable`,
    body: `declare
  cluster text := 'unknown';
begin
  if pg_is_in_recovery() then
    return null;
  end if;
  if has_function_privilege('pg_control_system()', 'execute') then
    cluster := (select system_identifier::text from pg_control_system());
  end if;
  return concat_ws('/', cluster, (select oid from pg_database where datname = current_database()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8));
end`,
  },

  /** From now on, and until the next call, the columns of the table are watched without a break. */
  note_watched: {
    head: `(of_schema text, of_name text, of_columns text[]) returns void language sql security definer`,
    body: `insert into rivulet.watching (sql_schema, sql_name, columns, identity)
  values (of_schema, of_name, of_columns, coalesce(rivulet.identity(of_schema, of_name, of_columns), '{}'))
  on conflict (sql_schema, sql_name) do update set columns = excluded.columns, identity = excluded.identity`,
  },

  /**
   * Logs, once, that a table may have changed without being logged, where its identity is another
   * than was noted; and notes the new one. Answers whether it did. Of several callers at once one
   * logs it.
   */
  note_break: {
    head: `(of_schema text, of_name text) returns boolean language plpgsql security definer`,
    body: `declare
  noted rivulet.watching;
  found text[];
begin
  select * into noted from rivulet.watching w where w.sql_schema = of_schema and w.sql_name = of_name;
  if noted.identity = coalesce(rivulet.identity(of_schema, of_name, noted.columns), '{}') then
    return false;
  end if;
  select * into noted from rivulet.watching w where w.sql_schema = of_schema and w.sql_name = of_name for update;
  found := coalesce(rivulet.identity(of_schema, of_name, noted.columns), '{}');
  if noted.identity is null or noted.identity = found then
    return false;
  end if;
  perform rivulet.note_watched(of_schema, of_name, noted.columns);
  if noted.identity[1] is not distinct from found[1]
    and (noted.identity[2] is not distinct from found[2] or noted.identity[3] is not distinct from found[3]) then
    return false;
  end if;
  insert into rivulet.change (xid, shape, op, new, logged_at)
    values (pg_current_xact_id(), ${DESCRIBED_SHAPE}, 'X', array[of_schema, of_name], clock_timestamp());
  perform pg_notify('rivulet', '');
  return true;
end`,
  },
};

/**
 * Settings of the functions: nothing of the writer's session decides how their text is read, nor
 * what they write.
 */
const SETTINGS =
  'set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off';

export const LOG_FUNCTIONS_SQL = Object.entries(LOG_FUNCTIONS)
  .map(
    ([name, { head, body }]) =>
      `create or replace function rivulet.${name}${head} ${SETTINGS}\nas $rivulet$${body}$rivulet$;\n`,
  )
  .join('\n');
