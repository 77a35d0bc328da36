import { defineRelations } from 'drizzle-orm';
import { integer, pgEnum, pgTable, text } from 'drizzle-orm/pg-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { readModel } from '../../src/model/read.js';
import { inspect } from '../../src/watch/inspect.js';
import { install, prune } from '../../src/watch/install.js';
import { functionName } from '../../src/watch/names.js';
import { planWatchers } from '../../src/watch/plan.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const people = pgTable('people', { id: integer().primaryKey(), name: text() });
const relations = defineRelations({ notes, people });
const model = readModel(relations);
const plan = planWatchers(model, [{ table: notes }, { table: people }]);
const onlyNotes = planWatchers(model, [{ table: notes }]);
const nothing = { tables: [], labels: [] };

const database = await createDatabase({
  setup:
    'create table notes (id int primary key, body text); create table people (id int primary key, name text)',
});
const kinds = async (of = plan) => (await inspect(database.db, of)).map(({ kind }) => kind);
const notesFunction = `rivulet.${functionName('public', 'notes')}`;

beforeEach(async () => {
  await database.script('drop schema if exists rivulet cascade');
});

describe('install', () => {
  test('afterwards nothing drifts, and a second one touches nothing', async () => {
    expect((await install(database.db, plan)).length).toBeGreaterThan(0);
    expect(await inspect(database.db, plan)).toEqual([]);
    const before = await database.query('select xmin::text, oid::text from pg_trigger order by oid');
    expect(await install(database.db, plan)).toEqual([]);
    expect(await database.query('select xmin::text, oid::text from pg_trigger order by oid')).toEqual(before);
  });

  test('the same plan gives the same SQL, and that SQL can be run again', async () => {
    expect(watchSql(plan)).toBe(watchSql(planWatchers(model, [{ table: people }, { table: notes }])));
    await database.script(watchSql(plan));
    await database.script(`insert into notes values (1, 'x')`);
    await database.script(watchSql(plan));
    expect(await inspect(database.db, plan)).toEqual([]);
    expect(await database.query('select count(*)::text from rivulet.change')).toEqual([['1']]);
    await database.script('delete from notes');
  });

  test('many at once all succeed, however they are run', async () => {
    const pools = Array.from({ length: 12 }, () => database.connect({ max: 1 }));
    for (let round = 0; round < 5; round++) {
      await database.script('drop schema if exists rivulet cascade');
      await Promise.all(
        pools.map((pool, i) => (i % 4 === 0 ? pool.script(watchSql(plan)) : install(pool, plan))),
      );
      expect(await inspect(database.db, plan)).toEqual([]);
    }
    const triggers = `select count(*)::text from pg_trigger where tgname like 'rivulet%'`;
    expect(await database.query(triggers)).toEqual([['8']]);
  });

  test('it does not wait for writers where nothing has to be changed', async () => {
    await install(database.db, plan);
    await database.db.transaction(async (tx) => {
      await tx.script(`insert into notes values (1, 'x')`);
      await install(database.connect({ max: 1 }), plan);
      await tx.script('delete from notes');
    });
  });

  test('a table that does not exist is refused before anything is changed', async () => {
    const ghost = planWatchers(model, [
      { table: notes },
      { table: { sqlName: 'ghost', columns: ['a'], key: ['a'] } },
    ]);
    await expect(install(database.db, ghost)).rejects.toMatchObject({
      code: 'WATCH_TABLE_MISSING',
      message: expect.stringContaining('public.ghost'),
    });
    expect(await database.query(`select to_regnamespace('rivulet')::text`)).toEqual([[null]]);
  });

  test('a column that does not exist is refused by name', async () => {
    const wrong = planWatchers(model, [
      { table: { sqlName: 'notes', columns: ['id', 'tilte'], key: ['id'] } },
    ]);
    await expect(install(database.db, wrong)).rejects.toMatchObject({
      code: 'WATCH_TABLE_MISSING',
      message: expect.stringContaining('tilte'),
    });
  });
});

