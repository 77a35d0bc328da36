import { defineRelations, sql } from 'drizzle-orm';
import {
  bigserial,
  customType,
  doublePrecision,
  integer,
  interval,
  pgTable,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { watch } from '../support/watched.js';

const bytea = customType<{ data: string }>({ dataType: () => 'bytea' });
const money = customType<{ data: string }>({ dataType: () => 'money' });

const values = pgTable('values', {
  id: integer().primaryKey(),
  at: timestamp({ withTimezone: true }),
  span: interval(),
  bytes: bytea(),
  ratio: doublePrecision(),
  price: money(),
});
const notes = pgTable('notes', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  body: text().default(sql`''`),
});
const relations = defineRelations({ values, notes });

const WRITER = 'rivulet_test_writer';
const PASSWORD = 'not a secret';

const database = await createDatabase({
  setup: `
    create table "values" (id int primary key, at timestamptz, span interval, bytes bytea, ratio float8, price money);
    create table notes (id bigserial primary key, body text);
    do $$ begin
      create role ${WRITER} login password '${PASSWORD}';
    exception when duplicate_object or unique_violation then null; end $$;
    grant select, insert, update, delete, truncate on "values", notes to ${WRITER};
    grant usage on sequence notes_id_seq to ${WRITER};
    create schema evil; grant all on schema evil to ${WRITER};
  `,
});
const watched = await watch(database, relations);
const writer = database.connect({ max: 1, user: WRITER, password: PASSWORD });
afterAll(() => watched.stop());

beforeEach(async () => {
  await database.script('truncate "values", notes restart identity');
  await watched.take();
});

describe("the writer's session", () => {
  const insert = `insert into "values" values
    (1, '2026-07-01 12:00:00.123456+00', '1 year 2 months 3 days 04:05:06.7', '\\x00ff5c', 0.1::float8 + 0.2::float8, 1234.5)`;

  test.each([
    `set timezone = 'Asia/Kolkata'`,
    `set datestyle = 'German, DMY'`,
    `set datestyle = 'SQL, DMY'`,
    `set datestyle = 'Postgres'`,
    `set intervalstyle = 'iso_8601'`,
    `set intervalstyle = 'sql_standard'`,
    `set bytea_output = 'escape'`,
    `set extra_float_digits = -15`,
    `set quote_all_identifiers = on`,
    `set standard_conforming_strings = off; set escape_string_warning = off; set backslash_quote = off`,
    `set transform_null_equals = on`,
    `set plpgsql.variable_conflict = 'use_column'`,
    `set search_path = ''`,
    `set row_security = off`,
    `set default_transaction_isolation = 'serializable'`,
    `set enable_hashjoin = off; set enable_mergejoin = off`,
    `set work_mem = '64kB'`,
  ])('%s does not change what is logged', async (setting) => {
    const session = database.connect({ max: 1 });
    await session.script(setting);
    await session.script(
      insert
        .replaceAll('"values"', 'public."values"')
        .replace(`'\\x00ff5c'`, `decode('00ff5c', 'hex')`)
        .replace(`'2026-07-01 12:00:00.123456+00'`, `to_timestamp(1782907200.123456)`)
        .replace(`'1 year 2 months 3 days 04:05:06.7'`, `make_interval(1, 2, 0, 3, 4, 5, 6.7)`),
    );
    const image = [
      '1',
      '2026-07-01 12:00:00.123456+00',
      '1 year 2 mons 3 days 04:05:06.7',
      '\\x00ff5c',
      '0.30000000000000004',
      '$1,234.50',
    ];
    expect(await watched.takeChanges()).toEqual([['INSERT', 'values', null, image]]);
    const [queried] = await database.query(
      'select id::text, at::text, span::text, bytes::text, ratio::text, price::text from "values"',
    );
    expect(queried).toEqual(image);
    await session.script(`update public."values" set ratio = null`);
    expect((await watched.takeChanges())[0]!.slice(2)).toEqual([
      image,
      [...image.slice(0, 4), null, '$1,234.50'],
    ]);
  });

  test('a transaction that would not wait for its commit record does, once something was logged', async () => {
    const session = database.connect({ max: 1 });
    const setting = async (statement: string) => {
      await session.script(`set synchronous_commit = off; begin; ${statement}`);
      const [[value]] = (await session.query({
        text: `select current_setting('synchronous_commit')`,
        params: [],
      })) as [[string]];
      await session.script('commit');
      return value;
    };
    expect(await setting(`insert into notes (body) values ('x')`)).toBe('local');
    expect(await setting(`update notes set body = body`)).toBe('off');
    expect(await session.query({ text: `select current_setting('synchronous_commit')`, params: [] })).toEqual(
      [['off']],
    );
  });

  test('its own settings are as before after a logged statement', async () => {
    const session = database.connect({ max: 1 });
    await session.script(`set timezone = 'Asia/Kolkata'; set search_path = evil, public`);
    await session.script(`insert into notes (body) values ('x')`);
    expect(
      await session.query({
        text: `select current_setting('timezone'), current_setting('search_path')`,
        params: [],
      }),
    ).toEqual([['Asia/Kolkata', 'evil, public']]);
  });

  test('the mutation id of one transaction is not that of the next', async () => {
    const session = database.connect({ max: 1 });
    await session.script(
      `begin; set local rivulet.mutation_id = 'mine'; insert into notes (body) values ('a'); commit`,
    );
    await session.script(`insert into notes (body) values ('b')`);
    expect((await watched.take()).map((transaction) => transaction.mutationId)).toEqual(['mine', null]);
  });
});

