import { defineRelations } from 'drizzle-orm';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import { expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import type { Database, QueryRunner } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import { readModel } from '../../src/model/read.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

/** For so long, with each number of nodes. */
const SECONDS = Number(process.env.RIVULET_DOORBELL_SECONDS ?? 5);
const WRITERS = 8;
const ROWS = 8;
/** Past this a change waits for somebody else's ring, or for the clock, which never comes here. */
const LATE_AFTER_MS = 10_000;

const counters = pgTable('counters', { id: integer().primaryKey(), version: integer().notNull() });
const model = readModel(defineRelations({ counters }));
const database = await createDatabase({
  setup: `create table counters (id int primary key, version int not null);
    insert into counters select i, 0 from generate_series(1, ${ROWS}) i`,
});
await install(database.db, planWatchers(model, [{ table: 'counters' }]));

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Mostly long, now and then not at all. */
const slowness = () => delay(Math.random() < 0.7 ? Math.random() * 40 : 0);

/** The answers of readings come late, and what asks for the lock goes out late: what is then written falls between the two. */
function slowDatabase(pool: Database): Database {
  return {
    ...pool,
    query: async (...statement) => {
      const rows = await pool.query(...statement);
      await slowness();
      return rows;
    },
    listen: (channel, onNotify, onListen, onLost) => {
      const slowly = (session: Pick<QueryRunner, 'query'>): Pick<QueryRunner, 'query'> => ({
        query: async (...statement) => {
          await slowness();
          return session.query(...statement);
        },
      });
      return pool.listen(channel, onNotify, (session) => onListen(slowly(session)), onLost);
    },
  };
}

async function startNode(name: string) {
  const pool = slowDatabase(connect(database.url, { max: 2, applicationName: name }));
  const feed = createLogFeed({ database: pool, model, pollMs: 3_600_000 });
  const seen: string[] = [];
  feed.listen(({ transactions }) => {
    for (const { changes } of transactions) for (const { new: next } of changes) seen.push(next!.join(':'));
  });
  await feed.start();
  const stop = async () => {
    await feed.stop();
    await pool.close(1_000);
  };
  return { feed, seen, stop };
}

type Node = Awaited<ReturnType<typeof startNode>>;

/** Commits one transaction, open for a while after it wrote where it says so, and notes it. */
async function write(ledger: string[], openMs = 0): Promise<void> {
  const id = String(1 + Math.floor(Math.random() * ROWS));
  const [row] = await writers.transaction(async (tx) => {
    const rows = await tx.query({
      text: 'update counters set version = version + 1 where id = $1::text::int returning id::text, version::text',
      params: [id],
    });
    if (openMs > 0) {
      const seconds = String(openMs / 1_000);
      await tx.query({ text: 'select pg_sleep($1::text::float8)::text', params: [seconds] });
    }
    return rows;
  });
  ledger.push(row!.join(':'));
}

/** Everybody writes as fast as they can: whoever was asleep wakes. */
async function storm(ledger: string[]): Promise<void> {
  const writing = Array.from({ length: WRITERS }, async () => {
    for (let n = 0; n < 6; n++) await write(ledger);
  });
  await Promise.all(writing);
}

/** How long after its last busy moment a reader falls asleep, as it turns out on this machine. */
class Aim {
  readonly #seenMs: number[] = [];

  /** Watches until the reader falls asleep, or is asleep. */
  async watch({ feed }: Node, began: number): Promise<void> {
    while (performance.now() - began < 2_000) {
      const { rest } = feed.status();
      if (rest === 'falling asleep') this.#seenMs.push(performance.now() - began);
      if (rest === 'falling asleep' || rest === 'asleep') return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Around that moment. */
  pauseMs(): number {
    const recent = this.#seenMs.slice(-9).sort((a, b) => a - b);
    const at = recent[recent.length >> 1] ?? 40;
    return Math.max(0, at + (Math.random() < 0.8 ? Math.random() * 35 - 5 : (Math.random() - 0.5) * 80));
  }
}

const writers = database.connect({ max: WRITERS });

test.each([1, 3])(
  'with %i nodes: no change is late, none is lost, and each comes once',
  async (count) => {
    const nodes: Node[] = await Promise.all(Array.from({ length: count }, (_, i) => startNode(`node ${i}`)));
    const ledger: string[] = [];
    const late: string[] = [];
    const aim = new Aim();
    const end = performance.now() + SECONDS * 1_000;
    let rounds = 0;
    let longestMs = 0;
    for (; performance.now() < end || rounds < 10; rounds++) {
      await storm(ledger);
      const quiet = performance.now();
      const watching = aim.watch(nodes[rounds % count]!, quiet);
      // Few: whoever comes after would ring for those before.
      const lastWriters = Array.from({ length: 1 + Math.floor(Math.random() * 2) }, async () => {
        const pauseMs = aim.pauseMs();
        await delay(pauseMs);
        await write(ledger, Math.random() < 0.25 ? Math.random() * 60 : 0);
      });
      await Promise.all(lastWriters);
      const began = performance.now();
      // The next storm would ring for this one: first everybody has everything.
      const hasAll = ({ seen }: Node) => seen.length >= ledger.length;
      await waitFor('everybody has everything', () => nodes.every(hasAll), LATE_AFTER_MS).catch(async () => {
        late.push(`round ${rounds}: ${nodes.map(({ seen }) => seen.length).join(', ')} of ${ledger.length}`);
        await database.script(`select pg_notify('rivulet', '')`);
        await waitFor('what was late', () => nodes.every(hasAll)).catch(() => {});
      });
      longestMs = Math.max(longestMs, performance.now() - began);
      await watching;
    }
    const naps = nodes.map(({ feed }) => feed.status().naps);
    const rings = nodes.map(({ feed }) => feed.status().rings);
    for (const node of nodes) await node.stop();
    console.log(
      `${rounds} rounds, ${ledger.length} transactions, ${late.length} late, longest wait ${Math.round(longestMs)} ms; ` +
        `fell asleep ${naps.join(', ')} times, rung ${rings.join(', ')} times`,
    );
    expect(late).toEqual([]);
    for (const { seen } of nodes) expect(seen.toSorted()).toEqual(ledger.toSorted());
    // Else it was not tried.
    for (const times of naps) expect(times).toBeGreaterThanOrEqual(rounds / 4);
  },
  120_000 + SECONDS * 2_000,
);
