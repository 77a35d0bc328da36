import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogFeed, type LogFeedOptions } from '../../src/feed/log-feed.js';
import type { Feed, FeedBatch } from '../../src/feed/types.js';
import { isVisible } from '../../src/log/snapshot.js';
import { readModel } from '../../src/model/read.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

/** Rows of the large transaction; RIVULET_HUGE_ROWS=100000 for more. */
const ROWS = Number(process.env.RIVULET_HUGE_ROWS ?? 20_000);

const columns = { id: integer().primaryKey(), version: integer().notNull(), body: text() };
const notes = pgTable('notes', columns);
const others = pgTable('others', columns);
const model = readModel(defineRelations({ notes, others }));
const database = await createDatabase({
  setup: `create table notes (id int primary key, version int not null, body text);
    create table others (id int primary key, version int not null, body text)`,
});
await install(database.db, planWatchers(model, [{ table: 'notes' }, { table: 'others' }]));

const running: Feed[] = [];
beforeEach(() => database.script('truncate notes, others'));
afterEach(async () => {
  for (const feed of running.splice(0)) await feed.stop();
});

async function started(options: Partial<LogFeedOptions> = {}) {
  const feed = createLogFeed({ database: database.db, model, pollMs: 3_600_000, ...options });
  running.push(feed);
  const batches: FeedBatch[] = [];
  let release: () => void = () => {};
  let held: Promise<void> | null = null;
  feed.listen(async (batch) => {
    batches.push(batch);
    await held;
  });
  await feed.start();
  return {
    feed,
    batches,
    transactions: () => batches.flatMap((batch) => batch.transactions),
    /** What the feed hands over from now on is not done with until the function that it returns is called. */
    hold: () => {
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        held = null;
        release();
      };
    },
  };
}

/** So many transactions of a row each; some of them overlap. */
async function writeMany(count: number): Promise<void> {
  const writers = database.connect({ max: 4 });
  await Promise.all(
    Array.from({ length: 4 }, async (_, w) => {
      for (let n = w; n < count; n += 4) {
        await writers.query({
          text: `insert into notes values ($1::text::int, 1, $2)`,
          params: [String(n), `note ${n}`],
        });
      }
    }),
  );
}

describe('a feed that was away while much was written', () => {
  test('hands it over in several batches, each transaction once and whole, and its position follows', async () => {
    const { feed, batches, transactions, hold } = await started();
    const release = hold();
    await database.script(`insert into others values (1, 1, 'first')`);
    await waitFor('the feed is held', () => batches.length === 1);
    await writeMany(2_500);
    await database.script('update notes set version = 2 where id < 300');
    release();
    await feed.catchUp();
    const found = transactions().slice(1);
    expect(found).toHaveLength(2_501);
    expect(new Set(found.map(({ xid }) => xid)).size).toBe(2_501);
    expect(found.at(-1)!.changes).toHaveLength(300);
    expect(batches.length).toBeGreaterThan(3);
    for (const batch of batches.slice(1)) {
      const size = batch.transactions.reduce((sum, { changes }) => sum + changes.length, 0);
      expect(size).toBeLessThanOrEqual(1_000);
      expect(batch.position).toEqual(batch.transactions.at(-1)!.cursor);
    }
    for (const [at, { cursor }] of found.entries()) {
      if (at % 200 !== 0) continue;
      const sees = found.map(({ xid }) => isVisible(cursor, xid));
      expect(sees).toEqual(found.map((_, i) => i <= at));
      expect(cursor.xip.size).toBeLessThan(50);
    }
    const before = batches.length;
    await feed.catchUp();
    expect(batches).toHaveLength(before);
  });

  test('is told to start over where retention takes what it has not read', async () => {
    const { feed, batches, hold } = await started();
    const release = hold();
    await database.script(`insert into others values (1, 1, 'first')`);
    await waitFor('the feed is held', () => batches.length === 1);
    await writeMany(1_500);
    await database.query(
      `with gone as (delete from rivulet.change where seq in (
         select seq from rivulet.change where xid > $1::text::xid8 order by xid, seq limit 700) returning xid)
       update rivulet.log set trimmed = (select max(xid::text::bigint)::text::xid8 from gone)`,
      String(batches[0]!.transactions[0]!.xid),
    );
    release();
    await feed.catchUp();
    expect(batches.slice(1)).toMatchObject([{ transactions: [], reset: expect.stringContaining('trimmed') }]);
    await database.script(`insert into others values (2, 1, 'after')`);
    await feed.catchUp();
    expect(batches.at(-1)!.transactions[0]!.changes).toMatchObject([{ new: ['2', '1', 'after'] }]);
    await database.script('update rivulet.log set trimmed = null');
  });
});

describe('a large transaction', () => {
  test(`of ${ROWS} rows comes whole, in order, and lets others have their turn meanwhile`, async () => {
    const { feed, transactions } = await started();
    await database.script(
      `begin; insert into notes select i, 0, repeat('x', 200) from generate_series(1, ${ROWS}) i;
       update notes set version = 1 where id <= 100; update notes set version = 2 where id <= 100; commit`,
    );
    let turns = 0;
    let longestMs = 0;
    let isOn = true;
    const ticking = (async () => {
      for (let last = performance.now(); isOn; turns++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
      }
    })();
    const before = process.memoryUsage().rss;
    const began = performance.now();
    await feed.catchUp();
    const tookMs = Math.round(performance.now() - began);
    isOn = false;
    await ticking;
    const grew = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
    console.log(`${tookMs} ms, ${turns} turns, the longest ${Math.round(longestMs)} ms; memory +${grew} MB`);
    const [transaction, ...more] = transactions();
    expect(more).toEqual([]);
    expect(transaction!.changes).toHaveLength(ROWS + 200);
    expect(
      transaction!.changes
        .slice(0, ROWS)
        .every(({ op, new: row }, i) => op === 'INSERT' && row![0] === String(i + 1)),
    ).toBe(true);
    const updates = transaction!.changes.slice(ROWS);
    expect(updates.map(({ old, new: row }) => `${old![1]}→${row![1]}`)).toEqual([
      ...Array.from({ length: 100 }, () => '0→1'),
      ...Array.from({ length: 100 }, () => '1→2'),
    ]);
    expect(turns).toBeGreaterThan(ROWS / 2_000 / 2);
  }, 120_000);

  test('past what is read comes without its changes: its tables are named, and nothing else is affected', async () => {
    const { feed, transactions } = await started({ maxTransactionRows: 5_000 });
    await database.script(`insert into others values (1, 1, 'before')`);
    await database.script(
      `begin; set local rivulet.mutation_id = 'huge'; insert into notes select i, 0, '' from generate_series(1, 5001) i; commit`,
    );
    await database.script(`insert into others values (2, 1, 'after')`);
    await feed.catchUp();
    const [first, huge, last] = transactions();
    expect(first!.changes).toMatchObject([{ new: ['1', '1', 'before'] }]);
    expect(huge).toMatchObject({ changes: [], isTooLarge: true, mutationId: 'huge' });
    expect([...huge!.unreadable.keys()].map(({ name }) => name)).toEqual(['notes']);
    expect(last!.changes).toMatchObject([{ new: ['2', '1', 'after'] }]);
    expect(isVisible(huge!.cursor, huge!.xid)).toBe(true);
  });
});
