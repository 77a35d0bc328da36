import { defineRelations } from 'drizzle-orm';
import { customType, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DOORBELL_CLASS, DOORBELL_SLOTS } from '../../src/watch/log-table.js';
import { createDatabase } from '../support/database.js';
import { watch } from '../support/watched.js';

const citext = customType<{ data: string }>({ dataType: () => 'text' });

const parents = pgTable('parents', { id: integer().primaryKey(), name: text() });
const swaps = pgTable('swaps', { id: integer().primaryKey(), name: text() });
const children = pgTable(
  'children',
  { parentId: integer('parent_id').notNull(), no: integer().notNull(), body: text() },
  (table) => [primaryKey({ columns: [table.parentId, table.no] })],
);
const branches = pgTable('branches', { id: integer().primaryKey(), parentId: integer('parent_id') });
const sums = pgTable('sums', { id: integer().primaryKey(), a: integer(), twice: integer() });
const measures = pgTable('measures', { id: integer().primaryKey(), region: text(), value: integer() });
const chatty = pgTable('chatty', { id: integer().primaryKey(), body: text(), version: integer() });
const words = pgTable('words', { word: citext().primaryKey(), n: integer() });
const relations = defineRelations({ parents, swaps, children, branches, sums, measures, chatty, words });

const database = await createDatabase({
  setup: `
    create table parents (id int primary key, name text);
    create table swaps (id int primary key deferrable, name text);
    create table children (parent_id int references parents on delete cascade on update cascade, no int, body text,
      primary key (parent_id, no));
    create table branches (id int primary key, parent_id int references branches on delete cascade);
    create table sums (id int primary key, a int, twice int generated always as (a * 2) stored);
    create table measures (id int, region text, value int, primary key (id, region)) partition by list (region);
    create table measures_north partition of measures for values in ('north');
    create table measures_south partition of measures for values in ('south');
    create table chatty (id int primary key, body text, version int default 0);
    create function touch() returns trigger language plpgsql as $$
      begin
        if pg_trigger_depth() < 3 then update chatty set version = version + 1 where id = new.id; end if;
        return null;
      end $$;
    create trigger touch after insert or update on chatty for each row execute function touch();
    create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create table words (word text collate nocase primary key, n int);
  `,
});
const watched = await watch(database, relations);
afterAll(() => watched.stop());

beforeEach(async () => {
  await database.script('truncate parents, swaps, children, branches, sums, measures, chatty, words');
  await watched.take();
});

/** Runs statements (one transaction) and returns what was logged of them. */
async function run(sql: string) {
  await database.script(sql);
  return watched.takeChanges();
}

test.each(['swaps', 'measures'])(
  'what a trigger writes into %s after a TRUNCATE, and before it is logged, is said to have gone unseen',
  async (table) => {
    const values = table === 'swaps' ? `(1, 'n')` : `(1, 'north', 1)`;
    await database.script(`
      create function refill() returns trigger language plpgsql as $$ begin insert into ${table} values ${values}; return null; end $$;
      create trigger a_refill after truncate on ${table} for each statement execute function refill()`);
    await database.script(`truncate ${table}`);
    const [transaction] = await watched.take();
    expect([...transaction!.unreadable.keys()].map(({ name }) => name)).toEqual([table]);
    await database.script(`drop trigger a_refill on ${table}; drop function refill`);
    await database.script(`truncate ${table}`);
    expect((await watched.take()).map(({ unreadable }) => unreadable.size)).toEqual([0]);
  },
);