describe('a writer without rights on the log', () => {
  const refused = (text: string) => expect(writer.script(text)).rejects.toMatchObject({ code: '42501' });

  test('its changes are logged', async () => {
    await writer.script(
      `insert into notes (body) values ('w'); update notes set body = 'W'; delete from notes; truncate notes`,
    );
    expect((await watched.takeChanges()).map(([op]) => op)).toEqual([
      'INSERT',
      'UPDATE',
      'DELETE',
      'TRUNCATE',
    ]);
  });

  test('it can neither read, forge, change nor empty the log', async () => {
    await refused('select * from rivulet.change');
    await refused('select * from rivulet.shape');
    await refused('select epoch from rivulet.log');
    await refused(`insert into rivulet.change (xid, shape, op, logged_at) values ('1', 1, 'I', now())`);
    await refused('update rivulet.change set mutation_id = null');
    await refused('delete from rivulet.change');
    await refused('truncate rivulet.change');
    await refused(`select nextval('rivulet.change_seq_seq')`);
  });

  test('it cannot attach the trigger functions to a table of its own', async () => {
    const [[name]] = (await database.query(
      `select p.oid::regproc::text from pg_proc p where pronamespace = 'rivulet'::regnamespace and proname like 'log_notes%'`,
    )) as [[string]];
    await writer.script('create table evil.mine (id int, body text)');
    await refused(
      `create trigger t after insert on evil.mine referencing new table as rivulet_new for each statement execute function ${name}()`,
    );
  });

  test('functions, operators, casts and tables that it puts in the way are not used', async () => {
    await writer.script(`
      create table evil.stolen (what text);
      create function evil.array_to_json(anyarray) returns json language sql as 'select null::json';
      create function evil.clock_timestamp() returns timestamptz language plpgsql as $$
        begin insert into evil.stolen values (current_user); return 'epoch'::timestamptz; end $$;
      create function evil.pg_current_xact_id() returns xid8 language sql as $$ select '1'::xid8 $$;
      create function evil.current_setting(text, boolean) returns text language sql as $$ select 'forged' $$;
      create function evil.pg_notify(text, text) returns void language sql as '';
      create function evil.eq(text, text) returns boolean language plpgsql as $$
        begin insert into evil.stolen values (current_user); return true; end $$;
      create operator evil.= (leftarg = text, rightarg = text, procedure = evil.eq);
      create temp table rivulet_new (id int, body text);
      create temp table rivulet_old (id int, body text);
      insert into pg_temp.rivulet_new values (666, 'forged');
      create temp table change (xid xid8);
      create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select 'epoch'::timestamptz $$;
      set search_path = evil, pg_temp, pg_catalog, public`);
    await writer.script(`
      insert into public.notes (id, body) values (7, 'true');
      update public.notes set body = 'still true';
      update public.notes set id = 8`);
    const transactions = await watched.take();
    expect(
      transactions
        .flatMap(({ changes }) => changes.map(({ op, old, new: next }) => [op, old, next]))
        .toSorted(),
    ).toEqual([
      ['DELETE', ['7', 'still true'], null],
      ['INSERT', null, ['7', 'true']],
      ['INSERT', null, ['8', 'still true']],
      ['UPDATE', ['7', 'true'], ['7', 'still true']],
    ]);
    expect(transactions.every(({ loggedAt, mutationId }) => loggedAt > '2026' && mutationId === null)).toBe(
      true,
    );
    expect(await database.query('select what from evil.stolen')).toEqual([]);
    await writer.script('reset search_path; discard temp');
  });

  test('what it notifies on the channel wakes readers and tells them nothing', async () => {
    await writer.script(`select pg_notify('rivulet', '{"forged":true}')`);
    expect(await watched.take()).toEqual([]);
  });
});
