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
insert into rivulet.log (version) values (6) on conflict do nothing;
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

create table if not exists rivulet.watching (
  sql_schema text not null,
  sql_name text not null,
  columns text[] not null,
  identity text[] not null,
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

drop table if exists rivulet.watched;
drop function if exists rivulet.identity(text, text), rivulet.note_watched(text, text);
create or replace function rivulet.type_name(of_type oid) returns text language sql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
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

create or replace function rivulet.fits(actual regtype[], declared regtype[], readable text[]) returns boolean language sql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$select coalesce(bool_and(coalesce(rivulet.type_name(u.a) = any (string_to_array(u.r, chr(10))), false)), true)
  from unnest(actual, declared, readable) as u(a, d, r) where u.a is distinct from u.d$rivulet$;

create or replace function rivulet.has_virtual(of_schema text, of_name text) returns boolean language plpgsql immutable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$begin
  return exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = of_schema and c.relname = of_name
      and (exists (select from pg_attribute a where a.attrelid = c.oid and a.attgenerated = 'v' and not a.attisdropped) or rivulet.is_stale(c.oid)));
end$rivulet$;

create or replace function rivulet.is_stale(relation oid) returns boolean language sql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$select current_setting('transaction_isolation') in ('repeatable read', 'serializable') and (
    coalesce((select currtid2('pg_catalog.pg_class', c.ctid) <> c.ctid from pg_class c where c.oid = relation), true)
    or exists (select from pg_attribute a where a.attrelid = relation and a.attnum > 0 and currtid2('pg_catalog.pg_attribute', a.ctid) <> a.ctid))$rivulet$;

create or replace function rivulet.cell(relation oid, attribute smallint) returns text language sql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$select case when a.attgenerated = 'v' then format('((%s)::%s)::text', pg_get_expr(d.adbin, d.adrelid), format_type(a.atttypid, a.atttypmod))
      else format('r.%I::text', a.attname) end
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = relation and a.attnum = attribute$rivulet$;

create or replace function rivulet.virtual_probe(relation oid, op text) returns text language sql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$select string_agg(format('select %s from %s as r', p.counts, t.name), ' union all ')
    from (select string_agg(format('count(%s)', rivulet.cell(a.attrelid, a.attnum)), ', ') as counts from pg_attribute a
      where a.attrelid = relation and a.attgenerated = 'v' and not a.attisdropped) as p
    cross join unnest(case op when 'INSERT' then '{rivulet_new}' when 'DELETE' then '{rivulet_old}' when 'UPDATE' then '{rivulet_old,rivulet_new}' end::text[]) as t(name)
    where p.counts is not null$rivulet$;

