import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterEach, describe, expect, test } from 'vitest';
import type { Database, QueryRunner } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import type { Feed, FeedBatch } from '../../src/feed/types.js';
import { covers, isVisible } from '../../src/log/snapshot.js';
import { readModel } from '../../src/model/read.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';
import { createMemoryFeed, type MemoryTransaction } from '../support/memory-feed.js';
import { waitFor } from '../support/wait-for.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const relations = defineRelations({ notes });
const model = readModel(relations);
const table = model.table('notes');

/** A transaction on the one table `notes (id, body)`; each step resolves when it is done. */
interface Writer {
  insert(id: number, body: string): Promise<void>;
  update(id: number, from: string, to: string): Promise<void>;
  delete(id: number, body: string): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

interface Subject {
  readonly feed: Feed;
  begin(mutationId?: string): Promise<Writer>;
}

interface Implementation {
  readonly name: string;
  /** A feed that has not been started, over an empty table. */
  make(): Promise<Subject>;
}

const database = await createDatabase({ setup: 'create table notes (id int primary key, body text)' });
await install(database.db, planWatchers(model, [{ table: 'notes' }]));
const writers = database.connect({ max: 10 });

const overLog: Implementation = {
  name: 'log feed',
  make: async () => {
    await database.script('truncate notes');
    const feed = createLogFeed({ database: database.db, model, pollMs: 50 });
    return { feed, begin: (mutationId) => beginSql(writers, mutationId) };
  },
};

const inMemory: Implementation = {
  name: 'memory feed',
  make: async () => {
    const feed = createMemoryFeed();
    return {
      feed,
      begin: async (mutationId) => wrap(feed.begin(mutationId === undefined ? {} : { mutationId })),
    };
  },
};

function wrap(tx: MemoryTransaction): Writer {
  return {
    insert: async (id, body) => tx.insert(table, [String(id), body]),
    update: async (id, from, to) => tx.update(table, [String(id), from], [String(id), to]),
    delete: async (id, body) => tx.delete(table, [String(id), body]),
    commit: async () => tx.commit(),
    rollback: async () => tx.rollback(),
  };
}

/** Holds a transaction of the pool open until it is told how to end. */
async function beginSql(db: Database, mutationId?: string): Promise<Writer> {
  let end: (how: 'commit' | 'rollback') => void = () => {};
  const ended = new Promise<'commit' | 'rollback'>((resolve) => {
    end = resolve;
  });
  let over: Promise<unknown> = Promise.resolve();
  const tx = await new Promise<QueryRunner>((resolve, reject) => {
    over = db.transaction(async (queryable) => {
      if (mutationId !== undefined) {
        await queryable.query({
          text: `select set_config('rivulet.mutation_id', $1, true)`,
          params: [mutationId],
        });
      }
      resolve(queryable);
      if ((await ended) === 'rollback') throw new Error('rolled back on purpose');
    });
    over.catch(reject);
  });
  const run = async (text: string, ...params: (string | null)[]): Promise<void> => {
    await tx.query({ text, params });
  };
  return {
    insert: (id, body) => run('insert into notes values ($1::text::int, $2)', String(id), body),
    update: (id, _, to) => run('update notes set body = $2 where id = $1::text::int', String(id), to),
    delete: (id) => run('delete from notes where id = $1::text::int', String(id)),
    commit: async () => {
      end('commit');
      await over;
    },
    rollback: async () => {
      end('rollback');
      await over.catch(() => {});
    },
  };
}

const running: Feed[] = [];
afterEach(async () => {
  for (const feed of running.splice(0)) await feed.stop();
});

describe.each([overLog, inMemory])('$name', (implementation) => {
  async function started() {
    const subject = await implementation.make();
    const batches: FeedBatch[] = [];
    running.push(subject.feed);
    await subject.feed.start();
    subject.feed.listen((batch) => {
      batches.push(batch);
    });
    const bodies = () =>
      batches.flatMap((batch) =>
        batch.transactions.map((transaction) =>
          transaction.changes.map(({ op, old, new: next }) => `${op} ${old?.[1] ?? '-'} ${next?.[1] ?? '-'}`),
        ),
      );
    return { ...subject, batches, bodies };
  }

  test('a committed transaction is delivered whole, its changes in order', async () => {
    const { feed, begin, bodies } = await started();
    const tx = await begin();
    await tx.insert(1, 'a');
    await tx.update(1, 'a', 'b');
    await tx.insert(2, 'c');
    await tx.delete(1, 'b');
    await tx.commit();
    await feed.catchUp();
    expect(bodies()).toEqual([['INSERT - a', 'UPDATE a b', 'INSERT - c', 'DELETE b -']]);
  });

  test('what was committed before the start is not delivered', async () => {
    const subject = await implementation.make();
    running.push(subject.feed);
    const tx = await subject.begin();
    await tx.insert(1, 'before');
    await tx.commit();
    await subject.feed.start();
    const seen: FeedBatch[] = [];
    subject.feed.listen((batch) => {
      seen.push(batch);
    });
    await subject.feed.catchUp();
    expect(seen).toEqual([]);
  });

  test('what was begun before the start and committed after it is delivered', async () => {
    const subject = await implementation.make();
    running.push(subject.feed);
    const tx = await subject.begin();
    await tx.insert(1, 'across');
    await subject.feed.start();
    const seen: FeedBatch[] = [];
    subject.feed.listen((batch) => {
      seen.push(batch);
    });
    await tx.commit();
    await subject.feed.catchUp();
    expect(seen.flatMap((batch) => batch.transactions)).toHaveLength(1);
  });

  test('a transaction that is rolled back is never delivered', async () => {
    const { feed, begin, batches } = await started();
    const tx = await begin();
    await tx.insert(1, 'gone');
    await tx.rollback();
    await feed.catchUp();
    expect(batches).toEqual([]);
  });

  test('a long transaction holds up nobody, and arrives when it commits', async () => {
    const { feed, begin, bodies } = await started();
    const long = await begin();
    await long.insert(1, 'long');
    for (let id = 2; id <= 4; id++) {
      const short = await begin();
      await short.insert(id, `short ${id}`);
      await short.commit();
      await feed.catchUp();
    }
    expect(bodies()).toEqual([['INSERT - short 2'], ['INSERT - short 3'], ['INSERT - short 4']]);
    await long.commit();
    await feed.catchUp();
    expect(bodies().at(-1)).toEqual(['INSERT - long']);
  });

  test('nothing is delivered twice, however often it is read', async () => {
    const { feed, begin, bodies } = await started();
    const open = await begin();
    await open.insert(1, 'open');
    const tx = await begin();
    await tx.insert(2, 'once');
    await tx.commit();
    for (let i = 0; i < 5; i++) await feed.catchUp();
    expect(bodies()).toEqual([['INSERT - once']]);
    await open.rollback();
  });

  test('the cursor of each transaction sees it and all before it, and none after it', async () => {
    const { feed, begin, batches } = await started();
    const open = await begin();
    await open.insert(100, 'open');
    const blocked = feed.listen(() => {});
    for (let id = 1; id <= 5; id++) {
      const tx = await begin();
      await tx.insert(id, String(id));
      if (id === 3) await tx.rollback();
      else await tx.commit();
    }
    await feed.catchUp();
    blocked();
    const transactions = batches.flatMap((batch) => batch.transactions);
    expect(transactions).toHaveLength(4);
    transactions.forEach(({ cursor }, i) => {
      const sees = transactions.map(({ xid }) => isVisible(cursor, xid));
      expect(sees).toEqual(transactions.map((_, j) => j <= i));
      if (i > 0) expect(covers(cursor, transactions[i - 1]!.cursor)).toBe(true);
    });
    for (const batch of batches) {
      const last = batch.transactions.at(-1)!;
      expect(batch.position).toEqual(last.cursor);
    }
    await open.commit();
  });

  test('the position does not go past a batch before it was handled', async () => {
    const { feed, begin } = await started();
    let release = (): void => {};
    const handled = new Promise<void>((resolve) => {
      release = resolve;
    });
    const called = new Promise<bigint>((resolve) => {
      feed.listen(async ({ transactions }) => {
        resolve(transactions[0]!.xid);
        await handled;
      });
    });
    const tx = await begin();
    await tx.insert(1, 'slow');
    await tx.commit();
    const xid = await called;
    const isPast = isVisible(feed.position, xid);
    release();
    expect(isPast).toBe(false);
    await feed.catchUp();
    expect(isVisible(feed.position, xid)).toBe(true);
  });

  test('a listener is not called again before its promise has settled', async () => {
    const { feed, begin } = await started();
    let running = 0;
    let most = 0;
    let transactions = 0;
    feed.listen(async (batch) => {
      running++;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      transactions += batch.transactions.length;
      running--;
    });
    for (let id = 1; id <= 20; id++) {
      const tx = await begin();
      await tx.insert(id, String(id));
      await tx.commit();
    }
    await waitFor('all of them', () => transactions === 20);
    expect(most).toBe(1);
  });

  test('a listener that rejects or throws disturbs neither the others nor the feed', async () => {
    const { feed, begin, bodies } = await started();
    feed.listen(() => {
      throw new Error('on purpose');
    });
    feed.listen(() => Promise.reject(new Error('on purpose')));
    for (let id = 1; id <= 3; id++) {
      const tx = await begin();
      await tx.insert(id, String(id));
      await tx.commit();
      await feed.catchUp();
    }
    expect(bodies()).toHaveLength(3);
    expect(feed.status().state).toBe('live');
  });

  test('a listener that was ended hears nothing more', async () => {
    const { feed, begin } = await started();
    let calls = 0;
    const end = feed.listen(() => {
      calls++;
    });
    end();
    end();
    const tx = await begin();
    await tx.insert(1, 'x');
    await tx.commit();
    await feed.catchUp();
    expect(calls).toBe(0);
  });

  test('it delivers without being asked', async () => {
    const { begin, batches } = await started();
    const tx = await begin();
    await tx.insert(1, 'x');
    await tx.commit();
    await waitFor('the change', () => batches.length === 1);
  });

  test("the writer's mutation id comes with its transaction and no other", async () => {
    const { feed, begin, batches } = await started();
    for (const mutationId of ['m-1', undefined, `it's "quoted"`]) {
      const tx = await begin(mutationId);
      await tx.insert(mutationId?.length ?? 0, 'x');
      await tx.commit();
    }
    await feed.catchUp();
    const ids = batches.flatMap((batch) => batch.transactions.map((transaction) => transaction.mutationId));
    expect(ids).toEqual(['m-1', null, `it's "quoted"`]);
  });

  test('its status counts, and says live and stopped', async () => {
    const { feed, begin } = await started();
    const tx = await begin();
    await tx.insert(1, 'x');
    await tx.insert(2, 'x');
    await tx.commit();
    await feed.catchUp();
    expect(feed.status()).toMatchObject({ state: 'live', transactions: 1, changes: 2, error: null });
    expect(feed.status().lagMs).toBeGreaterThanOrEqual(0);
    expect(feed.status().lastReadAgoMs).toBeGreaterThanOrEqual(0);
    await feed.stop();
    expect(feed.status().state).toBe('stopped');
  });

  test('stop finishes the batch under way, and nothing comes after it', async () => {
    const { feed, begin } = await started();
    const steps: string[] = [];
    const isCalled = new Promise<void>((called) => {
      feed.listen(async () => {
        called();
        await new Promise((resolve) => setImmediate(resolve));
        steps.push('handled');
      });
    });
    const tx = await begin();
    await tx.insert(1, 'x');
    await tx.commit();
    await isCalled;
    await feed.stop();
    steps.push('stopped');
    await feed.stop();
    const late = await begin();
    await late.insert(2, 'x');
    await late.commit();
    await expect(feed.catchUp()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    expect(steps).toEqual(['handled', 'stopped']);
  });
});
