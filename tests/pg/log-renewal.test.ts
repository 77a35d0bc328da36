import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogFeed } from '../../src/feed/log-feed.js';
import { createLogHistory } from '../../src/feed/log-history.js';
import type { Feed, FeedBatch } from '../../src/feed/types.js';
import { readModel } from '../../src/model/read.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { READER_FUNCTIONS } from '../../src/watch/reader-functions.js';
import { createDatabase } from '../support/database.js';

const READER = 'rivulet_test_log_reader';
const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const model = readModel(defineRelations({ notes }));
const database = await createDatabase({
  setup: `do $$ begin create role ${READER} login password 'x';
    exception when duplicate_object or unique_violation then null; end $$;
    create table notes (id int primary key, body text)`,
});
await install(database.db, planWatchers(model, [{ table: 'notes' }]));
await database.script(
  `grant usage on schema rivulet to ${READER}; grant select on all tables in schema rivulet to ${READER};
      grant execute on function ${READER_FUNCTIONS.join()} to ${READER}`,
);

const running: Feed[] = [];
beforeEach(() => database.script('truncate notes; update rivulet.log set history = rivulet.history()'));
afterEach(async () => {
  for (const feed of running.splice(0)) await feed.stop();
});

function makeFeed(db = database.db) {
  const feed = createLogFeed({ database: db, model, pollMs: 3_600_000 });
  running.push(feed);
  const batches: FeedBatch[] = [];
  feed.listen((batch) => {
    batches.push(batch);
  });
  return { feed, batches };
}

const one = async (sql: string) => (await database.query(`select (${sql})::text`))[0]![0]!;
const epoch = () => one('select epoch from rivulet.log');
const logged = async () => Number(await one('select count(*) from rivulet.change'));

/** As if the log had come here from elsewhere: part 1 is the cluster, 2 the database, 3 the timeline. */
const pretend = (part: 1 | 2 | 3, value: string) =>
  database.query(
    `update rivulet.log set history = array_to_string(
       (string_to_array(history, '/'))[1:$1::text::int - 1] || $2 || (string_to_array(history, '/'))[$1::text::int + 1:], '/')`,
    String(part),
    value,
  );

describe('a log that was begun in another history', () => {
  test.each([
    ['another cluster', 1, '7000000000000000001', 0],
    ['another database of the cluster', 2, '1', 0],
    ['an earlier timeline', 3, '00000000', 1],
  ] as const)(
    '%s: it has another epoch, and what means nothing here is gone',
    async (_, part, value, left) => {
      await database.script('delete from rivulet.change');
      await database.script(`insert into notes values (1, 'before')`);
      const before = await epoch();
      const { feed: old } = makeFeed();
      await old.start();
      const cursor = { epoch: before, snapshot: old.position };
      await old.stop();
      await pretend(part, value);
      const { feed, batches } = makeFeed();
      await feed.start();
      expect(await epoch()).not.toBe(before);
      expect(feed.epoch).toBe(await epoch());
      expect(await logged()).toBe(left);
      expect(await one('select history = rivulet.history() from rivulet.log')).toBe('true');
      expect(await createLogHistory(model).read(database.db, cursor)).toEqual({ kind: 'foreign' });
      await database.script(`insert into notes values (2, 'after')`);
      await feed.catchUp();
      expect(batches.flatMap(({ transactions }) => transactions)).toHaveLength(1);
      expect(batches).toMatchObject([{ reset: null }]);
    },
  );

  test('of several nodes that start at once, one begins it anew', async () => {
    await pretend(3, '00000000');
    const feeds = Array.from({ length: 4 }, () => makeFeed().feed);
    await Promise.all(feeds.map((feed) => feed.start()));
    expect(new Set(feeds.map((feed) => feed.epoch))).toEqual(new Set([await epoch()]));
  });

  test('while it is followed: whoever follows starts over, and goes on', async () => {
    const { feed, batches } = makeFeed();
    await feed.start();
    const before = feed.epoch;
    await pretend(3, '00000000');
    await feed.catchUp();
    expect(batches).toMatchObject([{ transactions: [], reset: expect.stringContaining('another one') }]);
    expect(feed.epoch).not.toBe(before);
    await database.script(`insert into notes values (3, 'on')`);
    await feed.catchUp();
    expect(batches.at(-1)!.transactions).toHaveLength(1);
  });

  test('and may not be begun anew by this user: that is said with a code', async () => {
    await pretend(1, '7000000000000000001');
    const reader = database.connect({ max: 2, user: READER, password: 'x' });
    const { feed } = makeFeed(reader);
    await expect(feed.start()).rejects.toMatchObject({ code: 'LOG_MOVED' });
  });
});

test('a user who may only read the log follows it', async () => {
  const reader = database.connect({ max: 2, user: READER, password: 'x' });
  const { feed, batches } = makeFeed(reader);
  await feed.start();
  await database.script(`insert into notes values (4, 'read')`);
  await feed.catchUp();
  expect(batches.flatMap(({ transactions }) => transactions)).toHaveLength(1);
});