create or replace function rivulet.describing(relation oid, op text, key text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$declare
  place text := (select format('%L, %L', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = coalesce(pg_partition_root(relation), relation));
  described text := (select string_agg(format(', %L, %L, %s', a.attname, rivulet.type_name(a.atttypid), rivulet.cell(a.attrelid, a.attnum)), '' order by a.attnum)
    from pg_attribute a where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
  image text := format('array[%s%s]::text[]', place, described);
  keys text[] := array(select a.attname from unnest(key) as k(name)
    join pg_attribute a on a.attrelid = relation and a.attname = k.name and a.attnum > 0);
  into_log text := 'insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id) select pg_current_xact_id(), 0, ';
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
end$rivulet$;

create or replace function rivulet.has_merge(statement text) returns boolean language sql immutable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$select case when statement is null then true
    when position('merge' in lower(statement collate "C")) = 0 then false
    when octet_length(statement) > 1000000 then true
    else lower(statement collate "C") ~ '\mmerge\M' end$rivulet$;

create or replace function rivulet.statement_prefix() returns text language plpgsql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$declare
  context text;
begin
  execute 'select rivulet.own_context()' into context;
  return nullif(split_part(context, 'select rivulet.own_context()', 1), context);
end$rivulet$;

create or replace function rivulet.own_context() returns text language plpgsql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$declare
  context text;
begin
  get diagnostics context = pg_context;
  return rivulet.callers(context);
end$rivulet$;

create or replace function rivulet.callers(context text) returns text language sql immutable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$select case strpos(below, chr(10)) when 0 then '' else substr(below, strpos(below, chr(10)) + 1) end
    from substr(context, strpos(context, 'GET DIAGNOSTICS')) as below$rivulet$;

create or replace function rivulet.merge_said(context text) returns text language plpgsql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$declare
  callers text := rivulet.callers(context);
  sent text := case when callers = '' then current_query() end;
  texts text[];
begin
  if callers = '' then
    texts := array[sent];
  elsif starts_with(callers, 'SQL statement "') or starts_with(callers, rivulet.statement_prefix()) then
    texts := array[callers];
  elsif starts_with(callers, 'SQL function "') then
    texts := array(select pg_get_functiondef(p.oid) from pg_proc p join pg_language l on l.oid = p.prolang
      where l.lanname = 'sql' and p.prokind in ('f', 'p') and position(format('SQL function "%s"', p.proname) in context) > 0);
    if cardinality(texts) = 0 then
      return 'some';
    end if;
  elsif current_setting('server_version_num')::int >= 170000 then
    return 'some';
  else
    texts := array[callers, current_query()] || array(select pg_get_functiondef(p.oid) from pg_proc p join pg_language l on l.oid = p.prolang
      where l.lanname = 'sql' and p.prokind in ('f', 'p') and position(p.proname in context) > 0);
  end if;
  if exists (select from unnest(texts) as t where position('execute' in lower(t collate "C")) > 0)
    and exists (select from pg_prepared_statements s where rivulet.has_merge(s.statement)) then
    return 'some';
  end if;
  if not exists (select from unnest(texts) as t where rivulet.has_merge(t)) then
    return null;
  end if;
  return case when octet_length(sent) < 1000000 and strpos(sent, chr(92)) = 0 then (
    select case when count(*) = 1 and bool_and(said.text ~ '\mthen\s+delete\M' and said.text ~ '\mthen\s+insert\M'
        and said.text !~ '/\*|--|\$(?!\d)|\mcase\M|;\s*\S') then 'all' else 'some' end
      from regexp_split_to_table(lower(sent collate "C"), '\mmerge\M') with ordinality as m(raw, nth)
      cross join lateral regexp_replace(m.raw, '''[^'']*''|"[^"]*"', ' ', 'g') as said(text)
      where m.nth > 1)
    else 'some' end;
end$rivulet$;

create or replace function rivulet.identity(of_schema text, of_name text, of_columns text[]) returns text[] language sql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$select array[
    concat_ws(' ', c.oid,
      (select string_agg(format('%s:%s:%s', a.attnum, a.atttypid, a.atttypmod), ' ' order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and a.attname = any (of_columns)),
      '/', (select string_agg(format('%s:%s:%s', t.oid, t.xmin, t.tgenabled), ' ' order by t.tgname) from pg_trigger t
        where t.tgrelid = c.oid and t.tgname like 'rivulet\_%'),
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
  where n.nspname = of_schema and c.relname = of_name and c.relkind in ('r', 'p')$rivulet$;

create or replace function rivulet.history() returns text language plpgsql stable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
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

create or replace function rivulet.note_watched(of_schema text, of_name text, of_columns text[]) returns void language sql security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$insert into rivulet.watching (sql_schema, sql_name, columns, identity)
  values (of_schema, of_name, of_columns, coalesce(rivulet.identity(of_schema, of_name, of_columns), '{}'))
  on conflict (sql_schema, sql_name) do update set columns = excluded.columns, identity = excluded.identity$rivulet$;

create or replace function rivulet.note_break(of_schema text, of_name text) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set quote_all_identifiers = off
as $rivulet$declare
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
    values (pg_current_xact_id(), 0, 'X', array[of_schema, of_name], clock_timestamp());
  perform pg_notify('rivulet', '');
  return true;
end$rivulet$;

update rivulet.log set history = rivulet.history() where history is null;
update rivulet.log set version = 6 where version < 6;

revoke all on schema rivulet from public;
revoke all on all tables in schema rivulet from public;
revoke all on all sequences in schema rivulet from public;
revoke all on all routines in schema rivulet from public;
do $rivulet$
declare
  reader text;
begin
  for reader in select distinct quote_ident(r.rolname) from pg_catalog.pg_class c
    cross join lateral aclexplode(c.relacl) x join pg_catalog.pg_roles r on r.oid = x.grantee
    where c.oid = 'rivulet.change'::regclass and x.privilege_type = 'SELECT' and x.grantee <> c.relowner loop
    execute 'grant execute on function rivulet.history(), rivulet.note_break(text, text) to ' || reader;
  end loop;
end $rivulet$;

-- rivulet: ["public","comments"]
lock table "public"."comments" in share row exclusive mode;
select rivulet.note_break('public', 'comments');
insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (883422919024441211, 'public', 'comments', array['id', 'task_id', 'author_id', 'body', 'created_at']::text[], array['integer', 'integer', 'integer', 'text', 'timestamp with time zone']::text[], array['id']::text[], null) on conflict do nothing;
create or replace function "rivulet"."log_comments_fd2f8e13751d"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> 'comments' or tg_table_schema <> 'public';
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array['integer'::regtype, 'integer'::regtype, 'integer'::regtype, 'text'::regtype, 'timestamp with time zone'::regtype]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
      "id" aclitem;
      "task_id" aclitem;
      "author_id" aclitem;
      "body" aclitem;
      "created_at" aclitem;
    begin
    if watcher.op = 'INSERT' then
      insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
      select pg_current_xact_id(), 883422919024441211, 'I', array["id"::text, "task_id"::text, "author_id"::text, "body"::text, "created_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not rivulet.has_virtual('public', 'comments') and (array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'integer
smallint', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'comments')
        or not (select array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'integer
smallint', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'DELETE' then
      insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
      select pg_current_xact_id(), 883422919024441211, 'D', array["id"::text, "task_id"::text, "author_id"::text, "body"::text, "created_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not rivulet.has_virtual('public', 'comments') and (array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'integer
smallint', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_old) and (rivulet.has_virtual('public', 'comments')
        or not (select array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_old as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'integer
smallint', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'UPDATE' then
      insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
      select pg_current_xact_id(), 883422919024441211,
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from (select row_number() over () as nth, array["id"::text, "task_id"::text, "author_id"::text, "body"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o
      full join (select row_number() over () as nth, array["id"::text, "task_id"::text, "author_id"::text, "body"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
        on o.nth = n.nth and o.k0 = n.k0
      where not rivulet.has_virtual('public', 'comments') and (o.image is distinct from n.image collate "C")
        and (coalesce(o.types, n.types) = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'integer
smallint', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'comments')
        or not (select array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'integer
smallint', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from (select row_number() over () as nth, array["id"::text, "task_id"::text, "author_id"::text, "body"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o full join (select row_number() over () as nth, array["id"::text, "task_id"::text, "author_id"::text, "body"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("task_id"), pg_typeof("author_id"), pg_typeof("body"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
          on o.nth = n.nth and o.k0 = n.k0 where o.nth is null or n.nth is null);
      end if;
    else
      insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
      select pg_current_xact_id(), 883422919024441211, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, array['id']::text[]);
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, 'X',
      array['public', 'comments'], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (pg_try_advisory_xact_lock_shared(1919514229, 1) and pg_try_advisory_xact_lock_shared(1919514229, 2) and pg_try_advisory_xact_lock_shared(1919514229, 3) and pg_try_advisory_xact_lock_shared(1919514229, 4))
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('rivulet', '');
    end if;
  end if;
  return null;
end
$rivulet$;
revoke all on function "rivulet"."log_comments_fd2f8e13751d"() from public;
create or replace trigger rivulet_insert after insert on "public"."comments" referencing new table as rivulet_new for each statement execute function "rivulet"."log_comments_fd2f8e13751d"();
alter table "public"."comments" enable always trigger rivulet_insert;
create or replace trigger rivulet_update after update on "public"."comments" referencing old table as rivulet_old new table as rivulet_new for each statement execute function "rivulet"."log_comments_fd2f8e13751d"();
alter table "public"."comments" enable always trigger rivulet_update;
create or replace trigger rivulet_delete after delete on "public"."comments" referencing old table as rivulet_old for each statement execute function "rivulet"."log_comments_fd2f8e13751d"();
alter table "public"."comments" enable always trigger rivulet_delete;
create or replace trigger rivulet_truncate after truncate on "public"."comments" for each statement execute function "rivulet"."log_comments_fd2f8e13751d"();
alter table "public"."comments" enable always trigger rivulet_truncate;
select rivulet.note_watched('public', 'comments', array['id', 'task_id', 'author_id', 'body', 'created_at']::text[]);

-- rivulet: ["public","labels"]
lock table "public"."labels" in share row exclusive mode;
select rivulet.note_break('public', 'labels');
insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (5872236094527497839, 'public', 'labels', array['id', 'project_id', 'name', 'color']::text[], array['integer', 'integer', 'text', 'text']::text[], array['id']::text[], null) on conflict do nothing;
create or replace function "rivulet"."log_labels_dfe95ba3224b"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> 'labels' or tg_table_schema <> 'public';
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array['integer'::regtype, 'integer'::regtype, 'text'::regtype, 'text'::regtype]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
      "id" aclitem;
      "project_id" aclitem;
      "name" aclitem;
      "color" aclitem;
    begin
    if watcher.op = 'INSERT' then
      insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
      select pg_current_xact_id(), 5872236094527497839, 'I', array["id"::text, "project_id"::text, "name"::text, "color"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not rivulet.has_virtual('public', 'labels') and (array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'labels')
        or not (select array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'DELETE' then
      insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
      select pg_current_xact_id(), 5872236094527497839, 'D', array["id"::text, "project_id"::text, "name"::text, "color"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not rivulet.has_virtual('public', 'labels') and (array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying']::text[]) from rivulet_old as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_old) and (rivulet.has_virtual('public', 'labels')
        or not (select array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] = watcher.declared from rivulet_old as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying']::text[]) from rivulet_old as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'UPDATE' then
      insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
      select pg_current_xact_id(), 5872236094527497839,
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from (select row_number() over () as nth, array["id"::text, "project_id"::text, "name"::text, "color"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o
      full join (select row_number() over () as nth, array["id"::text, "project_id"::text, "name"::text, "color"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
        on o.nth = n.nth and o.k0 = n.k0
      where not rivulet.has_virtual('public', 'labels') and (o.image is distinct from n.image collate "C")
        and (coalesce(o.types, n.types) = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'labels')
        or not (select array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from (select row_number() over () as nth, array["id"::text, "project_id"::text, "name"::text, "color"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o full join (select row_number() over () as nth, array["id"::text, "project_id"::text, "name"::text, "color"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("name"), pg_typeof("color")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
          on o.nth = n.nth and o.k0 = n.k0 where o.nth is null or n.nth is null);
      end if;
    else
      insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
      select pg_current_xact_id(), 5872236094527497839, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, array['id']::text[]);
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, 'X',
      array['public', 'labels'], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (pg_try_advisory_xact_lock_shared(1919514229, 1) and pg_try_advisory_xact_lock_shared(1919514229, 2) and pg_try_advisory_xact_lock_shared(1919514229, 3) and pg_try_advisory_xact_lock_shared(1919514229, 4))
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('rivulet', '');
    end if;
  end if;
  return null;
end
$rivulet$;
revoke all on function "rivulet"."log_labels_dfe95ba3224b"() from public;
create or replace trigger rivulet_insert after insert on "public"."labels" referencing new table as rivulet_new for each statement execute function "rivulet"."log_labels_dfe95ba3224b"();
alter table "public"."labels" enable always trigger rivulet_insert;
create or replace trigger rivulet_update after update on "public"."labels" referencing old table as rivulet_old new table as rivulet_new for each statement execute function "rivulet"."log_labels_dfe95ba3224b"();
alter table "public"."labels" enable always trigger rivulet_update;
create or replace trigger rivulet_delete after delete on "public"."labels" referencing old table as rivulet_old for each statement execute function "rivulet"."log_labels_dfe95ba3224b"();
alter table "public"."labels" enable always trigger rivulet_delete;
create or replace trigger rivulet_truncate after truncate on "public"."labels" for each statement execute function "rivulet"."log_labels_dfe95ba3224b"();
alter table "public"."labels" enable always trigger rivulet_truncate;
select rivulet.note_watched('public', 'labels', array['id', 'project_id', 'name', 'color']::text[]);

-- rivulet: ["public","members"]
lock table "public"."members" in share row exclusive mode;
select rivulet.note_break('public', 'members');
insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (2572156182069726559, 'public', 'members', array['project_id', 'user_id', 'role', 'joined_at']::text[], array['integer', 'integer', '"public"."role"', 'timestamp with time zone']::text[], array['project_id', 'user_id']::text[], null) on conflict do nothing;
create or replace function "rivulet"."log_members_6178f1fb7859"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> 'members' or tg_table_schema <> 'public';
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array['integer'::regtype, 'integer'::regtype, to_regtype('"public"."role"'), 'timestamp with time zone'::regtype]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
      "project_id" aclitem;
      "user_id" aclitem;
      "role" aclitem;
      "joined_at" aclitem;
    begin
    if watcher.op = 'INSERT' then
      insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
      select pg_current_xact_id(), 2572156182069726559, 'I', array["project_id"::text, "user_id"::text, "role"::text, "joined_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not rivulet.has_virtual('public', 'members') and (array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', '"public"."role"', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'members')
        or not (select array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', '"public"."role"', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'DELETE' then
      insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
      select pg_current_xact_id(), 2572156182069726559, 'D', array["project_id"::text, "user_id"::text, "role"::text, "joined_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not rivulet.has_virtual('public', 'members') and (array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', '"public"."role"', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_old) and (rivulet.has_virtual('public', 'members')
        or not (select array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] = watcher.declared from rivulet_old as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', '"public"."role"', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'UPDATE' then
      insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
      select pg_current_xact_id(), 2572156182069726559,
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from (select row_number() over () as nth, array["project_id"::text, "user_id"::text, "role"::text, "joined_at"::text]::text[] as image, array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] as types, ("project_id"::text) collate "C" as k0, ("user_id"::text) collate "C" as k1 from rivulet_old as rivulet_row) as o
      full join (select row_number() over () as nth, array["project_id"::text, "user_id"::text, "role"::text, "joined_at"::text]::text[] as image, array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] as types, ("project_id"::text) collate "C" as k0, ("user_id"::text) collate "C" as k1 from rivulet_new as rivulet_row) as n
        on o.nth = n.nth and o.k0 = n.k0 and o.k1 = n.k1
      where not rivulet.has_virtual('public', 'members') and (o.image is distinct from n.image collate "C")
        and (coalesce(o.types, n.types) = watcher.declared or (select rivulet.fits(array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', '"public"."role"', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'members')
        or not (select array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', '"public"."role"', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from (select row_number() over () as nth, array["project_id"::text, "user_id"::text, "role"::text, "joined_at"::text]::text[] as image, array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] as types, ("project_id"::text) collate "C" as k0, ("user_id"::text) collate "C" as k1 from rivulet_old as rivulet_row) as o full join (select row_number() over () as nth, array["project_id"::text, "user_id"::text, "role"::text, "joined_at"::text]::text[] as image, array[pg_typeof("project_id"), pg_typeof("user_id"), pg_typeof("role"), pg_typeof("joined_at")]::regtype[] as types, ("project_id"::text) collate "C" as k0, ("user_id"::text) collate "C" as k1 from rivulet_new as rivulet_row) as n
          on o.nth = n.nth and o.k0 = n.k0 and o.k1 = n.k1 where o.nth is null or n.nth is null);
      end if;
    else
      insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
      select pg_current_xact_id(), 2572156182069726559, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, array['project_id', 'user_id']::text[]);
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, 'X',
      array['public', 'members'], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (pg_try_advisory_xact_lock_shared(1919514229, 1) and pg_try_advisory_xact_lock_shared(1919514229, 2) and pg_try_advisory_xact_lock_shared(1919514229, 3) and pg_try_advisory_xact_lock_shared(1919514229, 4))
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('rivulet', '');
    end if;
  end if;
  return null;
end
$rivulet$;
revoke all on function "rivulet"."log_members_6178f1fb7859"() from public;
create or replace trigger rivulet_insert after insert on "public"."members" referencing new table as rivulet_new for each statement execute function "rivulet"."log_members_6178f1fb7859"();
alter table "public"."members" enable always trigger rivulet_insert;
create or replace trigger rivulet_update after update on "public"."members" referencing old table as rivulet_old new table as rivulet_new for each statement execute function "rivulet"."log_members_6178f1fb7859"();
alter table "public"."members" enable always trigger rivulet_update;
create or replace trigger rivulet_delete after delete on "public"."members" referencing old table as rivulet_old for each statement execute function "rivulet"."log_members_6178f1fb7859"();
alter table "public"."members" enable always trigger rivulet_delete;
create or replace trigger rivulet_truncate after truncate on "public"."members" for each statement execute function "rivulet"."log_members_6178f1fb7859"();
alter table "public"."members" enable always trigger rivulet_truncate;
select rivulet.note_watched('public', 'members', array['project_id', 'user_id', 'role', 'joined_at']::text[]);

-- rivulet: ["public","projects"]
lock table "public"."projects" in share row exclusive mode;
select rivulet.note_break('public', 'projects');
insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (3055786184549890782, 'public', 'projects', array['id', 'name', 'owner_id', 'archived', 'created_at']::text[], array['integer', 'text', 'integer', 'boolean', 'timestamp with time zone']::text[], array['id']::text[], null) on conflict do nothing;
create or replace function "rivulet"."log_projects_1d60e2563dd1"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> 'projects' or tg_table_schema <> 'public';
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array['integer'::regtype, 'text'::regtype, 'integer'::regtype, 'boolean'::regtype, 'timestamp with time zone'::regtype]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
      "id" aclitem;
      "name" aclitem;
      "owner_id" aclitem;
      "archived" aclitem;
      "created_at" aclitem;
    begin
    if watcher.op = 'INSERT' then
      insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
      select pg_current_xact_id(), 3055786184549890782, 'I', array["id"::text, "name"::text, "owner_id"::text, "archived"::text, "created_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not rivulet.has_virtual('public', 'projects') and (array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'integer
smallint', 'boolean', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'projects')
        or not (select array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'integer
smallint', 'boolean', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'DELETE' then
      insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
      select pg_current_xact_id(), 3055786184549890782, 'D', array["id"::text, "name"::text, "owner_id"::text, "archived"::text, "created_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not rivulet.has_virtual('public', 'projects') and (array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'integer
smallint', 'boolean', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_old) and (rivulet.has_virtual('public', 'projects')
        or not (select array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_old as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'integer
smallint', 'boolean', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'UPDATE' then
      insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
      select pg_current_xact_id(), 3055786184549890782,
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from (select row_number() over () as nth, array["id"::text, "name"::text, "owner_id"::text, "archived"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o
      full join (select row_number() over () as nth, array["id"::text, "name"::text, "owner_id"::text, "archived"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
        on o.nth = n.nth and o.k0 = n.k0
      where not rivulet.has_virtual('public', 'projects') and (o.image is distinct from n.image collate "C")
        and (coalesce(o.types, n.types) = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'integer
smallint', 'boolean', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'projects')
        or not (select array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'integer
smallint', 'boolean', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from (select row_number() over () as nth, array["id"::text, "name"::text, "owner_id"::text, "archived"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o full join (select row_number() over () as nth, array["id"::text, "name"::text, "owner_id"::text, "archived"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("owner_id"), pg_typeof("archived"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
          on o.nth = n.nth and o.k0 = n.k0 where o.nth is null or n.nth is null);
      end if;
    else
      insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
      select pg_current_xact_id(), 3055786184549890782, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, array['id']::text[]);
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, 'X',
      array['public', 'projects'], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (pg_try_advisory_xact_lock_shared(1919514229, 1) and pg_try_advisory_xact_lock_shared(1919514229, 2) and pg_try_advisory_xact_lock_shared(1919514229, 3) and pg_try_advisory_xact_lock_shared(1919514229, 4))
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('rivulet', '');
    end if;
  end if;
  return null;
end
$rivulet$;
revoke all on function "rivulet"."log_projects_1d60e2563dd1"() from public;
create or replace trigger rivulet_insert after insert on "public"."projects" referencing new table as rivulet_new for each statement execute function "rivulet"."log_projects_1d60e2563dd1"();
alter table "public"."projects" enable always trigger rivulet_insert;
create or replace trigger rivulet_update after update on "public"."projects" referencing old table as rivulet_old new table as rivulet_new for each statement execute function "rivulet"."log_projects_1d60e2563dd1"();
alter table "public"."projects" enable always trigger rivulet_update;
create or replace trigger rivulet_delete after delete on "public"."projects" referencing old table as rivulet_old for each statement execute function "rivulet"."log_projects_1d60e2563dd1"();
alter table "public"."projects" enable always trigger rivulet_delete;
create or replace trigger rivulet_truncate after truncate on "public"."projects" for each statement execute function "rivulet"."log_projects_1d60e2563dd1"();
alter table "public"."projects" enable always trigger rivulet_truncate;
select rivulet.note_watched('public', 'projects', array['id', 'name', 'owner_id', 'archived', 'created_at']::text[]);

-- rivulet: ["public","task_labels"]
lock table "public"."task_labels" in share row exclusive mode;
select rivulet.note_break('public', 'task_labels');
insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (4414879896621770801, 'public', 'task_labels', array['task_id', 'label_id']::text[], array['integer', 'integer']::text[], array['task_id', 'label_id']::text[], null) on conflict do nothing;
create or replace function "rivulet"."log_task_labels_360e8a1e0fcf"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> 'task_labels' or tg_table_schema <> 'public';
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array['integer'::regtype, 'integer'::regtype]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
      "task_id" aclitem;
      "label_id" aclitem;
    begin
    if watcher.op = 'INSERT' then
      insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
      select pg_current_xact_id(), 4414879896621770801, 'I', array["task_id"::text, "label_id"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not rivulet.has_virtual('public', 'task_labels') and (array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'task_labels')
        or not (select array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'DELETE' then
      insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
      select pg_current_xact_id(), 4414879896621770801, 'D', array["task_id"::text, "label_id"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not rivulet.has_virtual('public', 'task_labels') and (array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint']::text[]) from rivulet_old as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_old) and (rivulet.has_virtual('public', 'task_labels')
        or not (select array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] = watcher.declared from rivulet_old as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint']::text[]) from rivulet_old as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'UPDATE' then
      insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
      select pg_current_xact_id(), 4414879896621770801,
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from (select row_number() over () as nth, array["task_id"::text, "label_id"::text]::text[] as image, array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] as types, ("task_id"::text) collate "C" as k0, ("label_id"::text) collate "C" as k1 from rivulet_old as rivulet_row) as o
      full join (select row_number() over () as nth, array["task_id"::text, "label_id"::text]::text[] as image, array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] as types, ("task_id"::text) collate "C" as k0, ("label_id"::text) collate "C" as k1 from rivulet_new as rivulet_row) as n
        on o.nth = n.nth and o.k0 = n.k0 and o.k1 = n.k1
      where not rivulet.has_virtual('public', 'task_labels') and (o.image is distinct from n.image collate "C")
        and (coalesce(o.types, n.types) = watcher.declared or (select rivulet.fits(array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'task_labels')
        or not (select array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from (select row_number() over () as nth, array["task_id"::text, "label_id"::text]::text[] as image, array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] as types, ("task_id"::text) collate "C" as k0, ("label_id"::text) collate "C" as k1 from rivulet_old as rivulet_row) as o full join (select row_number() over () as nth, array["task_id"::text, "label_id"::text]::text[] as image, array[pg_typeof("task_id"), pg_typeof("label_id")]::regtype[] as types, ("task_id"::text) collate "C" as k0, ("label_id"::text) collate "C" as k1 from rivulet_new as rivulet_row) as n
          on o.nth = n.nth and o.k0 = n.k0 and o.k1 = n.k1 where o.nth is null or n.nth is null);
      end if;
    else
      insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
      select pg_current_xact_id(), 4414879896621770801, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, array['task_id', 'label_id']::text[]);
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, 'X',
      array['public', 'task_labels'], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (pg_try_advisory_xact_lock_shared(1919514229, 1) and pg_try_advisory_xact_lock_shared(1919514229, 2) and pg_try_advisory_xact_lock_shared(1919514229, 3) and pg_try_advisory_xact_lock_shared(1919514229, 4))
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('rivulet', '');
    end if;
  end if;
  return null;
end
$rivulet$;
revoke all on function "rivulet"."log_task_labels_360e8a1e0fcf"() from public;
create or replace trigger rivulet_insert after insert on "public"."task_labels" referencing new table as rivulet_new for each statement execute function "rivulet"."log_task_labels_360e8a1e0fcf"();
alter table "public"."task_labels" enable always trigger rivulet_insert;
create or replace trigger rivulet_update after update on "public"."task_labels" referencing old table as rivulet_old new table as rivulet_new for each statement execute function "rivulet"."log_task_labels_360e8a1e0fcf"();
alter table "public"."task_labels" enable always trigger rivulet_update;
create or replace trigger rivulet_delete after delete on "public"."task_labels" referencing old table as rivulet_old for each statement execute function "rivulet"."log_task_labels_360e8a1e0fcf"();
alter table "public"."task_labels" enable always trigger rivulet_delete;
create or replace trigger rivulet_truncate after truncate on "public"."task_labels" for each statement execute function "rivulet"."log_task_labels_360e8a1e0fcf"();
alter table "public"."task_labels" enable always trigger rivulet_truncate;
select rivulet.note_watched('public', 'task_labels', array['task_id', 'label_id']::text[]);

-- rivulet: ["public","tasks"]
lock table "public"."tasks" in share row exclusive mode;
select rivulet.note_break('public', 'tasks');
insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (2823663738627213680, 'public', 'tasks', array['id', 'project_id', 'title', 'description', 'status', 'priority', 'position', 'assignee_id', 'due_on', 'estimate', 'meta', 'created_at', 'updated_at']::text[], array['integer', 'integer', 'text', 'text', '"public"."status"', 'integer', 'double precision', 'integer', 'date', 'numeric', 'jsonb', 'timestamp with time zone', 'timestamp with time zone']::text[], array['id']::text[], null) on conflict do nothing;
create or replace function "rivulet"."log_tasks_9fe3b01e02ec"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> 'tasks' or tg_table_schema <> 'public';
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array['integer'::regtype, 'integer'::regtype, 'text'::regtype, 'text'::regtype, to_regtype('"public"."status"'), 'integer'::regtype, 'double precision'::regtype, 'integer'::regtype, 'date'::regtype, 'numeric'::regtype, 'jsonb'::regtype, 'timestamp with time zone'::regtype, 'timestamp with time zone'::regtype]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
      "id" aclitem;
      "project_id" aclitem;
      "title" aclitem;
      "description" aclitem;
      "status" aclitem;
      "priority" aclitem;
      "position" aclitem;
      "assignee_id" aclitem;
      "due_on" aclitem;
      "estimate" aclitem;
      "meta" aclitem;
      "created_at" aclitem;
      "updated_at" aclitem;
    begin
    if watcher.op = 'INSERT' then
      insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
      select pg_current_xact_id(), 2823663738627213680, 'I', array["id"::text, "project_id"::text, "title"::text, "description"::text, "status"::text, "priority"::text, "position"::text, "assignee_id"::text, "due_on"::text, "estimate"::text, "meta"::text, "created_at"::text, "updated_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not rivulet.has_virtual('public', 'tasks') and (array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying', '"public"."status"', 'integer
smallint', 'double precision', 'integer
smallint', 'date', 'numeric
bigint
integer
smallint', 'jsonb', 'timestamp with time zone', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'tasks')
        or not (select array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying', '"public"."status"', 'integer
smallint', 'double precision', 'integer
smallint', 'date', 'numeric
bigint
integer
smallint', 'jsonb', 'timestamp with time zone', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'DELETE' then
      insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
      select pg_current_xact_id(), 2823663738627213680, 'D', array["id"::text, "project_id"::text, "title"::text, "description"::text, "status"::text, "priority"::text, "position"::text, "assignee_id"::text, "due_on"::text, "estimate"::text, "meta"::text, "created_at"::text, "updated_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not rivulet.has_virtual('public', 'tasks') and (array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying', '"public"."status"', 'integer
smallint', 'double precision', 'integer
smallint', 'date', 'numeric
bigint
integer
smallint', 'jsonb', 'timestamp with time zone', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_old) and (rivulet.has_virtual('public', 'tasks')
        or not (select array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] = watcher.declared from rivulet_old as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying', '"public"."status"', 'integer
smallint', 'double precision', 'integer
smallint', 'date', 'numeric
bigint
integer
smallint', 'jsonb', 'timestamp with time zone', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'UPDATE' then
      insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
      select pg_current_xact_id(), 2823663738627213680,
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from (select row_number() over () as nth, array["id"::text, "project_id"::text, "title"::text, "description"::text, "status"::text, "priority"::text, "position"::text, "assignee_id"::text, "due_on"::text, "estimate"::text, "meta"::text, "created_at"::text, "updated_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o
      full join (select row_number() over () as nth, array["id"::text, "project_id"::text, "title"::text, "description"::text, "status"::text, "priority"::text, "position"::text, "assignee_id"::text, "due_on"::text, "estimate"::text, "meta"::text, "created_at"::text, "updated_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
        on o.nth = n.nth and o.k0 = n.k0
      where not rivulet.has_virtual('public', 'tasks') and (o.image is distinct from n.image collate "C")
        and (coalesce(o.types, n.types) = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying', '"public"."status"', 'integer
smallint', 'double precision', 'integer
smallint', 'date', 'numeric
bigint
integer
smallint', 'jsonb', 'timestamp with time zone', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'tasks')
        or not (select array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[], watcher.declared, array['integer
smallint', 'integer
smallint', 'text
character varying', 'text
character varying', '"public"."status"', 'integer
smallint', 'double precision', 'integer
smallint', 'date', 'numeric
bigint
integer
smallint', 'jsonb', 'timestamp with time zone', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from (select row_number() over () as nth, array["id"::text, "project_id"::text, "title"::text, "description"::text, "status"::text, "priority"::text, "position"::text, "assignee_id"::text, "due_on"::text, "estimate"::text, "meta"::text, "created_at"::text, "updated_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o full join (select row_number() over () as nth, array["id"::text, "project_id"::text, "title"::text, "description"::text, "status"::text, "priority"::text, "position"::text, "assignee_id"::text, "due_on"::text, "estimate"::text, "meta"::text, "created_at"::text, "updated_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("project_id"), pg_typeof("title"), pg_typeof("description"), pg_typeof("status"), pg_typeof("priority"), pg_typeof("position"), pg_typeof("assignee_id"), pg_typeof("due_on"), pg_typeof("estimate"), pg_typeof("meta"), pg_typeof("created_at"), pg_typeof("updated_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
          on o.nth = n.nth and o.k0 = n.k0 where o.nth is null or n.nth is null);
      end if;
    else
      insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
      select pg_current_xact_id(), 2823663738627213680, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, array['id']::text[]);
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, 'X',
      array['public', 'tasks'], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (pg_try_advisory_xact_lock_shared(1919514229, 1) and pg_try_advisory_xact_lock_shared(1919514229, 2) and pg_try_advisory_xact_lock_shared(1919514229, 3) and pg_try_advisory_xact_lock_shared(1919514229, 4))
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('rivulet', '');
    end if;
  end if;
  return null;
end
$rivulet$;
revoke all on function "rivulet"."log_tasks_9fe3b01e02ec"() from public;
create or replace trigger rivulet_insert after insert on "public"."tasks" referencing new table as rivulet_new for each statement execute function "rivulet"."log_tasks_9fe3b01e02ec"();
alter table "public"."tasks" enable always trigger rivulet_insert;
create or replace trigger rivulet_update after update on "public"."tasks" referencing old table as rivulet_old new table as rivulet_new for each statement execute function "rivulet"."log_tasks_9fe3b01e02ec"();
alter table "public"."tasks" enable always trigger rivulet_update;
create or replace trigger rivulet_delete after delete on "public"."tasks" referencing old table as rivulet_old for each statement execute function "rivulet"."log_tasks_9fe3b01e02ec"();
alter table "public"."tasks" enable always trigger rivulet_delete;
create or replace trigger rivulet_truncate after truncate on "public"."tasks" for each statement execute function "rivulet"."log_tasks_9fe3b01e02ec"();
alter table "public"."tasks" enable always trigger rivulet_truncate;
select rivulet.note_watched('public', 'tasks', array['id', 'project_id', 'title', 'description', 'status', 'priority', 'position', 'assignee_id', 'due_on', 'estimate', 'meta', 'created_at', 'updated_at']::text[]);

-- rivulet: ["public","users"]
lock table "public"."users" in share row exclusive mode;
select rivulet.note_break('public', 'users');
insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (628085340222850548, 'public', 'users', array['id', 'name', 'email', 'created_at']::text[], array['integer', 'text', 'text', 'timestamp with time zone']::text[], array['id']::text[], null) on conflict do nothing;
create or replace function "rivulet"."log_users_b5e552ed8f35"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> 'users' or tg_table_schema <> 'public';
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array['integer'::regtype, 'text'::regtype, 'text'::regtype, 'timestamp with time zone'::regtype]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
      "id" aclitem;
      "name" aclitem;
      "email" aclitem;
      "created_at" aclitem;
    begin
    if watcher.op = 'INSERT' then
      insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
      select pg_current_xact_id(), 628085340222850548, 'I', array["id"::text, "name"::text, "email"::text, "created_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not rivulet.has_virtual('public', 'users') and (array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'users')
        or not (select array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'DELETE' then
      insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
      select pg_current_xact_id(), 628085340222850548, 'D', array["id"::text, "name"::text, "email"::text, "created_at"::text]::text[], watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not rivulet.has_virtual('public', 'users') and (array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_old) and (rivulet.has_virtual('public', 'users')
        or not (select array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_old as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_old as rivulet_row limit 1));
      end if;
    elsif watcher.op = 'UPDATE' then
      insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
      select pg_current_xact_id(), 628085340222850548,
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from (select row_number() over () as nth, array["id"::text, "name"::text, "email"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o
      full join (select row_number() over () as nth, array["id"::text, "name"::text, "email"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
        on o.nth = n.nth and o.k0 = n.k0
      where not rivulet.has_virtual('public', 'users') and (o.image is distinct from n.image collate "C")
        and (coalesce(o.types, n.types) = watcher.declared or (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := exists (select from rivulet_new) and (rivulet.has_virtual('public', 'users')
        or not (select array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] = watcher.declared from rivulet_new as rivulet_row limit 1) and not (select rivulet.fits(array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[], watcher.declared, array['integer
smallint', 'text
character varying', 'text
character varying', 'timestamp with time zone']::text[]) from rivulet_new as rivulet_row limit 1));
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from (select row_number() over () as nth, array["id"::text, "name"::text, "email"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_old as rivulet_row) as o full join (select row_number() over () as nth, array["id"::text, "name"::text, "email"::text, "created_at"::text]::text[] as image, array[pg_typeof("id"), pg_typeof("name"), pg_typeof("email"), pg_typeof("created_at")]::regtype[] as types, ("id"::text) collate "C" as k0 from rivulet_new as rivulet_row) as n
          on o.nth = n.nth and o.k0 = n.k0 where o.nth is null or n.nth is null);
      end if;
    else
      insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
      select pg_current_xact_id(), 628085340222850548, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, array['id']::text[]);
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), 0, 'X',
      array['public', 'users'], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (pg_try_advisory_xact_lock_shared(1919514229, 1) and pg_try_advisory_xact_lock_shared(1919514229, 2) and pg_try_advisory_xact_lock_shared(1919514229, 3) and pg_try_advisory_xact_lock_shared(1919514229, 4))
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('rivulet', '');
    end if;
  end if;
  return null;
end
$rivulet$;
revoke all on function "rivulet"."log_users_b5e552ed8f35"() from public;
create or replace trigger rivulet_insert after insert on "public"."users" referencing new table as rivulet_new for each statement execute function "rivulet"."log_users_b5e552ed8f35"();
alter table "public"."users" enable always trigger rivulet_insert;
create or replace trigger rivulet_update after update on "public"."users" referencing old table as rivulet_old new table as rivulet_new for each statement execute function "rivulet"."log_users_b5e552ed8f35"();
alter table "public"."users" enable always trigger rivulet_update;
create or replace trigger rivulet_delete after delete on "public"."users" referencing old table as rivulet_old for each statement execute function "rivulet"."log_users_b5e552ed8f35"();
alter table "public"."users" enable always trigger rivulet_delete;
create or replace trigger rivulet_truncate after truncate on "public"."users" for each statement execute function "rivulet"."log_users_b5e552ed8f35"();
alter table "public"."users" enable always trigger rivulet_truncate;
select rivulet.note_watched('public', 'users', array['id', 'name', 'email', 'created_at']::text[]);

