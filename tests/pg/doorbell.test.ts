import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import type { Database, QueryRunner } from '../../src/database/types.js';
import { createLogFeed, type LogFeedOptions } from '../../src/feed/log-feed.js';
import { ReaderLock } from '../../src/feed/reader-lock.js';
import type { Feed } from '../../src/feed/types.js';
import { readModel } from '../../src/model/read.js';
import { inspect } from '../../src/watch/inspect.js';
import { install } from '../../src/watch/install.js';
import { DOORBELL_CLASS, DOORBELL_SLOTS } from '../../src/watch/log-table.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';
import { startProxy, withoutNotifications } from '../support/proxy.js';
import { waitFor } from '../support/wait-for.js';

const WRITER = 'rivulet_test_doorbell';
const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const model = readModel(defineRelations({ notes }));

const database = await createDatabase({
  setup: `
    do $$ begin create role ${WRITER} login password 'x';
    exception when duplicate_object or unique_violation then null; end $$;
    create table notes (id int primary key, body text);
    grant select, insert, update, delete on notes to ${WRITER}`,
});
const plan = planWatchers(model, [{ table: 'notes' }]);
await install(database.db, plan);
beforeEach(() => database.script('delete from notes'));

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A feed of a node of its own, whose clock never comes: what it is told in time, it was awake for or was rung for. */
async function startNode(
  name: string,
  options: Partial<LogFeedOptions> = {},
  url = database.url,
  wrap = (pool: Database) => pool,
) {
  const pool = wrap(connect(url, { max: 2, applicationName: name }));
  const feed: Feed = createLogFeed({ database: pool, model, pollMs: 3_600_000, ...options });
  const bodies: (string | null)[] = [];
  feed.listen(({ transactions }) => {
    for (const { changes } of transactions)
      for (const { op, new: next } of changes) if (op !== 'DELETE') bodies.push(next![1]!);
  });
  await feed.start();
  const stop = async () => {
    await feed.stop();
    await pool.close(1_000);
  };
  open.push(stop);
  const is = (rest: string) => waitFor(`${name} is ${rest}`, () => feed.status().rest === rest);
  return { feed, bodies, is, stop };
}

let ids = 0;
const write = (body: string) =>
  database.query('insert into notes values ($1::text::int, $2)', String(++ids), body);

/** Slots that are held so, by `application_name`. */
const holders = async (mode: 'ExclusiveLock' | 'ShareLock') =>
  (
    await database.query(
      `select a.application_name::text, l.objid::text from pg_locks l join pg_stat_activity a using (pid)
       where l.locktype = 'advisory' and l.classid = ${DOORBELL_CLASS} and l.objsubid = 2 and l.mode = $1
       and l.database = (select oid from pg_database where datname = current_database()) order by 1, 2`,
      mode,
    )
  ).map((row) => row.join(' '));

/** Hears what writers notify, in a session that does not sleep. */
async function heard() {
  const payloads: string[] = [];
  const unlisten = await database.db.listen(
    'rivulet',
    (payload) => payloads.push(payload),
    () => {},
  );
  open.push(unlisten);
  let fences = 0;
  return {
    /** How many writers notified so far. */
    count: async () => {
      const fence = `test fence ${++fences}`;
      await database.query(`select pg_notify('rivulet', $1)`, fence);
      await waitFor('the fence', () => payloads.includes(fence));
      return payloads.filter((payload) => payload === '').length;
    },
  };
}

describe('a reader that is asleep', () => {
  test('holds a lock in a session that listens, is idle, and is in no transaction', async () => {
    const node = await startNode('one');
    await node.is('asleep');
    expect(await holders('ExclusiveLock')).toEqual(['one 1']);
    const [session] = await database.query(
      `select a.state::text, a.backend_xmin::text, a.xact_start::text from pg_locks l join pg_stat_activity a using (pid)
       where l.locktype = 'advisory' and l.classid = ${DOORBELL_CLASS} and a.datname = current_database()`,
    );
    expect(session).toEqual(['idle', null, null]);
  });

  test('is rung by every writer, one at a time, and sleeps on', async () => {
    const node = await startNode('one');
    await node.is('asleep');
    const naps = node.feed.status().naps;
    const expected = Array.from({ length: 20 }, (_, i) => `ring ${i}`);
    for (const body of expected) {
      await write(body);
      await waitFor(body, () => node.bodies.at(-1) === body, 5_000);
    }
    expect(node.bodies).toEqual(expected);
    expect(node.feed.status()).toMatchObject({ rest: 'asleep', naps, rings: expect.any(Number) });
    expect(node.feed.status().rings).toBeGreaterThanOrEqual(20);
  });

  test('is rung by a writer that may do nothing but write', async () => {
    const node = await startNode('one');
    await node.is('asleep');
    const writer = database.connect({ max: 1, user: WRITER, password: 'x' });
    await writer.script(`insert into public.notes values (${++ids}, 'modest')`);
    await waitFor('it', () => node.bodies.at(-1) === 'modest', 5_000);
  });

  test('is not rung where the writer asked for that, and reads it when somebody else rings', async () => {
    const node = await startNode('one');
    await node.is('asleep');
    await database.script(
      `begin; set local rivulet.notify = off; insert into notes values (${++ids}, 'quiet');
       prepare transaction 'quiet'`,
    );
    await database.script(`commit prepared 'quiet'`);
    expect(node.bodies).toEqual([]);
    await write('loud');
    await waitFor('both', () => node.bodies.length === 2, 5_000);
    expect(node.bodies).toEqual(['quiet', 'loud']);
  });
});