describe('inspect finds, and install mends', () => {
  const cases: readonly [what: string, sql: string, kinds: readonly string[]][] = [
    ['a dropped trigger', 'drop trigger rivulet_update on notes', ['missing']],
    ['a disabled trigger', 'alter table notes disable trigger rivulet_insert', ['disabled']],
    [
      'all triggers disabled',
      'alter table notes disable trigger all',
      ['disabled', 'disabled', 'disabled', 'disabled'],
    ],
    ['a trigger that replicas skip', 'alter table notes enable trigger rivulet_delete', ['disabled']],
    [
      'a trigger of that name that does something else',
      `create function public.other() returns trigger language plpgsql as 'begin return null; end';
       create or replace trigger rivulet_truncate after truncate on notes for each statement execute function public.other()`,
      ['missing'],
    ],
    [
      'a trigger that fires for another event',
      `drop trigger rivulet_truncate on notes;
       create trigger rivulet_truncate after insert on notes for each statement execute function ${notesFunction}();
       alter table notes enable always trigger rivulet_truncate`,
      ['altered'],
    ],
    [
      'another function body',
      `create or replace function ${notesFunction}() returns trigger language plpgsql security definer as 'begin return null; end'`,
      ['altered'],
    ],
    [
      'a function with the rights of the writer',
      `alter function ${notesFunction}() security invoker`,
      ['altered'],
    ],
    [
      'a function without its search_path',
      `alter function ${notesFunction}() reset search_path`,
      ['altered'],
    ],
    [
      'a function that everybody may execute',
      `grant execute on function ${notesFunction}() to public`,
      ['altered'],
    ],
    ['a lost shape', 'delete from rivulet.shape', ['altered', 'altered']],
    [
      'a dropped function',
      `drop function ${notesFunction}() cascade`,
      ['missing', 'missing', 'missing', 'missing', 'missing'],
    ],
    ['a lost table of the log', 'drop table rivulet.change', ['log-missing']],
  ];

  test.each(cases)('%s', async (_, sql, expected) => {
    await install(database.db, plan);
    await database.script(sql);
    const drifts = await inspect(database.db, plan);
    expect(drifts.map(({ kind }) => kind)).toEqual(expected);
    for (const drift of drifts) expect(drift.mend).toMatch(/`rivulet migrate`/);
    await install(database.db, plan);
    expect(await inspect(database.db, plan)).toEqual([]);
    await database.script('drop function if exists public.other() cascade');
  });

  test('everything missing, in an empty database', async () => {
    expect(new Set(await kinds())).toEqual(new Set(['log-missing', 'missing']));
  });

  test('a log table with another column is told, and left alone', async () => {
    await install(database.db, plan);
    await database.script('alter table rivulet.change rename mutation_id to mutation');
    expect(await kinds()).toEqual(['log-altered']);
  });

  test('a column that the database lost', async () => {
    await install(database.db, plan);
    await database.script('alter table people rename name to title');
    expect(await inspect(database.db, plan)).toMatchObject([
      { kind: 'table-missing', message: expect.stringContaining('name'), table: { sqlName: 'people' } },
    ]);
    await database.script('alter table people rename title to name');
  });

  test('a new column in the schema', async () => {
    await install(database.db, plan);
    await database.script('alter table people add age int');
    const older = pgTable('people', { id: integer().primaryKey(), name: text(), age: integer() });
    const wider = defineRelations({ notes, people: older });
    const widerPlan = planWatchers(readModel(wider), [{ table: 'notes' }, { table: 'people' }]);
    expect(await kinds(widerPlan)).toEqual(['altered']);
    await install(database.db, widerPlan);
    expect(await kinds(widerPlan)).toEqual([]);
    await database.script('alter table people drop age');
  });
});

describe('what install cannot mend', () => {
  const mood = pgEnum('mood', ['low', 'fine']);
  const things = pgTable('things', {
    id: integer().primaryKey(),
    size: integer(),
    mood: mood(),
    moods: mood().array(),
  });
  const described = readModel(defineRelations({ things }));
  const watched = planWatchers(described, [{ table: things }]);
  const drifts = async (sql: string) => {
    await database.script(`drop table if exists things, letters cascade; drop type if exists mood;
      create type mood as enum ('low', 'fine');
      create table things (id int primary key, size int, mood mood, moods mood[])`);
    await install(database.db, watched);
    expect(await inspect(database.db, watched, described)).toEqual([]);
    await database.script(sql);
    const found = await inspect(database.db, watched, described);
    // Nothing of this is for \`install\`: it touches nothing.
    expect(await install(database.db, watched)).toEqual([]);
    return found.map(({ kind, effect, message }) => [kind, effect, message]);
  };

  test('a column of a type that reads otherwise', async () => {
    expect(await drifts('alter table things alter size type bigint')).toEqual([
      ['column-type', 'unread', 'The column public.things.size is bigint; the schema says integer.'],
    ]);
    expect(await drifts('alter table things alter moods type text[]')).toEqual([
      ['column-type', 'unread', expect.stringContaining('is text[]; the schema says "public"."mood"[]')],
    ]);
  });

  test('types that read the same are no difference', async () => {
    const same = `alter table things alter size type smallint; create domain little as smallint;
      alter table things alter size type little; alter table things add other text; drop table if exists letters`;
    expect(await drifts(same)).toEqual([]);
    await database.script('drop table things; drop domain little');
  });

  test('labels that the schema does not know', async () => {
    expect(
      await drifts(`alter type mood add value 'new' before 'fine'; alter type mood add value 'newer'`),
    ).toEqual([['labels', 'none', expect.stringContaining('does not know: new, newer')]]);
  });

  test('a key that keeps no rows apart', async () => {
    expect(
      await drifts('alter table things drop constraint things_pkey, add primary key (id, size)'),
    ).toEqual([['key', 'unread', expect.stringContaining('public.things')]]);
    const another = `alter table things drop constraint things_pkey; create unique index on things (id) include (size)`;
    expect(await drifts(another)).toEqual([]);
    const partial = `alter table things drop constraint things_pkey; create unique index on things (id) where size > 0;
      create unique index on things ((id + 0))`;
    expect(await drifts(partial)).toMatchObject([['key', 'unread', expect.anything()]]);
  });
});

