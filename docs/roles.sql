-- Three database roles with the least rights that each needs. Replace the names and set passwords.
--
--   app_owner   owns the tables; `drizzle-kit migrate` and `rivulet migrate` connect as this role
--   app_server  the role of `rivulet start`
--   app_writer  the role of other programs that write the tables; it needs nothing of schema rivulet
--
-- 1. Before the first migration, connected to the application's database as a role that may create roles.

create role app_owner login;
create role app_server login;
create role app_writer login;

revoke create on schema public from public;
grant usage, create on schema public to app_owner;
grant usage on schema public to app_server, app_writer;
do $$ begin execute format('grant create on database %I to app_owner', current_database()); end $$;

-- What the owner creates from now on. Leave out what your policies never allow: without mutations the server only reads.
alter default privileges for role app_owner in schema public
  grant select, insert, update, delete on tables to app_server, app_writer;
alter default privileges for role app_owner in schema public
  grant usage on sequences to app_server, app_writer;

-- 2. After `rivulet migrate`, as app_owner. May run again.

grant usage on schema rivulet to app_server;
-- The feed reads the log; retention deletes its oldest rows; a restored or promoted database begins the log anew.
grant select on all tables in schema rivulet to app_server;
grant update on rivulet.log to app_server;
grant delete on rivulet.change to app_server;
-- Each node notes what it still has to read.
grant insert, update, delete on rivulet.reader to app_server;
grant execute on function rivulet.history(), rivulet.note_break(text, text) to app_server;
