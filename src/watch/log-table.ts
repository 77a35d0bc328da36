import { LOG_FUNCTIONS_SQL } from './log-functions.js';
import { READER_FUNCTIONS_SQL } from './reader-functions.js';

/** The schema of the change log. Nothing in it is meant for other users of the database. */
export const LOG_SCHEMA = 'rivulet';

/**
 * The channel on which a transaction with logged changes notifies, once, without a payload, where a
 * reader is asleep.
 */
export const LOG_CHANNEL = 'rivulet';

/**
 * Advisory locks (two integers: this class, "rivu" in hexadecimal, and a number from 1 on) by which
 * writers know whether a reader is asleep; see `feed/doorbell.ts`. A logged transaction holds each
 * of them shared, or notifies. So many readers can be asleep at a time; each more costs every
 * logged transaction a lock.
 */
export const DOORBELL_CLASS = 1_919_514_229;
export const DOORBELL_SLOTS = 4;

/** Installs are serialized by this advisory lock ("rivulet" in hexadecimal). */
const INSTALL_LOCK = '32204104842110324';

/**
 * Waits for the install that is under way, if any, until the end of the transaction. The second
 * statement looks at a table only because that makes the session hear of what the other one
 * created: waiting for the lock does not.
 */
export const INSTALL_LOCK_SQL = `select pg_advisory_xact_lock(${INSTALL_LOCK});
select from pg_catalog.pg_namespace limit 0;
`;

/**
 * Raised when the tables below change; kept in `rivulet.log.version`. Each version only adds to the
 * one before, so that nodes of the version before can run beside those of this one while a deploy
 * is under way.
 */
export const LOG_VERSION = 6;

/** The columns and types that `inspect` expects, by table. */
export const LOG_TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  log: {
    is_only: 'boolean',
    epoch: 'uuid',
    version: 'integer',
    made_at: 'timestamp with time zone',
    trimmed: 'xid8',
    measured: 'pg_snapshot',
    rows: 'bigint',
    bytes: 'bigint',
    history: 'text',
    secret: 'uuid',
  },
  shape: {
    id: 'bigint',
    sql_schema: 'text',
    sql_name: 'text',
    columns: 'text[]',
    key: 'text[]',
    types: 'text[]',
    only_columns: 'text[]',
  },
  watching: { sql_schema: 'text', sql_name: 'text', columns: 'text[]', identity: 'text[]' },
  change: {
    seq: 'bigint',
    xid: 'xid8',
    shape: 'bigint',
    op: '"char"',
    old: 'text[]',
    new: 'text[]',
    logged_at: 'timestamp with time zone',
    mutation_id: 'text',
  },
  reader: { id: 'uuid', position: 'xid8', seen_at: 'timestamp with time zone' },
};

/**
 * The change log's tables; can be run any number of times.
 *
 * `log` is one row: the epoch names this log, so that a cursor of another one is recognized; it is
 * renewed where `history` is not the database's any more (`log/renew.ts`); `secret` is for cursors
 * where servers share no other; `trimmed` is the largest xid of which retention has deleted rows;
 * `rows` and `bytes` are what the log holds as of the snapshot `measured`. `shape` says which
 * columns an image has and of which types; its ids are hashes, and rows are never changed, so that
 * an old image is always read with its own columns. `watching` is what each table's watching rests
 * on, as it was last noted: where that is another, changes may not have been logged. `change` is
 * one row per changed row. Its key is what readers look up (`xid`), and keeps deletes possible
 * where all tables are published. `shape` is not a foreign key: checking it for each row would cost
 * the writers. `reader` is one row per node: every transaction below `position` has been read
 * there. It is not logged in the WAL: readers that live after a crash say again where they are.
 */
export const LOG_TABLE_SQL = `create schema if not exists rivulet;

create table if not exists rivulet.log (
  is_only boolean primary key default true check (is_only),
  epoch uuid not null default gen_random_uuid(),
  version integer not null,
  made_at timestamptz not null default now()
);
insert into rivulet.log (version) values (${LOG_VERSION}) on conflict do nothing;
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
${LOG_FUNCTIONS_SQL}
update rivulet.log set history = rivulet.history() where history is null;
update rivulet.log set version = ${LOG_VERSION} where version < ${LOG_VERSION};

revoke all on schema rivulet from public;
revoke all on all tables in schema rivulet from public;
revoke all on all sequences in schema rivulet from public;
revoke all on all routines in schema rivulet from public;
${READER_FUNCTIONS_SQL}`;
