import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import { createLogHistory } from '../../src/feed/log-history.js';
import type { Feed, FeedBatch } from '../../src/feed/types.js';
import { startRetention } from '../../src/log/retention.js';
import { isVisible, parseSnapshot, type Snapshot } from '../../src/log/snapshot.js';
import { type RetentionLimits, type TrimResult, trim } from '../../src/log/trim.js';
import { readModel } from '../../src/model/read.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { READER_FUNCTIONS } from '../../src/watch/reader-functions.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const relations = defineRelations({ notes });
const model = readModel(relations);
const plan = planWatchers(model, [{ table: 'notes' }]);

const database = await createDatabase({ setup: 'create table notes (id int primary key, body text)' });
const { db } = database;
const EVERYTHING: RetentionLimits = { maxAgeSeconds: 1e9, maxRows: 1e12, maxBytes: 1e12 };

const running: Feed[] = [];
beforeEach(async () => {
  await database.script('drop schema if exists rivulet cascade; truncate notes');
  await install(db, plan);
});
afterEach(async () => {
  for (const feed of running.splice(0)) await feed.stop();
});

const writeOnly = (from: number, to: number) =>
  database.script(`insert into notes select i, 'note ' || i from generate_series(${from}, ${to}) i`);
/** And waits for the transactions that were open in other databases of the cluster: they hold trimming back. */
async function write(from: number, to: number): Promise<void> {
  await writeOnly(from, to);
  const newest = '(select xid from rivulet.change order by xid desc limit 1)';
  await waitFor('older transactions end', async () => {
    const [row] = await database.query(`select (pg_snapshot_xmin(pg_current_snapshot()) > ${newest})::text`);
    return row![0] === 'true';
  });
}
const logged = async () =>
  (await database.query('select new[1] from rivulet.change order by xid, seq')).map(([id]) => Number(id));
const now = async () => parseSnapshot((await database.query('select pg_current_snapshot()::text'))[0]![0]!);
const epoch = async () => (await database.query('select epoch::text from rivulet.log'))[0]![0]!;
const agedBy = (hours: number, where: string) =>
  database.script(
    `update rivulet.change set logged_at = logged_at - interval '${hours} hours' where ${where}`,
  );
const done = async (trimmed: Promise<TrimResult>) => {
  const result = await trimmed;
  if (result.kind === 'busy') throw new Error('somebody else trims');
  return result;
};
async function started(pool: Database = db) {
  const feed = createLogFeed({ database: pool, model, listen: false, pollMs: 3_600_000 });
  running.push(feed);
  const batches: FeedBatch[] = [];
  feed.listen((batch) => {
    batches.push(batch);
  });
  await feed.start();
  return { feed, batches };
}

describe('trimming', () => {
  test('rows past the age go, by the database’s clock, and no others', async () => {
    for (let i = 1; i <= 6; i++) await write(i, i);
    await agedBy(73, 'new[1]::int <= 4');
    const keep = { ...EVERYTHING, maxAgeSeconds: 72 * 3_600 };
    expect(await done(trim(db, keep, 100))).toMatchObject({ deleted: 4, rows: 2 });
    expect(await logged()).toEqual([5, 6]);
    expect(await done(trim(db, keep, 100))).toMatchObject({ deleted: 0, rows: 2 });
  });

  test('an old row behind a younger one waits for it', async () => {
    for (let i = 1; i <= 4; i++) await write(i, i);
    await agedBy(73, 'new[1]::int in (1, 3)');
    expect(await done(trim(db, { ...EVERYTHING, maxAgeSeconds: 72 * 3_600 }, 100))).toMatchObject({
      deleted: 1,
    });
    expect(await logged()).toEqual([2, 3, 4]);
  });

  test('the oldest rows past the count go, in batches', async () => {
    for (let i = 1; i <= 10; i++) await write(i, i);
    const keep = { ...EVERYTHING, maxRows: 3 };
    expect(await done(trim(db, keep, 4))).toMatchObject({ deleted: 4, rows: 6 });
    expect(await done(trim(db, keep, 4))).toMatchObject({ deleted: 3, rows: 3 });
    expect(await done(trim(db, keep, 4))).toMatchObject({ deleted: 0, rows: 3 });
    await write(11, 12);
    expect(await done(trim(db, keep, 4))).toMatchObject({ deleted: 2, rows: 3 });
    expect(await logged()).toEqual([10, 11, 12]);
  });

  test('the oldest rows past the bytes go, and what is counted as it comes is what is there', async () => {
    for (let i = 1; i <= 10; i++) await write(i, i);
    const { bytes } = await done(trim(db, EVERYTHING, 100));
    await write(11, 20);
    await database.script('update notes set body = repeat(md5(body), 500) where id = 20');
    const whole = await done(trim(db, EVERYTHING, 100));
    expect(whole.bytes).toBeGreaterThan(2 * bytes);
    const kept = await done(trim(db, { ...EVERYTHING, maxBytes: whole.bytes - bytes }, 100));
    expect(kept).toMatchObject({ deleted: 10, rows: 11, bytes: whole.bytes - bytes });
    await database.script('update rivulet.log set measured = null');
    expect(await done(trim(db, EVERYTHING, 100))).toEqual({ ...kept, deleted: 0 });
  });

  test('nothing goes that a reader has not read, until it has', async () => {
    const { feed } = await started();
    await write(1, 1);
    await write(2, 2);
    expect(await done(trim(db, { ...EVERYTHING, maxRows: 0 }, 100))).toMatchObject({ deleted: 0 });
    await feed.catchUp();
    await feed.stop();
    expect(await database.query('select * from rivulet.reader')).toEqual([]);
    expect(await done(trim(db, { ...EVERYTHING, maxRows: 0 }, 100))).toMatchObject({ deleted: 2 });
  });

  test('a claim asks for what the reader has not read, and not for more', async () => {
    await write(1, 1);
    const { xmin } = await now();
    await database.query(
      'insert into rivulet.reader values (gen_random_uuid(), $1::text::xid8, clock_timestamp())',
      xmin.toString(),
    );
    await write(2, 2);
    expect(await done(trim(db, { ...EVERYTHING, maxRows: 0 }, 100))).toMatchObject({ deleted: 1 });
    expect(await logged()).toEqual([2]);
    await database.script(`update rivulet.reader set seen_at = seen_at - interval '61 seconds'`);
    expect(await done(trim(db, { ...EVERYTHING, maxRows: 0 }, 100))).toMatchObject({ deleted: 1 });
  });

  test('nothing goes from the oldest transaction on that is still open', async () => {
    await write(1, 1);
    await db.transaction(async (tx) => {
      await tx.script(`insert into notes values (100, 'late')`);
      await writeOnly(2, 2);
      expect(await done(trim(db, { ...EVERYTHING, maxRows: 0 }, 100))).toMatchObject({ deleted: 1 });
    });
    expect(await logged()).toEqual([100, 2]);
  });

  test('of two that try at once one does, and the other says so', async () => {
    await write(1, 1);
    await db.transaction(async (tx) => {
      await tx.script(`select pg_advisory_xact_lock(${Buffer.from('trimming').readBigInt64BE()})`);
      expect(await trim(db, EVERYTHING, 100)).toEqual({ kind: 'busy' });
    });
    expect(await trim(db, EVERYTHING, 100)).toMatchObject({ kind: 'done' });
  });
});

