-- Creates three database roles with the least rights that each needs. Replace the names and set passwords.
--
--   app_owner   owns the tables; `drizzle-kit migrate` and `rivulet migrate` connect as this role
--   app_server  `rivulet start` connects as this role
--   app_writer  other programs that write the tables connect as this role; it needs no right on schema rivulet
--
-- 1. Run this part before the first migration, connected to the application's database as a role that may create roles.

create role app_owner login;
create role app_server login;
create role app_writer login;

revoke create on schema public from public;
grant usage, create on schema public to app_owner;
grant usage on schema public to app_server, app_writer;
do $$ begin execute format('grant create on database %I to app_owner', current_database()); end $$;

-- Rights on the tables that the owner creates from now on. Leave out rights that your policies never use: without
-- mutations the server needs only select.
alter default privileges for role app_owner in schema public
  grant select, insert, update, delete on tables to app_server, app_writer;
alter default privileges for role app_owner in schema public
  grant usage on sequences to app_server, app_writer;

-- 2. Run this part after `rivulet migrate`, as app_owner. You may run it repeatedly.

grant usage on schema rivulet to app_server;
-- The feed reads the log, and retention deletes its oldest rows. In a restored or promoted database the server restarts the log.
grant select on all tables in schema rivulet to app_server;
grant update on rivulet.log to app_server;
grant delete on rivulet.change to app_server;
-- Each node records what it still has to read.
grant insert, update, delete on rivulet.reader to app_server;
grant execute on function rivulet.history(), rivulet.note_break(text, text) to app_server;
