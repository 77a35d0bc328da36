import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';

const WRITERS = 6;
const TRANSACTIONS = Number(process.env.RIVULET_RUNS ?? 60);

/** Keys from a sequence of which each session takes 100 at a time, so that they come in no order. */
const database = await createDatabase({
  setup: `${smallSetup(0)}; create sequence ids cache 100;`,
});
const app = await serveSmallApp(database.url);

test('F13: rollbacks, savepoints, and numbers that nobody uses: gaps are neither waited for nor skipped over', async () => {
  const followed = await app.follow('counters');
  const pool = database.connect({ max: WRITERS });
  const committed: string[] = [];
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < TRANSACTIONS; n++) {
      const written: string[] = [];
      const work = pool.transaction(async (tx) => {
        for (let row = 0; row < 1 + (n % 3); row++) {
          const undone = (n + row + writer) % 4 === 0;
          if (undone) await tx.script('savepoint s');
          const [inserted] = await tx.query({
            text: "insert into counters values (nextval('ids'), $1::text::int) returning id::text",
            params: [String(n)],
          });
          if (undone) await tx.script('rollback to s');
          else written.push(inserted![0]!);
        }
        // One in ten is undone as a whole.
        if ((n + writer) % 10 === 0) throw new Error('undone on purpose');
      });
      await work.then(
        () => committed.push(...written),
        (error: Error) => expect(error.message).toBe('undone on purpose'),
      );
      // Numbers of the log itself that nobody uses, a few and very many.
      if (n % 7 === writer) {
        await pool.query({
          text: "select setval(s, nextval(s) + $1::text::bigint)::text from pg_get_serial_sequence('rivulet.change', 'seq') s",
          params: [n % 2 === 0 ? '3' : '1000000'],
        });
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await database.script('insert into counters values (-1, 1)');
  await followed.heard(-1, 1);
  const told = followed.changes.map(({ kind, key }) => `${kind} ${key}`);
  expect(told.sort()).toEqual([...committed, '-1'].map((key) => `ENTER ${key}`).sort());
  expect(followed.resets).toEqual([]);
  expect(committed.length).toBeGreaterThan((WRITERS * TRANSACTIONS) / 2);
  const [gaps] = await database.query('select (max(seq) - count(*))::text from rivulet.change');
  console.log(`${committed.length} rows; ${gaps![0]} numbers of the log are missing`);
  expect(Number(gaps![0])).toBeGreaterThan(1_000_000);
}, 60_000);
