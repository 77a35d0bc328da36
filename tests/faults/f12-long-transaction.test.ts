import { describe, expect, test } from 'vitest';
import type { Database } from '../../src/database/types.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';

const ROWS = 10;
/** Commits beside each long transaction. */
const BESIDE = Number(process.env.RIVULET_RUNS ?? 100);

const database = await createDatabase({ setup: smallSetup(ROWS) });
const elsewhere = await createDatabase({ setup: 'create table unwatched (id int)' });
const app = await serveSmallApp(database.url);
const [prepared] = await database.query("select current_setting('max_prepared_transactions')");
const mayPrepare = Number(prepared![0]) > 0;
if (!mayPrepare) console.log('F12: no prepared transactions, for max_prepared_transactions is 0 here');

/** What the late transaction does: three rows, one after the other, with others' commits between. */
const late = (version: number) =>
  [1, 2, 3].map((id) => `update counters set version = ${version} where id = ${id}`);

/** Runs `meanwhile` while a transaction is open; resolves when it has committed. */
async function whileOpen(
  db: Database,
  statements: readonly string[],
  meanwhile: (step: (at: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.script('select pg_current_xact_id()');
    await meanwhile(async (at) => {
      if (statements[at]) await tx.script(statements[at]);
    });
  });
}

let version = 0;
let lateVersion = 1_000;

/** Commits on other rows, each of which must be delivered before the next; the late transaction is still open. */
async function besides(database: TestDatabase, step: (at: number) => Promise<void>) {
  const beside = await app.follow('counters');
  const delays: number[] = [];
  for (let i = 0; i < BESIDE; i++) {
    if (i % 10 === 0) await step(i / 10);
    await database.query('update counters set version = $1::text::int where id = 9', String(++version));
    const at = performance.now();
    await beside.heard(9, version);
    delays.push(performance.now() - at);
  }
  delays.sort((a, b) => a - b);
  console.log(`${BESIDE} commits beside it: delivered after at most ${Math.round(delays.at(-1)!)} ms`);
  expect(beside.changes.every(({ key }) => key === '9')).toBe(true);
  return beside;
}

describe('F12: a transaction that is open for long', () => {
  test('in the same database: what others commit is delivered meanwhile; it arrives at its commit, complete', async () => {
    const value = ++lateVersion;
    const followed = await app.follow('counters');
    let cursor = '';
    await whileOpen(database.connect({ max: 1 }), late(value), async (step) => {
      cursor = (await besides(database, step)).messages.at(-1)!.cursor;
    });
    await followed.heard(3, value);
    const { changes } = followed.messages.at(-1)!;
    expect(changes.map(({ key, node }) => [key, node?.version]).sort()).toEqual(
      ['1', '2', '3'].map((key) => [key, value]),
    );
    expect(followed.changes.filter(({ key }) => key !== '9')).toHaveLength(3);
    // A cursor from while it was open does not see it.
    const resumed = await app.follow('counters', { after: cursor });
    await resumed.heard(3, value);
    expect(resumed.messages.map((message) => message.changes.length)).toEqual([3]);
  });

  test('in another database of the cluster: nobody waits for it', async () => {
    await whileOpen(elsewhere.db, ['insert into unwatched values (1)'], async (step) => {
      const { resets } = await besides(database, step);
      expect(resets).toEqual([]);
    });
  });

  test.runIf(mayPrepare)(
    'prepared and then left alone: nobody waits for it, and it arrives when it is committed, by another session',
    async () => {
      const value = ++lateVersion;
      const followed = await app.follow('counters');
      await database.script(
        `begin; set local rivulet.notify = off; ${late(value).join(';')}; prepare transaction 'f12'`,
      );
      const beside = await besides(database, async () => {});
      expect(followed.changes.every(({ key }) => key === '9')).toBe(true);
      await database.script("commit prepared 'f12'");
      await followed.heard(3, value);
      expect(followed.messages.at(-1)!.changes).toHaveLength(3);
      const resumed = await app.follow('counters', { after: beside.messages[0]!.cursor });
      await resumed.heard(3, value);
      expect(resumed.changes.filter(({ key }) => key !== '9')).toHaveLength(3);
      expect(resumed.changes).toHaveLength(BESIDE - 1 + 3);
    },
  );

  test('and then rolled back: nothing of it is ever told', async () => {
    const followed = await app.follow('counters');
    const given = whileOpen(database.connect({ max: 1 }), late(++lateVersion), async (step) => {
      await besides(database, step);
      throw new Error('given up');
    });
    await expect(given).rejects.toThrow('given up');
    await database.query('update counters set version = $1::text::int where id = 9', String(++version));
    await followed.heard(9, version);
    expect(followed.changes.every(({ key }) => key === '9')).toBe(true);
  });
});
