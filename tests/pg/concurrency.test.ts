import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { expect, test } from 'vitest';
import type { Database } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import type { LoggedTransaction } from '../../src/log/types.js';
import { readModel } from '../../src/model/read.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';

const WRITERS = 16;
const ROWS = 40;
const TRANSACTIONS = Number(process.env.RIVULET_RUNS ?? 100);

const counters = pgTable('counters', {
  id: integer().primaryKey(),
  version: integer().notNull(),
  writer: text(),
});
const relations = defineRelations({ counters });
const model = readModel(relations);

const database = await createDatabase({
  setup: `create table counters (id int primary key, version int not null, writer text);
          insert into counters select i, 0, null from generate_series(1, ${ROWS}) i`,
});
await install(database.db, planWatchers(model, [{ table: 'counters' }]));

/** Deterministic pseudo-random numbers in [0, 1), so that a seed tells the schedule. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What one writer's commits changed: row → the versions that it wrote. */
type Ledger = { readonly committed: string[] };

async function write(db: Database, name: string, random: () => number, ledger: Ledger): Promise<void> {
  for (let n = 0; n < TRANSACTIONS; n++) {
    const ids = [
      ...new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, () => 1 + Math.floor(random() * ROWS))),
    ];
    ids.sort((a, b) => a - b);
    const fate = random();
    const written: string[] = [];
    const bump = `update counters set version = version + 1, writer = $2 where id = $1::text::int returning id::text, version::text`;
    const work = db.transaction(async (tx) => {
      for (const id of ids) {
        const undo = random() < 0.15;
        if (undo) await tx.script('savepoint s');
        const [[row, version]] = (await tx.query({ text: bump, params: [String(id), `${name}/${n}`] })) as [
          [string, string],
        ];
        if (undo) await tx.script('rollback to s');
        else written.push(`${row}:${version}:${name}/${n}`);
        if (random() < 0.2)
          await tx.query({
            text: `select pg_sleep($1::text::float8)::text`,
            params: [String(random() / 100)],
          });
      }
      if (fate < 0.15) throw new Error('rolled back on purpose');
    });
    try {
      await work;
      ledger.committed.push(...written);
    } catch (error) {
      if ((error as Error).message !== 'rolled back on purpose') throw error;
    }
  }
}

test('many writers, rollbacks, savepoints and a long transaction beside them: nothing lost, doubled or out of order', async () => {
  const seed = Number(process.env.RIVULET_SEED ?? Date.now() % 2 ** 31);
  const feed = createLogFeed({ database: database.db, model, pollMs: 200 });
  const delivered: LoggedTransaction[] = [];
  feed.listen(({ transactions }) => {
    delivered.push(...transactions);
  });
  await feed.start();
  const start = feed.position;

  const pool = database.connect({ max: WRITERS + 2 });
  const ledger: Ledger = { committed: [] };
  let endLong = (): void => {};
  const longEnds = new Promise<void>((resolve) => {
    endLong = resolve;
  });
  const long = pool.transaction(async (tx) => {
    await tx.script(`insert into counters values (0, 1, 'long')`);
    await longEnds;
  });
  const random = randomOf(seed);
  const writers = Array.from({ length: WRITERS }, (_, i) =>
    write(pool, `w${i}`, randomOf(random() * 2 ** 32), ledger),
  );
  await Promise.all(writers);
  await feed.catchUp();
  const beforeLong = delivered.length;
  endLong();
  await long;
  await feed.catchUp();
  await feed.stop();

  const context = `seed ${seed}`;
  const changes = delivered.flatMap((transaction) => transaction.changes);
  const updates = changes.filter((change) => change.op === 'UPDATE').map((change) => change.new!.join(':'));
  expect(updates.toSorted(), `${context}: the log is the ledger`).toEqual(ledger.committed.toSorted());
  expect(new Set(delivered.map(({ xid }) => xid)).size, `${context}: each transaction once`).toBe(
    delivered.length,
  );
  expect(delivered.length - beforeLong, `${context}: the long one came last`).toBe(1);
  expect(delivered.at(-1)!.changes[0]!.new).toEqual(['0', '1', 'long']);

  const versions = new Map<string, number>();
  let inversions = 0;
  for (const { old, new: next } of changes.filter((change) => change.op === 'UPDATE')) {
    const id = next![0]!;
    if ((versions.get(id) ?? 0) + 1 !== Number(next![1]) || Number(old![1]) + 1 !== Number(next![1]))
      inversions++;
    versions.set(id, Number(next![1]));
  }
  expect(inversions, `${context}: versions of a row go up by one`).toBe(0);
  expect(updates.length).toBeGreaterThan((WRITERS * TRANSACTIONS) / 2);

  const rows = await database.query('select id::text, version::text from counters where id > 0');
  for (const [id, version] of rows) expect(versions.get(id!) ?? 0, context).toBe(Number(version));
  expect(feed.position.xmax).toBeGreaterThan(start.xmax);

  await resumeAnywhere(delivered, context);
}, 120_000);

/** A reader that starts at any cursor sees exactly what comes after it. */
async function resumeAnywhere(delivered: readonly LoggedTransaction[], context: string): Promise<void> {
  const { readSince, parseRead } = await import('../../src/log/read.js');
  const { decode } = await import('../../src/log/decode.js');
  const { ImageShapes } = await import('../../src/log/image-shapes.js');
  const shapes = new ImageShapes(model);
  for (let i = 0; i < delivered.length; i += Math.ceil(delivered.length / 25)) {
    const cursor = delivered[i]!.cursor;
    const read = parseRead(await database.db.query(readSince(cursor), { prepare: false }))!;
    await shapes.load(database.db, new Set(read.rows.map((row) => row.shape)));
    const rest = decode(read, cursor, shapes).transactions.map(({ xid }) => xid);
    const expected = delivered.slice(i + 1).map(({ xid }) => xid);
    expect(new Set(rest), `${context}: after transaction ${i}`).toEqual(new Set(expected));
    expect(rest.length).toBe(expected.length);
  }
}