describe('plain statements', () => {
  test('INSERT logs the new image of every row', async () => {
    expect(await run(`insert into parents values (1, 'a'), (2, null)`)).toEqual([
      ['INSERT', 'parents', null, ['1', 'a']],
      ['INSERT', 'parents', null, ['2', null]],
    ]);
  });

  test('UPDATE logs both images of the rows that changed', async () => {
    await run(`insert into parents values (1, 'a'), (2, 'b')`);
    expect(await run(`update parents set name = upper(name) where id = 1`)).toEqual([
      ['UPDATE', 'parents', ['1', 'a'], ['1', 'A']],
    ]);
  });

  test('DELETE logs the old image', async () => {
    await run(`insert into parents values (1, 'a')`);
    expect(await run('delete from parents')).toEqual([['DELETE', 'parents', ['1', 'a'], null]]);
  });

  test('a statement that touches no row logs nothing', async () => {
    expect(
      await run(
        `update parents set name = 'x'; delete from parents; insert into parents select 1, 'a' where false`,
      ),
    ).toEqual([]);
  });

  test('an update that changes nothing is not logged', async () => {
    await run(`insert into parents values (1, 'a'), (2, null)`);
    expect(await run('update parents set name = name')).toEqual([]);
  });

  test('NULL and the empty text, and what looks like array syntax, stay what they are', async () => {
    const hostile = `{"a",NULL,\\\\ "quoted" 'single' \n\t 💧 é}`;
    await database.query('insert into parents values (1, $1), (2, $2), (3, $3)', hostile, '', 'NULL');
    expect((await watched.takeChanges()).map(([, , , next]) => next)).toEqual([
      ['1', hostile],
      ['2', ''],
      ['3', 'NULL'],
    ]);
  });

  test('TRUNCATE logs one change without images, and so does each table that it cascades to', async () => {
    await run(`insert into parents values (1, 'a'); insert into children values (1, 1, 'x')`);
    const changes = await run('truncate parents cascade');
    expect(changes.map(([op, table, old, next]) => [op, table, old, next]).sort()).toEqual([
      ['TRUNCATE', 'children', null, null],
      ['TRUNCATE', 'parents', null, null],
    ]);
  });

  test('COPY logs every row', async () => {
    await run(`copy parents from program 'printf "1\\ta\\n2\\tb\\n3\\t\\\\\\\\N\\n"'`).then((changes) =>
      expect(changes.map(([op, , , next]) => [op, next])).toEqual([
        ['INSERT', ['1', 'a']],
        ['INSERT', ['2', 'b']],
        ['INSERT', ['3', null]],
      ]),
    );
  });

  test('ON CONFLICT logs an insert or an update, as it happened, or nothing', async () => {
    await run(`insert into parents values (1, 'a')`);
    const upsert = `insert into parents values (1, 'b'), (2, 'c') on conflict (id) do update set name = excluded.name`;
    expect((await run(upsert)).toSorted()).toEqual([
      ['INSERT', 'parents', null, ['2', 'c']],
      ['UPDATE', 'parents', ['1', 'a'], ['1', 'b']],
    ]);
    expect(await run(`insert into parents values (1, 'z') on conflict do nothing`)).toEqual([]);
  });

  test('MERGE logs what each of its branches did', async () => {
    await run(`insert into parents values (1, 'a'), (2, 'b')`);
    const changes = await run(`
      merge into parents p using (values (1, 'A'), (2, null), (3, 'c')) v(id, name) on p.id = v.id
      when matched and v.name is null then delete
      when matched then update set name = v.name
      when not matched then insert values (v.id, v.name)`);
    expect(changes.toSorted()).toEqual([
      ['DELETE', 'parents', ['2', 'b'], null],
      ['INSERT', 'parents', null, ['3', 'c']],
      ['UPDATE', 'parents', ['1', 'a'], ['1', 'A']],
    ]);
  });

  test('data-modifying WITH logs every part', async () => {
    await run(`insert into parents values (1, 'a')`);
    const changes = await run(
      `with gone as (delete from parents returning *) insert into parents select id + 10, name from gone`,
    );
    expect(changes.toSorted()).toEqual([
      ['DELETE', 'parents', ['1', 'a'], null],
      ['INSERT', 'parents', null, ['11', 'a']],
    ]);
  });
});

