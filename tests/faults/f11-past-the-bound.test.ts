import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

const BOUND = 300;
const database = await createDatabase({ setup: smallSetup(BOUND + 1) });
const app = await serveSmallApp(database.url, { limits: { maxTransactionRows: BOUND } });

test('F11: one transaction changes more rows than are told: who watches them fetches again, others notice nothing', async () => {
  const watching = await app.follow('counters');
  const beside = await app.follow('others');
  const { cursor } = await app.fetch('counters');
  await database.script('update counters set version = 1 where id <= 300');
  await waitFor('as many as are told', () => watching.changes.length === BOUND);
  await database.script('update counters set version = 2');
  await database.script('update others set version = 1 where id = 1');
  await waitFor('the reset', () => watching.resets.length > 0);
  expect(watching.resets).toEqual(['OVERFLOW']);
  expect(watching.changes).toHaveLength(BOUND);
  await beside.heard(1, 1);
  expect(beside.resets).toEqual([]);

  // And it goes on.
  await database.script('update counters set version = 3 where id = 5');
  await watching.heard(5, 3);
  expect(watching.changes).toHaveLength(BOUND + 1);
  await watching.stop();

  // Nor can it be replayed; what came before it may be told first.
  const late = await app.follow('counters', { after: cursor });
  await waitFor('the reset', () => late.resets.length > 0);
  expect(late.resets).toEqual(['TOO_OLD']);
  const current = await app.fetch('counters');
  await database.script('update counters set version = 4 where id = 6');
  await late.heard(6, 4);
  await late.stop();
  const resumed = await app.follow('counters', { after: current.cursor });
  await resumed.heard(6, 4);
  expect(resumed.resets).toEqual([]);
});
