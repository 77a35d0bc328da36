import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { connect } from '../../src/database/connect.js';
import { createLogFeed, type LogFeedOptions } from '../../src/feed/log-feed.js';
import type { Feed } from '../../src/feed/types.js';
import { readModel } from '../../src/model/read.js';
import { LIVE_POOL } from '../../src/server/engine/live-services.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase, type TestDatabase } from './database.js';
import { type DatabaseProxy, startProxy } from './proxy.js';
import { waitFor } from './wait-for.js';

/**
 * The oracle of faults: a writer that raises versions of rows and keeps a ledger of what was acknowledged, past every proxy; and a feed
 * through a proxy, of which everything is recorded.
 */
export interface Ledger {
  readonly database: TestDatabase;
  /** Commits one transaction and notes it. Resolves to the moment of the acknowledgement. */
  write(): Promise<number>;
  /** Writes until the function that it returns is called (and has resolved). */
  writeOn(): () => Promise<void>;
  /** How many transactions were acknowledged. */
  readonly written: number;
  /** A started feed on pools like a server's, through a proxy of its own; stopped with `close`. */
  follow(options?: Partial<LogFeedOptions>): Promise<Followed>;
}

export interface Followed {
  readonly feed: Feed;
  readonly proxy: DatabaseProxy;
  /** Warnings and errors of the feed. */
  readonly warned: readonly { readonly message: string; readonly code?: unknown }[];
  /** How many transactions were delivered. */
  readonly delivered: number;
  readonly resets: readonly string[];
  /** Milliseconds from the acknowledgement to the hand-over, of what was delivered since `n` transactions. */
  delays(from?: number): readonly number[];
  /** Waits for everything that was written; throws where something is missing, double, or in the wrong order. */
  settle(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

const counters = pgTable('counters', { id: integer().primaryKey(), version: integer(), note: text() });
const model = readModel(defineRelations({ counters }));
const ROWS = 5;

/** To be called at the top level of a test file. */
export async function createLedger(): Promise<Ledger> {
  const database = await createDatabase({
    setup: 'create table counters (id int primary key, version int not null, note text)',
  });
  await install(database.db, planWatchers(model, [{ table: 'counters' }]));
  await database.script(`insert into counters select i, 0, '' from generate_series(1, ${ROWS}) i`);
  const writer = database.connect({ max: 1, applicationName: 'writer' });
  const ledger: { readonly text: string; readonly at: number }[] = [];

  const write = async (): Promise<number> => {
    const id = String(1 + (ledger.length % ROWS));
    const [row] = await writer.query({
      text: 'update counters set version = version + 1, note = $2 where id = $1::text::int returning version::text',
      params: [id, `n${ledger.length}`],
    });
    const at = performance.now();
    ledger.push({ text: `${id}:${row![0]}:n${ledger.length}`, at });
    return at;
  };

  return {
    database,
    write,
    get written() {
      return ledger.length;
    },
    writeOn: () => {
      let isOn = true;
      const done = (async () => {
        while (isOn) await write();
      })();
      return async () => {
        isOn = false;
        await done;
      };
    },
    follow: async (options = {}) => {
      const proxy = await startProxy(database.url);
      const pool = connect(proxy.url, { ...LIVE_POOL, applicationName: 'followed' });
      const warned: { message: string; code?: unknown }[] = [];
      const warn = (details: object, message: string) => warned.push({ ...details, message });
      const ignore = (): void => {};
      const log = { debug: ignore, info: ignore, warn, error: warn };
      const feed = createLogFeed({ database: pool, model, log, ...options });
      const delivered: { readonly text: string; readonly at: number }[] = [];
      const resets: string[] = [];
      feed.listen(({ transactions, reset }) => {
        if (reset !== null) resets.push(reset);
        const at = performance.now();
        for (const { changes } of transactions) {
          for (const { new: next } of changes) delivered.push({ text: next!.join(':'), at });
        }
      });
      const start = ledger.length;
      await feed.start();
      return {
        feed,
        proxy,
        warned,
        resets,
        get delivered() {
          return delivered.length;
        },
        delays: (from = 0) => delivered.slice(from).map(({ at }, i) => at - ledger[start + from + i]!.at),
        settle: async (timeoutMs = 8_000) => {
          const expected = ledger.length - start;
          await waitFor(`all ${expected} are delivered`, () => delivered.length >= expected, timeoutMs);
          await feed.catchUp();
          const texts = delivered.map(({ text: each }) => each);
          const written = ledger.slice(start).map(({ text: each }) => each);
          // One writer: the order of the ledger is the order of commits.
          if (texts.join() !== written.join()) {
            throw new Error(`delivered ${texts.length} of ${written.length}, or not in order`);
          }
        },
        close: async () => {
          await feed.stop();
          await pool.close(0);
          await proxy.close();
        },
      };
    },
  };
}