describe('keys', () => {
  test('a changed key is a delete and an insert', async () => {
    await run(`insert into parents values (1, 'a'), (2, 'b')`);
    expect((await run('update parents set id = id + 10')).toSorted()).toEqual([
      ['DELETE', 'parents', ['1', 'a'], null],
      ['DELETE', 'parents', ['2', 'b'], null],
      ['INSERT', 'parents', null, ['11', 'a']],
      ['INSERT', 'parents', null, ['12', 'b']],
    ]);
  });

  test('one column of a composite key is enough to make it another key', async () => {
    await run(`insert into parents values (1, 'a'), (2, 'b'); insert into children values (1, 1, 'x')`);
    expect((await run('update children set parent_id = 2')).toSorted()).toEqual([
      ['DELETE', 'children', ['1', '1', 'x'], null],
      ['INSERT', 'children', null, ['2', '1', 'x']],
    ]);
  });

  test('rows that exchange their keys are, of each key, a delete and then an insert', async () => {
    await run(`insert into swaps values (1, 'a'), (2, 'b')`);
    const changes = await run('update swaps set id = 3 - id');
    expect(changes.filter(([, , old, next]) => (old ?? next)![0] === '1')).toEqual([
      ['DELETE', 'swaps', ['1', 'a'], null],
      ['INSERT', 'swaps', null, ['1', 'b']],
    ]);
    expect(changes.filter(([, , old, next]) => (old ?? next)![0] === '2')).toEqual([
      ['DELETE', 'swaps', ['2', 'b'], null],
      ['INSERT', 'swaps', null, ['2', 'a']],
    ]);
  });

  test('keys are told apart by their text, even where their collation calls them equal', async () => {
    await run(`insert into words values ('a', 1)`);
    expect((await run(`update words set word = 'A'`)).toSorted()).toEqual([
      ['DELETE', 'words', ['a', '1'], null],
      ['INSERT', 'words', null, ['A', '1']],
    ]);
  });
});

describe('what one statement sets off', () => {
  test('cascading deletes and updates are logged on the tables that they reach', async () => {
    await run(
      `insert into parents values (1, 'a'), (2, 'b'); insert into children values (1, 1, 'x'), (2, 1, 'y'), (2, 2, 'z')`,
    );
    expect((await run('update parents set id = 5 where id = 1')).toSorted()).toEqual([
      ['DELETE', 'children', ['1', '1', 'x'], null],
      ['DELETE', 'parents', ['1', 'a'], null],
      ['INSERT', 'children', null, ['5', '1', 'x']],
      ['INSERT', 'parents', null, ['5', 'a']],
    ]);
    expect((await run('delete from parents')).toSorted()).toEqual([
      ['DELETE', 'children', ['2', '1', 'y'], null],
      ['DELETE', 'children', ['2', '2', 'z'], null],
      ['DELETE', 'children', ['5', '1', 'x'], null],
      ['DELETE', 'parents', ['2', 'b'], null],
      ['DELETE', 'parents', ['5', 'a'], null],
    ]);
  });

  test('a cascade within one table logs every row once', async () => {
    await run('insert into branches select i, nullif(i / 2, 0) from generate_series(1, 31) i');
    const changes = await run('delete from branches where id = 1');
    expect(changes.map(([op, , old]) => `${op} ${old![0]}`).toSorted()).toEqual(
      Array.from({ length: 31 }, (_, i) => `DELETE ${i + 1}`).toSorted(),
    );
  });

  test("a row's changes come in the order in which they happened, although a row trigger's own update ends first", async () => {
    expect(await run(`insert into chatty values (1, 'a')`)).toEqual([
      ['INSERT', 'chatty', null, ['1', 'a', '0']],
      ['UPDATE', 'chatty', ['1', 'a', '0'], ['1', 'a', '1']],
      ['UPDATE', 'chatty', ['1', 'a', '1'], ['1', 'a', '2']],
    ]);
    const seqs = await database.query('select op::text from rivulet.change order by seq desc limit 1');
    expect(seqs).toEqual([['I']]);
  });

  test('generated columns carry their new value', async () => {
    await run('insert into sums (id, a) values (1, 2)');
    expect(await run('update sums set a = 5')).toEqual([
      ['UPDATE', 'sums', ['1', '2', '4'], ['1', '5', '10']],
    ]);
  });

  test('a partitioned table logs rows of all partitions, and a row that moves between them', async () => {
    expect(await run(`insert into measures values (1, 'north', 1), (2, 'south', 2)`)).toHaveLength(2);
    expect(await run(`update measures set value = 9 where id = 1`)).toEqual([
      ['UPDATE', 'measures', ['1', 'north', '1'], ['1', 'north', '9']],
    ]);
    const moved = await run(`update measures set region = 'south', value = 10 where id = 1`);
    expect(moved.map(([op, , old, next]) => [op, old, next])).toEqual([
      ['UPDATE', ['1', 'north', '9'], ['1', 'south', '10']],
    ]);
  });

  test('a session that replays as a replica is logged too', async () => {
    const changes = await run(
      `set session_replication_role = replica; insert into parents values (1, 'a'); reset session_replication_role`,
    );
    expect(changes).toEqual([['INSERT', 'parents', null, ['1', 'a']]]);
  });
});