describe('watchers of another declaration', () => {
  const narrow = pgTable('people', { id: integer().primaryKey() });
  const narrowModel = readModel(defineRelations({ people: narrow }));
  const narrowPlan = planWatchers(narrowModel, [{ table: narrow }]);
  const widePlan = planWatchers(model, [{ table: people }]);
  const found = async (plan_: typeof plan) =>
    (await inspect(database.db, plan_)).map(({ kind, effect }) => `${kind} ${effect}`);

  test('that log more are good enough, and said', async () => {
    await install(database.db, widePlan);
    expect(await found(narrowPlan)).toEqual(['other none']);
  });

  test('that log less are not', async () => {
    await install(database.db, narrowPlan);
    expect(await found(widePlan)).toEqual(['altered unread']);
  });

  test('that log fewer updates are not, and those that log more are', async () => {
    const labelled = planWatchers(model, [{ table: people, label: 'renamed', columns: ['name'] }]);
    await install(database.db, labelled);
    expect(await found(widePlan)).toEqual(['altered unseen']);
    await install(database.db, widePlan);
    expect(await found(labelled)).toEqual(['other none']);
  });

  test('of a later version of the log are taken as they say', async () => {
    await install(database.db, widePlan);
    const body = await database.query(
      `select pg_get_functiondef(p.oid) from pg_proc p where p.proname = $1`,
      functionName('public', 'people'),
    );
    await database.script(body[0]![0]!.replace('begin', 'begin /* a later version */'));
    expect(await found(widePlan)).toEqual(['altered unseen']);
    await database.script('update rivulet.log set version = version + 1');
    expect(await found(widePlan)).toEqual(['other none']);
    expect(await found(narrowPlan)).toEqual(['other none']);
  });
});

describe('prune', () => {
  test('what is no longer declared is left over until it is pruned; the log stays', async () => {
    await install(database.db, plan);
    await database.script(`insert into people values (1, 'x')`);
    expect(await kinds(onlyNotes)).toEqual(['leftover', 'leftover', 'leftover', 'leftover', 'leftover']);
    expect((await inspect(database.db, onlyNotes))[0]!.mend).toContain('--prune');
    expect(await install(database.db, onlyNotes)).toEqual([]);
    expect(await prune(database.db, onlyNotes)).toHaveLength(5);
    expect(await kinds(onlyNotes)).toEqual([]);
    await database.script(`delete from people`);
    expect(await database.query('select count(*)::text from rivulet.change')).toEqual([['1']]);
  });

  test('a renamed table is a missing one and a leftover, and both are mended', async () => {
    await install(database.db, plan);
    await database.script('alter table people rename to folk');
    expect(new Set(await kinds(onlyNotes))).toEqual(new Set(['leftover']));
    await prune(database.db, onlyNotes);
    expect(await kinds(onlyNotes)).toEqual([]);
    await database.script('alter table folk rename to people');
  });

  test('triggers and functions of others stay', async () => {
    await install(database.db, plan);
    await database.script(`
      create function public.theirs() returns trigger language plpgsql as 'begin return null; end';
      create trigger rivulet_theirs after insert on people for each row execute function public.theirs()`);
    await prune(database.db, nothing);
    expect(await database.query(`select tgname::text from pg_trigger where not tgisinternal`)).toEqual([
      ['rivulet_theirs'],
    ]);
    await database.script('drop function public.theirs() cascade');
  });
});

describe('only some columns', () => {
  test('an update counts when it changes one of them; inserts, deletes and changed keys always do', async () => {
    const labelled = planWatchers(model, [{ table: 'people', label: 'renamed', columns: ['name'] }]);
    const wide = {
      ...labelled,
      tables: [{ ...labelled.tables[0]!, columns: ['id', 'name', 'age'], shape: '77' }],
    };
    await database.script('alter table people add age int');
    await install(database.db, wide);
    await database.script(`insert into people values (1, 'a', 1); update people set age = 2; update people set name = 'b', age = 3;
      update people set id = 2; delete from people`);
    const logged = await database.query(
      'select op::text, old::text, new::text from rivulet.change order by seq',
    );
    expect([...logged.slice(0, 2), ...logged.slice(2, 4).toSorted(), ...logged.slice(4)]).toEqual([
      ['I', null, '{1,a,1}'],
      ['U', '{1,a,2}', '{1,b,3}'],
      ['D', '{1,b,3}', null],
      ['I', null, '{2,b,3}'],
      ['D', '{2,b,3}', null],
    ]);
    await database.script('alter table people drop age');
  });
});
