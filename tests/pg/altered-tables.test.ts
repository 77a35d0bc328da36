import { type AnyRelations, defineRelations } from 'drizzle-orm';
import { bigint, customType, integer, pgEnum, pgSchema, pgTable, text, varchar } from 'drizzle-orm/pg-core';
import { afterEach, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { type Watched, watch } from '../support/watched.js';

const mood = pgEnum('mood', ['fine', 'low']);
const anything = customType<{ data: string }>({ dataType: () => 'tsvector' });
const notes = pgTable('notes', {
  id: integer().primaryKey(),
  body: text(),
  size: bigint({ mode: 'bigint' }),
  mood: mood(),
  words: anything(),
  moods: mood().array(),
  short: varchar({ length: 10 }),
});
const relations = defineRelations({ notes });

/** Each of these is done to a table that was watched before. */
const database = await createDatabase();
const CREATE = `
  create type mood as enum ('fine', 'low');
  create table notes (id int primary key, body text, size bigint, mood mood, words tsvector, moods mood[], short varchar(10));`;
const ROW = `(1, 'a', 5, 'low', 'x', '{low,fine}', 's')`;
const IMAGE = ['1', 'a', '5', 'low', "'x'", '{low,fine}', 's'];

let watched: Watched;
afterEach(() => watched.stop());

/** A reader with another model, beside the watchers of the old one. */
const reader = (other: AnyRelations): Promise<Watched> => watch(database, other, []);

async function altered(sql: string): Promise<void> {
  await database.script(
    'drop schema public cascade; create schema public; drop schema if exists rivulet cascade',
  );
  await database.script(CREATE);
  watched = await watch(database, relations);
  // Plans of the trigger's statements are made, and must not outlive the change.
  await database.script(`insert into notes values ${ROW}; update notes set id = 1; delete from notes`);
  await database.script(sql);
  await watched.take();
}

/** What was read of each operation, and which tables could not be. */
async function readAll(...statements: string[]) {
  const read: unknown[] = [];
  for (const statement of statements) {
    await database.script(statement);
    const transactions = await watched.take();
    for (const { changes, unreadable } of transactions) {
      for (const { op, old, new: next } of changes) read.push([op, old, next]);
      for (const why of unreadable.values()) read.push(why);
    }
  }
  return read;
}

const logged = async () =>
  (await database.query(`select count(*)::text from rivulet.change where shape = 0`))[0]![0];

describe('what reads as before is logged as before', () => {
  const cases: readonly [string, string][] = [
    ['nothing', 'select 1'],
    ['a column more', 'alter table notes add extra int default 5'],
    ['text as varchar', 'alter table notes alter body type varchar(20)'],
    ['varchar as text', 'alter table notes alter short type text'],
    ['a narrower integer', 'alter table notes alter size type int'],
    ['a domain', 'create domain size as bigint check (value > 0); alter table notes alter size type size'],
    ['a type that is only carried', `alter table notes alter words type text using 'x'`],
    ['a new label', `alter type mood add value 'new'`],
    [
      'a generated column',
      `alter table notes drop size, add size bigint generated always as (id + 4) stored`,
    ],
  ];
  test.each(cases)('%s', async (what, sql) => {
    await altered(sql);
    const names =
      what === 'a generated column'
        ? '(id, body, mood, words, moods, short)'
        : '(id, body, size, mood, words, moods, short)';
    const row = what === 'a generated column' ? ROW.replace('5, ', '') : ROW;
    const image = what.startsWith('a type that') ? IMAGE.with(4, 'x') : IMAGE;
    expect(
      await readAll(
        `insert into notes ${names} values ${row}`,
        `update notes set body = 'b'`,
        'delete from notes',
      ),
    ).toEqual([
      ['INSERT', null, image],
      ['UPDATE', image, image.with(1, 'b')],
      ['DELETE', image.with(1, 'b'), null],
    ]);
    expect(await logged()).toBe('0');
  });
});

describe('what does not read as before describes itself, and no write fails', () => {
  const ROWS = [
    'insert into notes (id, body, mood) values (1, $$a$$, $$low$$)',
    `update notes set body = 'b'`,
    'delete from notes',
  ];
  const cases: readonly [string, string, string][] = [
    ['a wider integer', 'alter table notes alter id type bigint', 'notes.id was logged as bigint'],
    [
      'another type of the same text',
      'alter table notes alter size type numeric',
      'notes.size was logged as numeric',
    ],
    ['a column that is gone', 'alter table notes drop size', 'has no size'],
    ['a column of another name', 'alter table notes rename size to length', 'has no size'],
    ['an enum of another name', 'alter type mood rename to feeling', '"public"."feeling"'],
    [
      'an array of another type',
      'alter table notes alter moods type text[]',
      'notes.moods was logged as text[]',
    ],
    ['a column that is only carried', 'alter table notes drop words', 'has no words'],
  ];
  test.each(cases)('%s', async (_, sql, why) => {
    await altered(sql);
    const read = await readAll(...ROWS);
    expect(read).toEqual([1, 2, 3].map(() => expect.stringContaining(why)));
    expect(await logged()).toBe('3');
  });

  test('a key that is gone: updates are then a delete and an insert', async () => {
    await altered('alter table notes rename id to no');
    await database.script(
      `insert into notes (no, body) values (1, 'a'), (2, 'b'); update notes set body = body || '!'`,
    );
    const rows = await database.query(
      'select op::text, coalesce(new, old)::text from rivulet.change where shape = 0 order by seq',
    );
    expect(rows.map(([op]) => op).join('')).toBe('IIDDII');
    expect(rows[0]![1]).toContain('{public,notes,no,integer,1,body,text,a,');
  });

  test('a change that is undone: images are as before', async () => {
    await altered('alter table notes drop size');
    await readAll('insert into notes (id) values (1)');
    await database.script('alter table notes add size bigint');
    const [update] = await readAll(`update notes set body = 'b'`);
    expect(update).toEqual([
      'UPDATE',
      ['1', null, null, null, null, null, null],
      ['1', 'b', null, null, null, null, null],
    ]);
    expect(await logged()).toBe('1');
  });

  test('a statement that changed nothing logs nothing', async () => {
    await altered('alter table notes drop size; insert into notes (id) values (1)');
    expect(
      await readAll(
        'update notes set body = body',
        'update notes set body = $$x$$ where false',
        'delete from notes where false',
      ),
    ).toEqual([]);
  });

  test('a row that a model still fits is read from its description', async () => {
    await altered('alter table notes drop size');
    const narrow = pgTable('notes', { id: integer().primaryKey(), body: text() });
    await watched.stop();
    await database.script(
      `insert into notes (id, body) values (1, 'a'); update notes set id = 2, body = null; truncate notes`,
    );
    const narrowed = defineRelations({ notes: narrow });
    watched = await reader(narrowed);
    expect(
      await readAll(
        `insert into notes (id, body) values (1, 'a')`,
        'update notes set id = 2, body = null',
        'delete from notes',
        'truncate notes',
      ),
    ).toEqual([
      ['INSERT', null, ['1', 'a']],
      ['DELETE', ['1', 'a'], null],
      ['INSERT', null, ['2', null]],
      ['DELETE', ['2', null], null],
      ['TRUNCATE', null, null],
    ]);
  });
});

describe('a table of another name', () => {
  test('says its name: nothing of it counts for the table that it was', async () => {
    await altered(`alter table notes rename to letters; create table notes (like letters including all)`);
    expect(
      await readAll(
        'insert into letters (id) values (1)',
        `update letters set body = 'x'`,
        'delete from letters',
        'truncate letters',
      ),
    ).toEqual([]);
    expect(await logged()).toBe('4');
  });

  test('is read by a model that calls it so, also in another schema', async () => {
    await altered(
      'create schema archive; alter table notes set schema archive; alter table archive.notes rename to letters',
    );
    const letters = pgSchema('archive').table('letters', { id: integer().primaryKey(), body: text() });
    const archived = defineRelations({ letters });
    await watched.stop();
    watched = await reader(archived);
    expect(
      await readAll(`insert into archive.letters (id, body) values (1, 'a')`, 'truncate archive.letters'),
    ).toEqual([
      ['INSERT', null, ['1', 'a']],
      ['TRUNCATE', null, null],
    ]);
  });
});
