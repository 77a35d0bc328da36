select pg_advisory_xact_lock(32204104842110324);
select from pg_catalog.pg_namespace limit 0;

create schema if not exists rivulet;

create table if not exists rivulet.log (
  is_only boolean primary key default true check (is_only),
  epoch uuid not null default gen_random_uuid(),
  version integer not null,
  made_at timestamptz not null default now()
);
insert into rivulet.log (version) values (2) on conflict do nothing;
alter table rivulet.log
  add column if not exists trimmed xid8,
  add column if not exists measured pg_snapshot,
  add column if not exists rows bigint not null default 0,
  add column if not exists bytes bigint not null default 0;
update rivulet.log set version = 2 where version < 2;

create table if not exists rivulet.shape (
  id bigint primary key,
  sql_schema text not null,
  sql_name text not null,
  columns text[] not null,
  key text[] not null
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

revoke all on schema rivulet from public;
revoke all on all tables in schema rivulet from public;
revoke all on all sequences in schema rivulet from public;

insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (2118515641789176704, 'public', 'comments', array['id', 'task_id', 'author_id', 'body', 'created_at']::text[], array['id']::text[]) on conflict do nothing;
create or replace function "rivulet"."log_comments_fd2f8e13751d"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
    select pg_current_xact_id(), 2118515641789176704, 'I', array[n."id"::text, n."task_id"::text, n."author_id"::text, n."body"::text, n."created_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
    select pg_current_xact_id(), 2118515641789176704, 'D', array[o."id"::text, o."task_id"::text, o."author_id"::text, o."body"::text, o."created_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
    select pg_current_xact_id(), 2118515641789176704,
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from (select array[r."id"::text, r."task_id"::text, r."author_id"::text, r."body"::text, r."created_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_old as r) as o
    full join (select array[r."id"::text, r."task_id"::text, r."author_id"::text, r."body"::text, r."created_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_new as r) as n
      on o.k0 = n.k0
    where o.image is distinct from n.image;
  else
    insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
    select pg_current_xact_id(), 2118515641789176704, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
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

insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (5661221905124905782, 'public', 'labels', array['id', 'project_id', 'name', 'color']::text[], array['id']::text[]) on conflict do nothing;
create or replace function "rivulet"."log_labels_dfe95ba3224b"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
    select pg_current_xact_id(), 5661221905124905782, 'I', array[n."id"::text, n."project_id"::text, n."name"::text, n."color"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
    select pg_current_xact_id(), 5661221905124905782, 'D', array[o."id"::text, o."project_id"::text, o."name"::text, o."color"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
    select pg_current_xact_id(), 5661221905124905782,
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from (select array[r."id"::text, r."project_id"::text, r."name"::text, r."color"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_old as r) as o
    full join (select array[r."id"::text, r."project_id"::text, r."name"::text, r."color"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_new as r) as n
      on o.k0 = n.k0
    where o.image is distinct from n.image;
  else
    insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
    select pg_current_xact_id(), 5661221905124905782, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
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

insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (8739943492764264709, 'public', 'members', array['project_id', 'user_id', 'role', 'joined_at']::text[], array['project_id', 'user_id']::text[]) on conflict do nothing;
create or replace function "rivulet"."log_members_6178f1fb7859"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
    select pg_current_xact_id(), 8739943492764264709, 'I', array[n."project_id"::text, n."user_id"::text, n."role"::text, n."joined_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
    select pg_current_xact_id(), 8739943492764264709, 'D', array[o."project_id"::text, o."user_id"::text, o."role"::text, o."joined_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
    select pg_current_xact_id(), 8739943492764264709,
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from (select array[r."project_id"::text, r."user_id"::text, r."role"::text, r."joined_at"::text]::text[] as image, (r."project_id"::text) collate "C" as k0, (r."user_id"::text) collate "C" as k1 from rivulet_old as r) as o
    full join (select array[r."project_id"::text, r."user_id"::text, r."role"::text, r."joined_at"::text]::text[] as image, (r."project_id"::text) collate "C" as k0, (r."user_id"::text) collate "C" as k1 from rivulet_new as r) as n
      on o.k0 = n.k0 and o.k1 = n.k1
    where o.image is distinct from n.image;
  else
    insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
    select pg_current_xact_id(), 8739943492764264709, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
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

insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (8498818200024417010, 'public', 'projects', array['id', 'name', 'owner_id', 'archived', 'created_at']::text[], array['id']::text[]) on conflict do nothing;
create or replace function "rivulet"."log_projects_1d60e2563dd1"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
    select pg_current_xact_id(), 8498818200024417010, 'I', array[n."id"::text, n."name"::text, n."owner_id"::text, n."archived"::text, n."created_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
    select pg_current_xact_id(), 8498818200024417010, 'D', array[o."id"::text, o."name"::text, o."owner_id"::text, o."archived"::text, o."created_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
    select pg_current_xact_id(), 8498818200024417010,
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from (select array[r."id"::text, r."name"::text, r."owner_id"::text, r."archived"::text, r."created_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_old as r) as o
    full join (select array[r."id"::text, r."name"::text, r."owner_id"::text, r."archived"::text, r."created_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_new as r) as n
      on o.k0 = n.k0
    where o.image is distinct from n.image;
  else
    insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
    select pg_current_xact_id(), 8498818200024417010, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
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

insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (8866736803991650337, 'public', 'task_labels', array['task_id', 'label_id']::text[], array['task_id', 'label_id']::text[]) on conflict do nothing;
create or replace function "rivulet"."log_task_labels_360e8a1e0fcf"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
    select pg_current_xact_id(), 8866736803991650337, 'I', array[n."task_id"::text, n."label_id"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
    select pg_current_xact_id(), 8866736803991650337, 'D', array[o."task_id"::text, o."label_id"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
    select pg_current_xact_id(), 8866736803991650337,
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from (select array[r."task_id"::text, r."label_id"::text]::text[] as image, (r."task_id"::text) collate "C" as k0, (r."label_id"::text) collate "C" as k1 from rivulet_old as r) as o
    full join (select array[r."task_id"::text, r."label_id"::text]::text[] as image, (r."task_id"::text) collate "C" as k0, (r."label_id"::text) collate "C" as k1 from rivulet_new as r) as n
      on o.k0 = n.k0 and o.k1 = n.k1
    where o.image is distinct from n.image;
  else
    insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
    select pg_current_xact_id(), 8866736803991650337, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
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

insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (393107873261739464, 'public', 'tasks', array['id', 'project_id', 'title', 'description', 'status', 'priority', 'position', 'assignee_id', 'due_on', 'estimate', 'meta', 'created_at', 'updated_at']::text[], array['id']::text[]) on conflict do nothing;
create or replace function "rivulet"."log_tasks_9fe3b01e02ec"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
    select pg_current_xact_id(), 393107873261739464, 'I', array[n."id"::text, n."project_id"::text, n."title"::text, n."description"::text, n."status"::text, n."priority"::text, n."position"::text, n."assignee_id"::text, n."due_on"::text, n."estimate"::text, n."meta"::text, n."created_at"::text, n."updated_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
    select pg_current_xact_id(), 393107873261739464, 'D', array[o."id"::text, o."project_id"::text, o."title"::text, o."description"::text, o."status"::text, o."priority"::text, o."position"::text, o."assignee_id"::text, o."due_on"::text, o."estimate"::text, o."meta"::text, o."created_at"::text, o."updated_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
    select pg_current_xact_id(), 393107873261739464,
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from (select array[r."id"::text, r."project_id"::text, r."title"::text, r."description"::text, r."status"::text, r."priority"::text, r."position"::text, r."assignee_id"::text, r."due_on"::text, r."estimate"::text, r."meta"::text, r."created_at"::text, r."updated_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_old as r) as o
    full join (select array[r."id"::text, r."project_id"::text, r."title"::text, r."description"::text, r."status"::text, r."priority"::text, r."position"::text, r."assignee_id"::text, r."due_on"::text, r."estimate"::text, r."meta"::text, r."created_at"::text, r."updated_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_new as r) as n
      on o.k0 = n.k0
    where o.image is distinct from n.image;
  else
    insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
    select pg_current_xact_id(), 393107873261739464, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
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

insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (3682531871536292625, 'public', 'users', array['id', 'name', 'email', 'created_at']::text[], array['id']::text[]) on conflict do nothing;
create or replace function "rivulet"."log_users_b5e552ed8f35"() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set TimeZone = 'UTC'
  set DateStyle = 'ISO, MDY'
  set IntervalStyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = '1'
  set lc_monetary = 'C'
as $rivulet$
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    insert into rivulet.change (xid, shape, op, new, logged_at, mutation_id)
    select pg_current_xact_id(), 3682531871536292625, 'I', array[n."id"::text, n."name"::text, n."email"::text, n."created_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    insert into rivulet.change (xid, shape, op, old, logged_at, mutation_id)
    select pg_current_xact_id(), 3682531871536292625, 'D', array[o."id"::text, o."name"::text, o."email"::text, o."created_at"::text]::text[], rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    insert into rivulet.change (xid, shape, op, old, new, logged_at, mutation_id)
    select pg_current_xact_id(), 3682531871536292625,
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from (select array[r."id"::text, r."name"::text, r."email"::text, r."created_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_old as r) as o
    full join (select array[r."id"::text, r."name"::text, r."email"::text, r."created_at"::text]::text[] as image, (r."id"::text) collate "C" as k0 from rivulet_new as r) as n
      on o.k0 = n.k0
    where o.image is distinct from n.image;
  else
    insert into rivulet.change (xid, shape, op, logged_at, mutation_id)
    select pg_current_xact_id(), 3682531871536292625, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
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

