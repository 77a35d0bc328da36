import { expect, test } from 'vitest';
import { createLedger } from '../support/ledger.js';
import { waitFor } from '../support/wait-for.js';

const ledger = await createLedger();

/** Ends the backend that listens; resolves to how many there were. */
async function endListener(): Promise<number> {
  const ended = await ledger.database.query(
    `select pg_terminate_backend(pid)::text from pg_stat_activity
     where datname = current_database() and application_name = 'followed' and query ~ '^(listen|select$)|advisory'`,
  );
  return ended.length;
}

test('F3: the listener is ended again and again under load: nothing is lost, and wake-ups are back within a second', async () => {
  // Without a clock: what is delivered, NOTIFY woke.
  const followed = await ledger.follow({ pollMs: 3_600_000 });
  const rounds = 10;
  const backAfter: number[] = [];
  const stopWriting = ledger.writeOn();
  for (let round = 0; round < rounds; round++) {
    await waitFor('a listener', async () => (await endListener()) === 1, 3_000);
    const began = performance.now();
    await waitFor('the loss', () => followed.feed.status().reconnects === round + 1, 3_000);
    const { delivered } = followed;
    await waitFor('wake-ups', () => followed.delivered > delivered + 20, 3_000);
    backAfter.push(performance.now() - began);
  }
  await stopWriting();
  await followed.settle();
  expect(followed.resets).toEqual([]);
  expect(Math.max(...backAfter)).toBeLessThan(1_000);
  console.log(
    `${ledger.written} transactions, ${rounds} losses, back after at most ${Math.round(Math.max(...backAfter))} ms`,
  );
  await followed.close();
});