/** A gate that a statement waits at while it is shut. */
class Gate {
  waiting = 0;
  #isShut = false;
  #open: () => void = () => {};
  #opened: Promise<void> = Promise.resolve();

  shut(): void {
    this.#isShut = true;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#isShut = false;
    this.#open();
  }

  async pass(): Promise<void> {
    if (!this.#isShut) return;
    this.waiting++;
    await this.#opened;
    this.waiting--;
  }
}

describe('a reader that falls asleep', () => {
  test('finds what was committed, and not notified, after its last reading and before it had the lock', async () => {
    const locks = new Gate();
    const answers = new Gate();
    locks.shut();
    const node = await startNode('one', {}, database.url, (pool) => ({
      ...pool,
      query: async (...statement) => {
        const rows = await pool.query(...statement);
        await answers.pass();
        return rows;
      },
      listen: (channel, onNotify, onListen, onLost) => {
        const query: QueryRunner['query'] = async (...statement) => {
          await locks.pass();
          return listening!.query(...statement);
        };
        let listening: Pick<QueryRunner, 'query'> | undefined;
        const onSession = (session: Pick<QueryRunner, 'query'>) => {
          listening = session;
          onListen({ query });
        };
        return pool.listen(channel, onNotify, onSession, onLost);
      },
    }));
    await waitFor('it asks for the lock', () => locks.waiting === 1);
    answers.shut();
    await waitFor('a reading has been answered, and does not know yet', () => answers.waiting === 1);
    const ears = await heard();
    await write('between');
    locks.open();
    await waitFor('it has the lock', async () => (await holders('ExclusiveLock')).length === 1);
    expect(await ears.count()).toBe(0);
    expect(node.bodies).toEqual([]);
    answers.open();
    await waitFor('it', () => node.bodies.length === 1, 5_000);
    await node.is('asleep');
  });
});

describe('a reader that is awake', () => {
  test('is not notified by busy writers, and sleeps when they are done', async () => {
    const node = await startNode('one');
    const ears = await heard();
    const writers = database.connect({ max: 8 });
    const seen: number[] = [];
    let committed = 0;
    await Promise.all(
      Array.from({ length: 8 }, async (_, w) => {
        for (let n = 0; n < 150; n++) {
          const params = [String(1_000_000 + w * 1_000 + n), `w${w}`];
          await writers.query({ text: 'insert into notes values ($1::text::int, $2)', params });
          if (++committed % 200 === 0) seen.push(await ears.count());
        }
      }),
    );
    await waitFor('all', () => node.bodies.length === committed);
    await node.is('asleep');
    const rung = await ears.count();
    console.log(`${committed} transactions, ${rung} notified: ${seen.join(' ')}`);
    expect(rung).toBeLessThan(committed / 4);
  });

  test('stays awake while a writer is open that did not notify, and delivers others meanwhile', async () => {
    const other = await keepAwake();
    const node = await startNode('one');
    const writers = database.connect({ max: 1 });
    await node.is('awake');
    await writers.transaction(async (tx) => {
      await tx.script(`insert into notes values (${++ids}, 'slow')`);
      await other.end();
      await waitFor('its locks alone', async () => (await holders('ShareLock')).length === DOORBELL_SLOTS);
      for (const body of ['a', 'b', 'c']) {
        await write(body);
        await waitFor(body, () => node.bodies.at(-1) === body, 5_000);
      }
      expect(node.feed.status().rest).not.toBe('asleep');
    });
    await waitFor('it', () => node.bodies.at(-1) === 'slow', 5_000);
    await node.is('asleep');
  });

  test('lets a transaction be prepared, and delivers it when it is committed', async () => {
    const other = await keepAwake();
    const node = await startNode('one');
    await node.is('awake');
    await database.script(
      `begin; insert into notes values (${++ids}, 'two-phase'); prepare transaction 'doorbell'`,
    );
    await other.end();
    await write('meanwhile');
    await waitFor('the other', () => node.bodies.at(-1) === 'meanwhile', 5_000);
    await database.script(`commit prepared 'doorbell'`);
    await waitFor('it', () => node.bodies.at(-1) === 'two-phase', 5_000);
    await node.is('asleep');
  });

  /** A session that holds every slot as a writer does, so that nobody falls asleep. */
  async function keepAwake() {
    const session = database.connect({ max: 1 });
    const slots = Array.from(
      { length: DOORBELL_SLOTS },
      (_, i) => `pg_advisory_lock_shared(${DOORBELL_CLASS}, ${i + 1})`,
    );
    await session.script(`select ${slots.join(', ')}`);
    open.push(() => session.close());
    return { end: () => session.close() };
  }
});

describe('several readers', () => {
  test('sleep at different slots; any of them wakes, or is killed, and the others are rung', async () => {
    const names = ['a', 'b', 'c'];
    const nodes = await Promise.all(names.map((name) => startNode(name)));
    for (const node of nodes) await node.is('asleep');
    expect((await holders('ExclusiveLock')).map((holder) => holder.split(' ')[0])).toEqual(names);
    for (const [round, victim] of ['a', 'b', 'c', 'a'].entries()) {
      await database.query(
        `select pg_terminate_backend(pid)::text from pg_stat_activity where datname = current_database() and application_name = $1`,
        victim,
      );
      await write(`after ${victim}`);
      for (const { bodies } of nodes)
        await waitFor('everybody has it', () => bodies.length === round + 1, 5_000);
    }
    for (const { bodies } of nodes)
      expect(bodies).toEqual(['a', 'b', 'c', 'a'].map((name) => `after ${name}`));
    for (const node of nodes) await node.is('asleep');
  });

  test('more of them than slots: who finds none stays awake, and everybody delivers', async () => {
    const names = Array.from({ length: DOORBELL_SLOTS + 1 }, (_, i) => `node ${i}`);
    const nodes = await Promise.all(names.map((name) => startNode(name)));
    await waitFor(
      'the slots are taken',
      async () => (await holders('ExclusiveLock')).length === DOORBELL_SLOTS,
    );
    for (let i = 0; i < 5; i++) {
      await write(`note ${i}`);
      for (const { bodies } of nodes) await waitFor('everybody has it', () => bodies.length === i + 1, 5_000);
    }
    expect(nodes.filter(({ feed }) => feed.status().rest !== 'asleep')).not.toEqual([]);
    // A slot that gets free is taken.
    const sleeper = nodes.find(({ feed }) => feed.status().rest === 'asleep')!;
    await sleeper.stop();
    for (const node of nodes) if (node !== sleeper) await node.is('asleep');
  });
});

describe('nobody sleeps where nobody would be heard', () => {
  test('behind a pooler that carries no notifications: the clock reads, and no lock is taken', async () => {
    const proxy = await startProxy(database.url);
    open.push(() => proxy.close());
    proxy.meddle(withoutNotifications);
    const node = await startNode('deaf', { pollMs: 100 }, proxy.url);
    await node.is('clock');
    expect(node.feed.status().wakeUps).toBe('broken');
    expect(await holders('ExclusiveLock')).toEqual([]);
    await write('by the clock');
    await waitFor('it', () => node.bodies.length === 1, 5_000);
  });

  test('a session that does not listen is given no lock', async () => {
    const session = database.connect({ max: 1 });
    expect(await new ReaderLock(session).take()).toBe(false);
    expect(await holders('ExclusiveLock')).toEqual([]);
    await session.script('listen rivulet');
    const lock = new ReaderLock(session);
    expect(await lock.take()).toBe(true);
    await lock.drop();
    expect(await holders('ExclusiveLock')).toEqual([]);
    await session.close();
  });

  test('while the listening connection is lost, it is awake', async () => {
    const proxy = await startProxy(database.url);
    open.push(() => proxy.close());
    const node = await startNode('cut', {}, proxy.url);
    await node.is('asleep');
    for (let i = 0; i < 5; i++) {
      proxy.reset();
      await write(`cut ${i}`);
      await waitFor('it', () => node.bodies.length === i + 1, 8_000);
    }
    await node.is('asleep');
  });
});

describe('triggers of the version before, which notify each time', () => {
  test('are found, wake who is asleep, disturb nobody who is awake, and are brought up to date', async () => {
    const [[definition]] = (await database.query(
      `select pg_get_functiondef(p.oid) from pg_proc p
       where p.pronamespace = 'rivulet'::regnamespace and p.proname like 'log\\_notes%'`,
    )) as [[string]];
    const older = definition.replace(/\n\s+and not \(pg_try_advisory[^\n]*/, '');
    expect(older).not.toBe(definition);
    await database.script(older);
    expect(await inspect(database.db, plan)).toMatchObject([
      { kind: 'altered', mend: 'Run `rivulet generate`, then `rivulet migrate`.' },
    ]);
    const node = await startNode('one');
    await node.is('asleep');
    await write('asleep');
    await waitFor('it', () => node.bodies.at(-1) === 'asleep', 5_000);
    const writers = database.connect({ max: 4 });
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        writers.query({
          text: 'insert into notes values ($1::text::int, $2)',
          params: [String(2_000_000 + n), 'busy'],
        }),
      ),
    );
    await waitFor('all', () => node.bodies.length === 41, 5_000);
    await install(database.db, plan);
    expect(await inspect(database.db, plan)).toEqual([]);
    await write('mended');
    await waitFor('it', () => node.bodies.at(-1) === 'mended', 5_000);
  });
});