describe('retention', () => {
  test('trims by itself, batch by batch, and stops where there is nothing more', async () => {
    for (let i = 1; i <= 25; i++) await write(i, i);
    const keep = { ...EVERYTHING, maxRows: 5 };
    const retention = startRetention({ database: db, keep, everyMs: 10, batchRows: 4 });
    await waitFor('the log is short', async () => (await logged()).length === 5);
    await retention.stop();
    await retention.stop();
    await write(26, 26);
    expect(await retention.run()).toBe(0);
  });

  test('a user who may not is warned once, with a code', async () => {
    await database.script(`do $$ begin create role rivulet_test_reader login password 'x';
      exception when duplicate_object or unique_violation then null; end $$;
      grant usage on schema rivulet to rivulet_test_reader; grant select on all tables in schema rivulet to rivulet_test_reader;
      grant execute on function ${READER_FUNCTIONS.join()} to rivulet_test_reader`);
    const warned: object[] = [];
    const ignore = (): void => {};
    const log = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (details: object) => warned.push(details),
    };
    const reader = database.connect({ max: 1, user: 'rivulet_test_reader', password: 'x' });
    const retention = startRetention({ database: reader, keep: EVERYTHING, everyMs: 5, log });
    await waitFor('the warning', () => warned.length > 0);
    await retention.stop();
    expect(warned).toMatchObject([{ code: 'RETENTION_FORBIDDEN' }]);
    const feed = createLogFeed({ database: reader, model, listen: false, log });
    await feed.start();
    await write(1, 1);
    await feed.catchUp();
    expect(feed.status().transactions).toBe(1);
    await feed.stop();
  });
});

