import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogFeed, type LogFeedOptions } from '../../src/feed/log-feed.js';
import type { Feed, FeedBatch } from '../../src/feed/types.js';
import { outlineSince } from '../../src/log/log-outline.js';
import { readPart, readSince } from '../../src/log/read.js';
import { parseSnapshot } from '../../src/log/snapshot.js';
import { readModel } from '../../src/model/read.js';
import type { Statement } from '../../src/sql/statement.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const relations = defineRelations({ notes });
const model = readModel(relations);
const plan = planWatchers(model, [{ table: 'notes' }]);

const database = await createDatabase({ setup: 'create table notes (id int primary key, body text)' });
const pool = database.connect({ max: 3, applicationName: 'feed' });

const running: Feed[] = [];
beforeEach(async () => {
  await install(database.db, plan);
  await database.script('truncate notes');
});
afterEach(async () => {
  for (const feed of running.splice(0)) await feed.stop();
});

async function started(options: Partial<LogFeedOptions> = {}) {
  const feed = createLogFeed({ database: pool, model, pollMs: 3_600_000, ...options });
  running.push(feed);
  const batches: FeedBatch[] = [];
  feed.listen((batch) => {
    batches.push(batch);
  });
  await feed.start();
  const bodies = () =>
    batches.flatMap(({ transactions }) =>
      transactions.flatMap(({ changes }) => changes.map((c) => c.new?.[1])),
    );
  return { feed, batches, bodies };
}

const terminate = () =>
  database.query(
    `select pg_terminate_backend(pid)::text from pg_stat_activity
     where datname = current_database() and application_name = 'feed'`,
  );

describe('a feed whose connections are ended', () => {
  test('delivers what was written meanwhile, once, and goes on', async () => {
    const { bodies, feed } = await started();
    const expected: string[] = [];
    for (let round = 0; round < 10; round++) {
      await terminate();
      for (const part of ['a', 'b']) {
        expected.push(`${round}${part}`);
        await database.query(
          'insert into notes values ($1::text::int, $2)',
          String(expected.length),
          `${round}${part}`,
        );
      }
      await waitFor(`round ${round}`, () => bodies().length >= expected.length);
    }
    expect(bodies()).toEqual(expected);
    await waitFor('it is live', () => feed.status().state === 'live');
  });

  test('a catch-up that was asked for while reads fail is answered when they succeed again', async () => {
    const { feed, bodies } = await started();
    await database.script('alter table rivulet.change rename to elsewhere');
    await database.script(`select pg_notify('rivulet', '')`);
    await waitFor('it fails', () => feed.status().state === 'reconnecting');
    expect(feed.status().error).toMatch(/not installed/);
    const position = feed.position;
    const caughtUp = feed.catchUp();
    expect(feed.position).toEqual(position);
    await database.script(
      `alter table rivulet.elsewhere rename to change; insert into notes values (1, 'after')`,
    );
    await caughtUp;
    await feed.catchUp();
    expect(bodies()).toEqual(['after']);
    expect(feed.status()).toMatchObject({ state: 'live', error: null });
  });
});

describe('a feed without notifications', () => {
  test('delivers by the clock alone', async () => {
    const { bodies } = await started({ listen: false, pollMs: 30 });
    await database.script(`insert into notes values (1, 'polled')`);
    await waitFor('the change', () => bodies().length === 1, 2_000);
  });

  test('delivers by the clock what was written with notifications switched off', async () => {
    const { bodies } = await started({ pollMs: 30 });
    await database.script(
      `begin; set local rivulet.notify = off; insert into notes values (1, 'quiet'); commit`,
    );
    await waitFor('the change', () => bodies().length === 1, 2_000);
  });
});

describe('a log that is not the one it was', () => {
  test('a database without a log is refused with a code', async () => {
    await database.script('drop schema rivulet cascade');
    const feed = createLogFeed({ database: pool, model });
    await expect(feed.start()).rejects.toMatchObject({ code: 'WATCH_LOG_MISSING' });
    expect(feed.status().state).toBe('stopped');
  });

  test('a user who may not read the log is refused with a code', async () => {
    await database.script(`do $$ begin create role rivulet_test_nobody login password 'x';
      exception when duplicate_object or unique_violation then null; end $$`);
    const nobody = database.connect({ max: 1, user: 'rivulet_test_nobody', password: 'x' });
    const feed = createLogFeed({ database: nobody, model });
    await expect(feed.start()).rejects.toMatchObject({ code: 'WATCH_LOG_MISSING' });
  });

  test('another epoch is a reset, and what is written after it is delivered', async () => {
    const { feed, batches, bodies } = await started();
    await database.script(
      `update rivulet.log set epoch = gen_random_uuid(); insert into notes values (1, 'lost')`,
    );
    await feed.catchUp();
    expect(batches).toMatchObject([{ transactions: [], reset: expect.stringContaining('another') }]);
    await database.script(`insert into notes values (2, 'seen')`);
    await feed.catchUp();
    expect(bodies()).toEqual(['seen']);
  });

  test('a log that was dropped and made again is a reset', async () => {
    const { feed, batches } = await started();
    await database.script('drop schema rivulet cascade');
    await install(database.db, plan);
    await feed.catchUp();
    expect(batches).toMatchObject([{ transactions: [], reset: expect.stringContaining('another') }]);
  });
});

