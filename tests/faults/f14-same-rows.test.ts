import { expect, test } from 'vitest';
import type { Database } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import { createDatabase } from '../support/database.js';
import { serveSmallApp, smallModel, smallSetup } from '../support/small-app.js';

const WRITERS = 32;
const ROWS = 50;
const TRANSACTIONS = Number(process.env.RIVULET_RUNS ?? 25);

const database = await createDatabase({ setup: smallSetup(ROWS) });
const app = await serveSmallApp(database.url);

/** One to three statements, each on some rows in the order of their keys, and sometimes a pause between. Resolves to the commits. */
async function write(db: Database): Promise<number> {
  let commits = 0;
  for (let n = 0; n < TRANSACTIONS; n++) {
    const statements = 1 + Math.floor(Math.random() * 3);
    const ids = Array.from({ length: statements }, () => 1 + Math.floor(Math.random() * ROWS)).sort(
      (a, b) => a - b,
    );
    await db.transaction(async (tx) => {
      for (const id of ids) {
        await tx.query({
          text: 'update counters set version = version + 1 where id = $1::text::int',
          params: [String(id)],
        });
        if (Math.random() < 0.1) {
          const seconds = String(Math.random() / 100);
          await tx.query({ text: 'select pg_sleep($1::text::float8)::text', params: [seconds] });
        }
      }
    });
    commits++;
  }
  return commits;
}

/** How often a row went back, or was told as it was told before. */
function inversions(told: readonly (readonly [key: string, version: number])[]): number {
  const versions = new Map<string, number>();
  let count = 0;
  for (const [key, version] of told) {
    if (version <= (versions.get(key) ?? 0)) count++;
    versions.set(key, version);
  }
  return count;
}

test(`F14: ${WRITERS} writers on the same ${ROWS} rows: no row ever goes back`, async () => {
  const follower = await app.follow('counters');
  // Reads as notified, and beside it one that reads much at a time: what is read together is put in order by the log.
  const slow = createLogFeed({
    database: database.connect({ max: 1 }),
    model: smallModel,
    listen: false,
    pollMs: 300,
  });
  const read: [string, number][] = [];
  let largest = 0;
  slow.listen(({ transactions }) => {
    largest = Math.max(largest, transactions.length);
    for (const { changes } of transactions)
      for (const { new: row } of changes) read.push([row![0]!, Number(row![1])]);
  });
  await slow.start();

  const pool = database.connect({ max: WRITERS });
  const commits = await Promise.all(Array.from({ length: WRITERS }, () => write(pool)));
  const rows = await database.query('select id::text, version::text from counters where version > 0');
  for (const [id, version] of rows) await follower.heard(id!, Number(version), 20_000);
  await slow.catchUp();
  await slow.stop();

  const told = follower.changes.map(({ key, node }) => [key, node!.version] as const);
  const expected = rows.map(([id, version]) => [id, Number(version)]).sort();
  for (const each of [told, read]) {
    expect(inversions(each)).toBe(0);
    expect([...new Map(each)].sort()).toEqual(expected);
  }
  expect(follower.messages).toHaveLength(commits.reduce((sum, count) => sum + count, 0));
  expect(follower.resets).toEqual([]);
  // Every version of every row was read.
  expect(read).toHaveLength(expected.reduce((sum, [, version]) => sum + Number(version), 0));
  console.log(
    `${follower.messages.length} transactions, ${read.length} changes, at most ${largest} transactions in one reading`,
  );
  expect(largest).toBeGreaterThan(WRITERS);
}, 90_000);