describe('reading a log that was trimmed', () => {
  const history = createLogHistory(model);
  const read = async (snapshot: Snapshot) => history.read(db, { epoch: await epoch(), snapshot });

  test('a cursor from before is told so, and one from after reads on', async () => {
    const before = await now();
    await write(1, 1);
    const between = await now();
    await write(2, 2);
    await done(trim(db, { ...EVERYTHING, maxRows: 1 }, 100));
    expect(await read(before)).toEqual({ kind: 'trimmed' });
    await expect(
      history.since(db, before, [{ sqlSchema: 'public', sqlName: 'tasks' }]),
    ).rejects.toMatchObject({ code: 'LOG_TRIMMED' });
    const after = await read(between);
    expect(after.kind === 'missed' && after.transactions.length).toBe(1);
  });

  test('a cursor at which a transaction was open that was trimmed since is told so', async () => {
    let during: Snapshot | undefined;
    await db.transaction(async (tx) => {
      await tx.script(`insert into notes values (1, 'open')`);
      await writeOnly(2, 2);
      during = await now();
    });
    await write(3, 3);
    const after = await now();
    await done(trim(db, { ...EVERYTHING, maxRows: 2 }, 100));
    expect(await logged()).toEqual([2, 3]);
    expect(await read(during!)).toEqual({ kind: 'trimmed' });
    expect(await read(after)).toMatchObject({ kind: 'missed', transactions: [] });
  });

  test('a feed that was left behind says so, and goes on', async () => {
    const { feed, batches } = await started();
    await write(1, 3);
    await database.script('delete from rivulet.reader');
    await done(trim(db, { ...EVERYTHING, maxRows: 0 }, 2));
    await feed.catchUp();
    expect(batches).toMatchObject([{ transactions: [], reset: expect.stringContaining('trimmed') }]);
    await write(4, 4);
    await feed.catchUp();
    expect(batches[1]).toMatchObject({ reset: null, transactions: [{ changes: [{ op: 'INSERT' }] }] });
  });

  test('writers, a trimmer and readers at once: an answer is whole, or says that it is not', async () => {
    const seed = Number(process.env.RIVULET_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const ids = { next: 1, isWriting: true };
    const writers = Array.from({ length: 4 }, () => database.connect({ max: 1 }));
    const rows: { readonly xid: bigint; readonly id: number }[] = [];
    const writing = writers.map(async (writer) => {
      for (let round = 0; round < 60; round++) {
        const count = 1 + Math.floor(random() * 3);
        const taken = Array.from({ length: count }, () => ids.next++);
        const xid = await writer.transaction(async (tx) => {
          for (const id of taken) await tx.script(`insert into notes values (${id}, 'x')`);
          return (await tx.query({ text: 'select pg_current_xact_id()::text', params: [] }))[0]![0]!;
        });
        rows.push(...taken.map((id) => ({ xid: BigInt(xid), id })));
      }
    });
    const trimming = (async () => {
      let deleted = 0;
      while (ids.isWriting) {
        const trimmed = await trim(db, { ...EVERYTHING, maxRows: 20 }, 1 + Math.floor(random() * 5));
        if (trimmed.kind === 'done') deleted += trimmed.deleted;
      }
      return deleted;
    })();
    const counts = { whole: 0, trimmed: 0 };
    const reading = Array.from({ length: 3 }, async () => {
      let cursor = await now();
      while (ids.isWriting) {
        const at = await now();
        // Several readings of one cursor, while the log is trimmed towards it and past it.
        for (let again = 0; again < 6 && ids.isWriting; again++) {
          const answer = await read(cursor);
          if (answer.kind === 'trimmed') {
            counts.trimmed++;
            break;
          }
          if (answer.kind !== 'missed') throw new Error(answer.kind);
          counts.whole++;
          const { snapshot, transactions } = answer;
          const since = cursor;
          const told = transactions.flatMap(({ changes }) =>
            changes.map(({ new: next }) => Number(next![0])),
          );
          const check = () =>
            rows.filter(({ xid }) => isVisible(snapshot, xid) && !isVisible(since, xid)).map(({ id }) => id);
          // The ledger is written a moment after the commit.
          await waitFor(`seed ${seed}: ${told.length} told`, () => check().length >= told.length, 2_000);
          expect(told.toSorted(byNumber), `seed ${seed}`).toEqual(check().toSorted(byNumber));
        }
        cursor = at;
      }
    });
    await Promise.all(writing);
    ids.isWriting = false;
    const deleted = await trimming;
    await Promise.all(reading);
    expect(deleted).toBeGreaterThan(30);
    expect(counts.trimmed).toBeGreaterThan(0);
    expect(counts.whole).toBeGreaterThan(20);
    const last = await now();
    await done(trim(db, { ...EVERYTHING, maxRows: 0 }, 10_000));
    // No cursor of now is ever too old.
    expect(await read(last)).toMatchObject({ kind: 'missed' });
    console.log(`${rows.length} rows, ${deleted} trimmed meanwhile; ${JSON.stringify(counts)}`);
  });
});

describe('a log of the version before', () => {
  const older = `alter table rivulet.log drop column trimmed, drop column measured, drop column rows, drop column bytes;
    drop table rivulet.reader; update rivulet.log set version = 1`;

  test('is told by its version, and brought up to this one with all that is in it', async () => {
    const { inspect } = await import('../../src/watch/inspect.js');
    await write(1, 3);
    const before = await epoch();
    await database.script(older);
    expect(await inspect(db, plan)).toMatchObject([
      { kind: 'log-outdated', message: expect.stringContaining('version 1'), mend: 'Run `rivulet migrate`.' },
    ]);
    expect((await install(db, plan)).map(({ kind }) => kind)).toEqual(['log-outdated']);
    expect(await inspect(db, plan)).toEqual([]);
    expect(await logged()).toEqual([1, 2, 3]);
    expect(await epoch()).toBe(before);
    expect(await done(trim(db, { ...EVERYTHING, maxRows: 1 }, 100))).toMatchObject({ deleted: 2, rows: 1 });
  });
});

const byNumber = (a: number, b: number): number => a - b;

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