describe('images of another shape than the model', () => {
  test('make their table unreadable, with the column that was not logged; others are delivered', async () => {
    // As watchers of a schema that does not have the table: of those that it has, everything is logged.
    const nothing = readModel(defineRelations({}));
    const narrow = planWatchers(nothing, [{ table: { sqlName: 'notes', columns: ['id'], key: ['id'] } }]);
    await install(database.db, narrow);
    const { feed, batches } = await started();
    await database.script(`insert into notes values (1, 'x')`);
    await feed.catchUp();
    const [transaction] = batches[0]!.transactions;
    expect(batches[0]!.reset).toBeNull();
    expect(transaction!.changes).toEqual([]);
    expect([...transaction!.unreadable.values()]).toEqual([expect.stringContaining('body')]);
  });

  test('columns in another order, or more of them, are read by name', async () => {
    const turned = planWatchers(model, [
      { table: { sqlName: 'notes', columns: ['extra', 'body'], key: ['id'] } },
    ]);
    await database.script('alter table notes add extra int default 5');
    await install(database.db, {
      ...turned,
      tables: turned.tables.map((t) => ({ ...t, columns: ['extra', 'body', 'id'] })),
    });
    const { feed, batches } = await started();
    await database.script(`insert into notes values (1, 'x')`);
    await feed.catchUp();
    expect(batches[0]!.transactions[0]!.changes).toMatchObject([{ op: 'INSERT', new: ['1', 'x'] }]);
    await install(database.db, plan);
    await database.script('alter table notes drop extra');
  });

  test('changes of tables outside the model are left out, with transactions that have no others', async () => {
    await database.script('create table outside (id int primary key)');
    const wider = planWatchers(model, [
      { table: 'notes' },
      { table: { sqlName: 'outside', columns: [], key: ['id'] } },
    ]);
    await install(database.db, wider);
    const { feed, batches } = await started();
    await database.script('insert into outside values (1)');
    await feed.catchUp();
    expect(batches).toEqual([]);
    await database.script(`insert into outside values (2); insert into notes values (1, 'x')`);
    await feed.catchUp();
    expect(batches[0]!.transactions[0]!.changes).toHaveLength(1);
    await database.script('drop table outside');
  });
});

test('reading looks up the key of the log, whatever the log has grown to', async () => {
  await database.script(`insert into rivulet.change (xid, shape, op, logged_at)
    select i::text::xid8, 1, 'I', now() from generate_series(1, 20000) i`);
  const since = parseSnapshot('15000:19990:15000,15007');
  const page = {
    kind: 'whole',
    xids: BigInt64Array.from({ length: 1_000 }, (_, i) => BigInt(9_000 + i)),
  } as const;
  const explained = ({ text, params }: Statement) =>
    database.db.transaction(async (tx) => {
      // What an unprepared statement with these parameters gets: a plan for their values.
      await tx.script('set local plan_cache_mode = force_custom_plan');
      await tx.script(`prepare reading (${params.map(() => 'text').join(', ')}) as ${text}`);
      const values = params.map((param) => `'${param}'`).join(', ');
      const lines = await tx.query({ text: `explain (analyze) execute reading(${values})`, params: [] });
      await tx.script('deallocate reading');
      return lines.map(([line]) => line).join('\n');
    });
  const lookUps = /Index Scan.* on change_pkey|using change_pkey on change/g;
  // The statistics of a log that has just grown are those of an empty one.
  for (const what of ['', 'analyze rivulet.change']) {
    await database.script(what);
    const statements = [
      [readSince(since, 250), 2],
      [readPart(page, since), 1],
      ...(what === ''
        ? []
        : ([
            [readSince(since), 2],
            [outlineSince(since), 2],
          ] as const)),
    ] as const;
    for (const [statement, count] of statements) {
      const planText = await explained(statement);
      expect(planText).not.toContain('Seq Scan on change');
      expect(planText.match(lookUps)).toHaveLength(count);
    }
  }
  await database.script('delete from rivulet.change where shape = 1');
});
