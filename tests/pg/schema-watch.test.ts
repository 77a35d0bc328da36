import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readModel } from '../../src/model/read.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { SchemaWatch } from '../../src/watch/schema-watch.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const parts = pgTable('parts', { id: integer().primaryKey(), body: text() });
const model = readModel(defineRelations({ notes, parts }));
const plan = planWatchers(model, [{ table: notes }, { table: parts }]);
const database = await createDatabase();

const [[version]] = (await database.query(`select current_setting('server_version_num')`)) as [[string]];
const hasVirtual = Number(version) >= 180_000;
if (!hasVirtual) console.log(`left out: PostgreSQL ${version} has no VIRTUAL columns`);

const CREATE = `create table notes (id int primary key, body text);
  create table parts (id int primary key, body text) partition by range (id);
  create table low partition of parts for values from (0) to (10);`;

let watching: SchemaWatch;
let said: { level: string; message: string; mend?: unknown }[];
beforeEach(async () => {
  await database.script(
    'drop schema public cascade; create schema public; drop schema if exists rivulet cascade',
  );
  await database.script(CREATE);
  await install(database.db, plan);
  said = [];
  watching = watch();
  await watching.start();
});
afterEach(() => watching.stop());

function watch(): SchemaWatch {
  const say = (level: string) => (details: object, message: string) =>
    said.push({ level, message, ...details });
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  return new SchemaWatch({ database: database.db, plan, model, log, everyMs: 100 });
}

const breaks = async () =>
  (await database.query(`select new::text from rivulet.change where op = 'X' order by seq`)).map(
    ([image]) => image,
  );
const drifted = (kind: string) =>
  waitFor(`a drift ${kind}`, () => watching.drifts.some((drift) => drift.kind === kind));
const mended = () => waitFor('it is mended', () => watching.drifts.length === 0);

test('what is as declared is no difference, and nothing is logged', async () => {
  expect(watching.drifts).toEqual([]);
  await watching.check();
  expect(said).toEqual([]);
  expect(await breaks()).toEqual([]);
});

test('a difference is said with what mends it, refuses the table alone, and its mending is said, too', async () => {
  const refused: string[] = [];
  watching.onRefused = (tables) => refused.push(...tables.map(({ sqlName }) => sqlName));
  await database.script('alter table notes drop body');
  await drifted('table-missing');
  expect(said).toMatchObject([
    { level: 'warn', message: expect.stringContaining('its columns were altered'), table: 'public.notes' },
    {
      level: 'warn',
      message: expect.stringContaining('no column body'),
      mend: expect.stringContaining('rivulet migrate'),
    },
  ]);
  expect(refused).toEqual(['notes']);
  expect(watching.refusal(notes_)).toMatchObject({ effect: 'unread' });
  expect(watching.refusal(parts_)).toBeNull();
  await database.script('alter table notes add body text');
  await mended();
  expect(said.at(-1)).toMatchObject({ level: 'info', message: expect.stringContaining('mended: ') });
  expect(watching.refusal(notes_)).toBeNull();
});
const notes_ = { sqlSchema: 'public', sqlName: 'notes' };
const parts_ = { sqlSchema: 'public', sqlName: 'parts' };

test('what cannot be read is only said once, and the last that was known stays', async () => {
  await database.script('alter table notes drop body');
  await drifted('table-missing');
  await database.script('drop schema rivulet cascade');
  await drifted('log-missing');
  expect(watching.refusal(parts_)).toMatchObject({ kind: 'log-missing' });
  await install(database.db, planWatchers(model, [{ table: parts }]));
  await waitFor('the log is back', () => watching.refusal(parts_) === null);
});

describe('breaks in the watching', () => {
  const cases: readonly [what: string, sql: string, table: string][] = [
    [
      'triggers switched off and on again',
      `alter table notes disable trigger all; ${['insert', 'update', 'delete', 'truncate'].map((event) => `alter table notes enable always trigger rivulet_${event}`).join('; ')}`,
      'notes',
    ],
    ['a trigger dropped', 'drop trigger rivulet_insert on notes', 'notes'],
    ['a table made anew', 'drop table notes; create table notes (id int primary key, body text)', 'notes'],
    ['a table gone', 'drop table notes', 'notes'],
    ['values rewritten', 'alter table notes alter body type text using id::text', 'notes'],
    ['a column of another type', 'alter table notes alter body type varchar(10)', 'notes'],
    [
      'a column in place of another',
      'alter table notes drop body; alter table notes add body text default 5',
      'notes',
    ],
    [
      'values of a partitioned table rewritten',
      'alter table parts alter body type text using id::text',
      'parts',
    ],
    ['a partition detached', 'alter table parts detach partition low', 'parts'],
    ['a partition dropped', 'drop table low', 'parts'],
    [
      'a partition attached',
      'create table high (id int primary key, body text); alter table parts attach partition high for values from (10) to (20)',
      'parts',
    ],
  ];
  test.runIf(hasVirtual)('the expression of a VIRTUAL column altered: it is logged', async () => {
    await database.script('alter table notes drop body, add body text generated always as (id::text)');
    await watching.check();
    const before = (await breaks()).length;
    await database.script(`alter table notes alter body set expression as (id::text || '!')`);
    await watching.check();
    expect(await breaks()).toHaveLength(before + 1);
  });

  test.each(cases)('%s: it is logged once, however many see it', async (_, sql, table) => {
    const others = [watch(), watch(), watch()];
    await Promise.all(others.map((other) => other.start()));
    await database.script(sql);
    await Promise.all([watching, ...others].map((each) => each.check()));
    expect(await breaks()).toEqual([`{public,${table}}`]);
    await Promise.all(others.map((other) => other.check()));
    expect(await breaks()).toHaveLength(1);
    for (const other of others) await other.stop();
  });

  test('while no server ran: the next one finds it', async () => {
    await watching.stop();
    await database.script(
      'alter table notes disable trigger rivulet_update; alter table notes enable always trigger rivulet_update',
    );
    watching = watch();
    await watching.start();
    expect(await breaks()).toEqual(['{public,notes}']);
  });

  test('installing, again and of another shape, is none; installing after one is', async () => {
    await database.script(watchSql(plan));
    const wider = pgTable('notes', { id: integer().primaryKey(), body: text(), size: integer() });
    const widerPlan = planWatchers(readModel(defineRelations({ notes: wider })), [{ table: wider }]);
    await database.script('alter table notes add size int');
    await install(database.db, widerPlan);
    await watching.check();
    expect(await breaks()).toEqual([]);
    await watching.stop();
    await database.script('drop table notes; create table notes (id int primary key, body text)');
    await install(database.db, plan);
    expect(await breaks()).toEqual(['{public,notes}']);
    await install(database.db, plan);
    expect(await breaks()).toHaveLength(1);
  });

  test('statements that change no value are none', async () => {
    const harmless = [
      'alter table notes add more int default 5',
      'alter table notes add later timestamptz default clock_timestamp()',
      'alter table notes drop more',
      'create index on notes (id)',
      'alter table notes alter body set not null',
      'truncate notes',
      `insert into notes values (1, 'a')`,
      'vacuum full notes',
      'alter table notes alter body set default 5',
    ];
    for (const sql of harmless) {
      await database.script(sql);
      await watching.check();
      expect([sql, await breaks()]).toEqual([sql, []]);
    }
    await database.script('vacuum full pg_trigger');
    await watching.check();
    expect(await breaks()).toEqual([]);
  });
});
