import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { type Follower, serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

/** Rows of the one transaction; RIVULET_HUGE_ROWS=1000000 for more. */
const ROWS = Number(process.env.RIVULET_HUGE_ROWS ?? 100_000);

const database = await createDatabase({ setup: smallSetup(ROWS) });
const app = await serveSmallApp(database.url);

/** The most memory that this process had, above what it has now, until `stop`. */
function memoryPeak(): () => number {
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  return () => {
    clearInterval(timer);
    return Math.round((peak - before) / 2 ** 20);
  };
}

/** All rows at one version, in one message; or a reset, after which a fresh answer shows them. */
function isWhole({ messages }: Follower, version: number): boolean {
  const told = messages.filter(({ reset, changes }) => reset !== null || changes.length > 0);
  const last = told.at(-1);
  if (last === undefined) return false;
  if (last.reset !== null) return true;
  return last.changes.length === ROWS && last.changes.every(({ node }) => node?.version === version);
}

test(`F11: one transaction changes ${ROWS} rows: whoever watches them gets all of it at once, or is told to fetch; others go on`, async () => {
  const watching = await app.follow('counters');
  const beside = await app.follow('others');
  const peak = memoryPeak();
  let version = 0;
  let isOn = true;
  const acknowledged: number[] = [];
  const writing = (async () => {
    while (isOn) {
      await database.query('update others set version = $1::text::int where id = 1', String(++version));
      acknowledged.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await beside.heard(1, 5);
  const began = performance.now();
  await database.script('update counters set version = version + 1');
  const committed = performance.now();
  await waitFor('the transaction', () => isWhole(watching, 1), 120_000);
  const arrived = performance.now();
  isOn = false;
  await writing;
  await beside.heard(1, version, 60_000);
  const grew = peak();

  // No message has half of it.
  for (const { changes } of watching.messages) expect([0, ROWS]).toContain(changes.length);
  // Nothing of the others is lost, doubled or out of order.
  expect(beside.changes.map(({ node }) => node?.version)).toEqual(
    Array.from({ length: version }, (_, i) => i + 1),
  );
  expect(beside.resets).toEqual([]);
  const delays = beside.messages.map(({ at }, i) => at - acknowledged[i]!).sort((a, b) => a - b);
  console.log(
    `committed after ${Math.round(committed - began)} ms, told ${Math.round(arrived - committed)} ms later` +
      ` (${watching.resets.join() || 'whole'}); others: p50 ${Math.round(delays[delays.length >> 1]!)} ms,` +
      ` at most ${Math.round(delays.at(-1)!)} ms; memory +${grew} MB (server and client in one process)`,
  );
  expect(grew).toBeLessThan(400 + ROWS / 250);

  // And it goes on.
  await database.query("update counters set version = 7, body = 'after' where id = 3");
  await watching.heard(3, 7);
  const { rows } = await app.fetch('counters');
  expect(rows).toHaveLength(Math.min(ROWS, 1_000));
}, 240_000);
