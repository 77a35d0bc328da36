import { describe, expect, test } from 'vitest';
import { RivuletError } from '../../shared/errors.js';
import { codedError } from '../../src/database/errors.js';
import { isPassing } from '../../src/database/retry.js';
import { createDatabase } from '../support/database.js';

const database = await createDatabase({
  setup: `
    create type mood as enum ('good', 'bad');
    create table parents (id int primary key);
    create table things (
      id int primary key, parent_id int constraint has_parent references parents, name varchar(3) not null,
      price numeric(4, 2) constraint positive check (price > 0), at date, mood mood, tag uuid, doc jsonb, small smallint,
      room int4range, constraint one_room exclude using gist (room with &&), constraint one_name unique (name)
    );
    insert into things (id, name, room) values (1, 'a', '[1,3)');
  `,
});

const codeOf = async (sql: string) => {
  const error = await database.script(sql).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return codedError(error);
};

describe('an error of the database becomes a coded one', () => {
  test.each([
    [`insert into things (id, name) values (1, 'b')`, 'CONSTRAINT_UNIQUE', 'things_pkey'],
    [`insert into things (id, name) values (2, 'a')`, 'CONSTRAINT_UNIQUE', 'one_name'],
    [`insert into things (id, name, parent_id) values (2, 'b', 9)`, 'CONSTRAINT_FOREIGN_KEY', 'has_parent'],
    [`insert into things (id, name, price) values (2, 'b', -1)`, 'CONSTRAINT_CHECK', 'positive'],
    [`insert into things (id, name, room) values (2, 'b', '[2,5)')`, 'CONSTRAINT_EXCLUSION', 'one_room'],
  ])('%s names its constraint to the server’s own code', async (sql, code, constraint) => {
    const error = await codeOf(sql);
    expect(error).toMatchObject({ code, details: { constraint, table: 'things' } });
    expect(error!.message).toContain(constraint);
  });

  test.each([
    [`insert into things (id) values (2)`, 'CONSTRAINT_NOT_NULL'],
    [`insert into things (id, name) values (2, 'long')`, 'VALUE_TOO_LONG'],
    [`insert into things (id, name, price) values (2, 'b', 1000)`, 'VALUE_OUT_OF_RANGE'],
    [`insert into things (id, name, small) values (2, 'b', 70000)`, 'VALUE_OUT_OF_RANGE'],
    [`insert into things (id, name, at) values (2, 'b', '2026-02-30')`, 'VALUE_OUT_OF_RANGE'],
    [`insert into things (id, name, at) values (2, 'b', 'yesterdayish')`, 'VALUE_UNREADABLE'],
    [`insert into things (id, name, mood) values (2, 'b', 'so-so')`, 'VALUE_UNREADABLE'],
    [`insert into things (id, name, tag) values (2, 'b', 'not a uuid')`, 'VALUE_UNREADABLE'],
    [`insert into things (id, name, doc) values (2, 'b', '{')`, 'VALUE_UNREADABLE'],
    [`insert into things (id, name, doc) values (2, 'b', '"\\u0000"')`, 'VALUE_UNREADABLE'],
    [`set statement_timeout = 20; select pg_sleep(5)`, 'DATABASE_TIMEOUT'],
    [`begin read only; insert into things (id, name) values (2, 'b')`, 'DATABASE_READ_ONLY'],
    [`do $$ begin raise exception using errcode = '40001'; end $$`, 'CONFLICT_RETRY'],
    [`do $$ begin raise exception using errcode = '40P01'; end $$`, 'CONFLICT_RETRY'],
    [`do $$ begin raise exception using errcode = '55P03'; end $$`, 'DATABASE_TIMEOUT'],
    [`do $$ begin raise exception using errcode = '53100'; end $$`, 'DATABASE_OVERLOADED'],
    [`do $$ begin raise exception using errcode = '42501'; end $$`, 'DATABASE_PERMISSION'],
  ])('%s', async (sql, code) => {
    const error = await codeOf(`${sql}`);
    expect(error?.code).toBe(code);
    expect(JSON.stringify([error!.message, error!.details])).not.toMatch(
      /insert into|select |70000|yesterdayish/,
    );
    await database.script('rollback; reset all').catch(() => {});
  });

  test('what means nothing to a user stays unknown, to be masked', async () => {
    expect(await codeOf('select * from nowhere')).toBeUndefined();
    expect(await codeOf('selec')).toBeUndefined();
    expect(await codeOf('select 1 / 0')).toBeUndefined();
    expect(codedError(new Error('boom'))).toBeUndefined();
    expect(codedError(null)).toBeUndefined();
    expect(codedError({ code: 'ERR_SOMETHING' })).toBeUndefined();
  });

  test('a coded error stays itself', () => {
    const error = new RivuletError('CONSTRAINT_CHECK', 'x');
    expect(codedError(error)).toBe(error);
  });

  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'CONNECTION_CLOSED',
    'CONNECT_TIMEOUT',
    '57P01',
    '57P03',
    '08006',
  ])('%s means that the database is away, and that trying again may help', (code) => {
    const error = codedError(Object.assign(new Error('x'), { code }));
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(isPassing(error)).toBe(true);
  });

  test('a wrong password and a missing database are refused, not away', async () => {
    const wrong = database.connect({ max: 1, user: 'nobody-at-all', password: 'x' });
    const error = await wrong.query({ text: 'select 1', params: [] }).catch((e: unknown) => e);
    expect(codedError(error)?.code).toBe('DATABASE_REFUSED');
  });
});