describe('transactions', () => {
  test('savepoints that were rolled back leave nothing, and the others arrive with their transaction', async () => {
    await database.script(`
      begin;
      insert into parents values (1, 'kept');
      savepoint a; insert into parents values (2, 'gone'); rollback to a;
      savepoint b; insert into parents values (3, 'kept too'); release b;
      commit`);
    const transactions = await watched.take();
    expect(transactions).toHaveLength(1);
    expect(transactions[0]!.changes.map((change) => change.new![0])).toEqual(['1', '3']);
  });

  test('a plpgsql block that caught an error leaves only what survived', async () => {
    const changes = await run(`do $$ begin
      insert into parents values (1, 'kept');
      begin
        insert into parents values (2, 'gone');
        perform 1 / 0;
      exception when division_by_zero then null;
      end;
    end $$`);
    expect(changes.map(([, , , next]) => next![0])).toEqual(['1']);
  });

  test('a prepared transaction arrives when it is committed, where notifications are switched off', async () => {
    const session = database.connect({ max: 1 });
    await session.script(`set rivulet.notify = off`);
    await session.script(`begin; insert into parents values (1, 'a'); prepare transaction 'two-phase'`);
    expect(await watched.take()).toEqual([]);
    await session.script(`commit prepared 'two-phase'`);
    expect(await watched.takeChanges()).toEqual([['INSERT', 'parents', null, ['1', 'a']]]);
  });

  test('a transaction notifies once, whatever it did, where a reader is asleep', async () => {
    const sleeper = database.connect({ max: 1 });
    await sleeper.script(`select pg_advisory_lock(${DOORBELL_CLASS}, ${DOORBELL_SLOTS})`);
    const heard: string[] = [];
    const unlisten = await database.db.listen(
      'rivulet',
      (payload) => heard.push(payload),
      () => {},
    );
    await database.script(`
      insert into parents select i, 'x' from generate_series(1, 500) i;
      update parents set name = 'y'; delete from branches; insert into branches values (1, null); delete from parents`);
    await database.script(`select pg_notify('rivulet', 'end')`);
    await expect.poll(() => heard).toEqual(['', 'end']);
    await sleeper.script('select pg_advisory_unlock_all()');
    await database.script(`insert into parents values (1, 'unheard'); select pg_notify('rivulet', 'end')`);
    await expect.poll(() => heard).toEqual(['', 'end', 'end']);
    await unlisten();
  });
});

describe('size', () => {
  test.each([8_193, 1_048_577, 20_000_000])('a value of %i characters is logged whole', async (length) => {
    await database.query(
      `insert into parents values (1, repeat('x', $1::text::int - 1) || 'é')`,
      String(length),
    );
    const [change] = await watched.takeChanges();
    expect(change![3]![1]).toHaveLength(length);
    expect(change![3]![1]!.endsWith('xé')).toBe(true);
  });

  test('an update beside a big value carries that value too', async () => {
    await run(`insert into chatty select 1, string_agg(md5(i::text), ''), 5 from generate_series(1, 1000) i`);
    const [first] = await run('update chatty set version = 100');
    expect(first![2]![1]).toHaveLength(32_000);
    expect(first![3]![1]).toBe(first![2]![1]);
  });

  test('a statement over 50,000 rows arrives as one transaction', async () => {
    await database.script(`insert into parents select i, 'n' || i from generate_series(1, 50000) i`);
    const [transaction] = await watched.take();
    expect(transaction!.changes).toHaveLength(50_000);
    expect(new Set(transaction!.changes.map((change) => change.new![0])).size).toBe(50_000);
    await database.script(`update parents set name = name || '!'`);
    const [update] = await watched.take();
    expect(update!.changes).toHaveLength(50_000);
    expect(update!.changes.every((change) => change.new![1] === `${change.old![1]}!`)).toBe(true);
  });
});
