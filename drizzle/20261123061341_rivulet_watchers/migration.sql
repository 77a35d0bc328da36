select pg_advisory_xact_lock(32204104842110324);
select from pg_catalog.pg_namespace limit 0;

-- rivulet: the change log
create schema if not exists rivulet;

create table if not exists rivulet.log (
  is_only boolean primary key default true check (is_only),
  epoch uuid not null default gen_random_uuid(),
  version integer not null,
  made_at timestamptz not null default now()
);
insert into rivulet.log (version) values (4) on conflict do nothing;
alter table rivulet.log
  add column if not exists trimmed xid8,
  add column if not exists measured pg_snapshot,
  add column if not exists rows bigint not null default 0,
  add column if not exists bytes bigint not null default 0,
  add column if not exists history text,
  add column if not exists secret uuid not null default gen_random_uuid();

create table if not exists rivulet.shape (
  id bigint primary key,
  sql_schema text not null,
  sql_name text not null,
  columns text[] not null,
  key text[] not null
);
alter table rivulet.shape
  add column if not exists types text[],
  add column if not exists only_columns text[];

create table if not exists rivulet.watched (
  sql_schema text not null,
  sql_name text not null,
  identity text not null,
  primary key (sql_schema, sql_name)
);

create table if not exists rivulet.change (
  seq bigint generated always as identity,
  xid xid8 not null,
  shape bigint not null,
  op "char" not null,
  old text[],
  new text[],
  logged_at timestamptz not null,
  mutation_id text,
  primary key (xid, seq)
);

create unlogged table if not exists rivulet.reader (
  id uuid primary key,
  position xid8 not null,
  seen_at timestamptz not null
);

create or replace function rivulet.type_name(of_type oid) returns text language sql stable set search_path = pg_catalog, pg_temp
as $rivulet$select (select case when tb.typnamespace = 'pg_catalog'::regnamespace then format_type(tb.oid, null)
      else format('"%s"."%s"', replace(tn.nspname, '"', '""'), replace(tb.typname, '"', '""')) end
      || case when ti.is_array then '[]' else '' end
    from pg_catalog.pg_type td
    join pg_catalog.pg_type tt on tt.oid = case td.typtype when 'd' then td.typbasetype else td.oid end
    cross join lateral (select tt.typcategory = 'A' and tt.typelem <> 0 as is_array) ti
    join pg_catalog.pg_type te on te.oid = case when ti.is_array then tt.typelem else tt.oid end
    join pg_catalog.pg_type tb on tb.oid = case te.typtype when 'd' then te.typbasetype else te.oid end
    join pg_catalog.pg_namespace tn on tn.oid = tb.typnamespace
    where td.oid = of_type)$rivulet$;

create or replace function rivulet.fits(actual regtype[], declared regtype[], readable text[]) returns boolean language sql stable set search_path = pg_catalog, pg_temp
as $rivulet$select coalesce(bool_and(coalesce(rivulet.type_name(u.a) = any (string_to_array(u.r, chr(10))), false)), true)
  from unnest(actual, declared, readable) as u(a, d, r) where u.a is distinct from u.d$rivulet$;

create or replace function rivulet.describing(relation oid, op text, key text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp
as $rivulet$declare
  place text := (select format('%L, %L', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = coalesce(pg_partition_root(relation), relation));
  described text := (select string_agg(format(', %L, %L, r.%I::text', a.attname, rivulet.type_name(a.atttypid), a.attname), '' order by a.attnum)
    from pg_attribute a where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
  image text := format('array[%s%s]::text[]', place, described);
  keys text[] := array(select a.attname from unnest(key) as k(name)
    join pg_attribute a on a.attrelid = relation and a.attname = k.name and a.attnum > 0);
  into_log text := 'insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id) select pg_current_xact_id(), 0, ';
  side text := format('(select %s as image, array[%s] as key from %%s as r)', image,
    (select string_agg(format('(r.%I::text) collate "C"', k), ', ') from unnest(keys) as k));
begin
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
        from %s as o full join %s as n on o.key = n.key where o.image is distinct from n.image',
        format(side, 'rivulet_old'), format(side, 'rivulet_new'));
  end case;
end$rivulet$;

create or replace function rivulet.identity(of_schema text, of_name text) returns text language sql stable set search_path = pg_catalog, pg_temp
as $rivulet$select concat_ws(' ', c.oid,
    (select string_agg(format('%s:%s:%s', t.oid, t.xmin, t.tgenabled), ' ' order by t.tgname) from pg_trigger t
      where t.tgrelid = c.oid and t.tgname like 'rivulet\_%'),
    '/', (select string_agg(p.relid::oid::text, ' ' order by p.relid) from pg_partition_tree(c.oid) p where p.level > 0))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = of_schema and c.relname = of_name and c.relkind in ('r', 'p')$rivulet$;

create or replace function rivulet.history() returns text language plpgsql stable set search_path = pg_catalog, pg_temp
as $rivulet$declare
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
end$rivulet$;

create or replace function rivulet.note_watched(of_schema text, of_name text) returns void language sql security definer set search_path = pg_catalog, pg_temp
as $rivulet$insert into rivulet.watched as w (sql_schema, sql_name, identity)
  values (of_schema, of_name, coalesce(rivulet.identity(of_schema, of_name), ''))
  on conflict (sql_schema, sql_name) do update set identity = excluded.identity where w.identity <> excluded.identity$rivulet$;

create or replace function rivulet.note_break(of_schema text, of_name text) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp
as $rivulet$declare
  noted text;
begin
  if not exists (select from rivulet.watched w where w.sql_schema = of_schema and w.sql_name = of_name
      and w.identity <> coalesce(rivulet.identity(of_schema, of_name), '')) then
    return false;
  end if;
  select w.identity into noted from rivulet.watched w where w.sql_schema = of_schema and w.sql_name = of_name for update;
  if noted = coalesce(rivulet.identity(of_schema, of_name), '') then
    return false;
  end if;
  perform rivulet.note_watched(of_schema, of_name);
  insert into rivulet.change (xid, shape, op, new, logged_at)
    values (pg_current_xact_id(), 0, 'X', array[of_schema, of_name], clock_timestamp());
  perform pg_notify('rivulet', '');
  return true;
end$rivulet$;

update rivulet.log set history = rivulet.history() where history is null;
update rivulet.log set version = 4 where version < 4;

revoke all on schema rivulet from public;
revoke all on all tables in schema rivulet from public;
revoke all on all sequences in schema rivulet from public;

