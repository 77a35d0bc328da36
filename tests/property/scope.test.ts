import fc from 'fast-check';
import { expect, test } from 'vitest';
import { and, normalize } from '../../shared/filter/normalize.js';
import { parseOrder } from '../../shared/filter/order.js';
import { parseFilter } from '../../shared/filter/parse.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import { runSelect } from '../../src/query/select.js';
import type { SelectPlan } from '../../src/query/types.js';
import { createDatabase } from '../support/database.js';
import { lanesOfTests, startEngine } from '../support/engine.js';
import { examplePolicies, exampleTables, exampleModel as model } from '../support/example.js';
import { LiveMirror, Mirror } from '../support/mirror.js';
import { propertyOptions } from '../support/property.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';
import { workload, workloadRows, writeAll } from '../support/workload.js';

/**
 * The law: whatever was committed, and in whatever order transactions interleaved, what a subscriber has after folding its
 * messages is what SELECT finds; and no message contradicts what the subscriber has.
 */
const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(workloadRows);
const { scopes, retry, failures, quiet } = await startEngine(database, model, {
  ...lanesOfTests,
  // As if there were many who differ in nothing but values.
  fewestReached: Number(process.env.RIVULET_FEWEST_REACHED ?? 1),
});
const writers = Array.from({ length: 3 }, () => database.connect({ max: 1 }));

const select = (plan: SelectPlan) => retry(() => runSelect(database.db, model, plan));

function planOf(tableName: string, userId: number | null, where: object): SelectPlan {
  const table = model.table(tableName);
  const rights = userId === null ? null : resolveRights(model, examplePolicies, { userId });
  const own = parseFilter(model, table, where);
  const filter = rights ? and(rights.guard(table, own), rights.filter(table, 'read')) : own;
  const orderBy = parseOrder(table, undefined);
  return { table, filter: normalize(filter), orderBy, limit: null, offset: 0, related: [] };
}

/** Who watches what; `null` is server code, without policies. */
const WATCHED: readonly (readonly [string, number | null, object])[] = [
  ['tasks', 1, {}],
  ['tasks', 2, { status: 'todo' }],
  ['tasks', null, { priority: { gte: 2 } }],
  ['tasks', null, { title: { ilike: 'T%' }, status: { ne: 'done' } }],
  ['tasks', 3, { comments: { body: { like: 'c%' } } }],
  ['tasks', 1, { NOT: { labels: { name: { in: ['l1', 'l2'] } } } }],
  ['tasks', null, { OR: [{ project: { archived: true } }, { assignee: { name: 'u2' } }] }],
  ['tasks', null, { labels: { name: 'l1' } }],
  ['tasks', null, { OR: [{ assigneeId: 2 }, { project: { members: { userId: 3 } } }] }],
  ['tasks', null, { project: { ownerId: 1 }, NOT: { labels: { name: 'l2' } } }],
  ['comments', null, { task: { OR: [{ labels: { name: 'l1' } }, { assigneeId: { in: [1, 3] } }] } }],
  ['projects', null, { tasks: { comments: { authorId: 1 } } }],
  ['comments', 2, {}],
  ['comments', 1, { task: { status: 'done' } }],
  ['labels', 3, {}],
  ['taskLabels', 1, {}],
  ['members', 2, { role: { in: ['owner', 'editor'] } }],
  ['projects', 3, { openTasks: { priority: { gt: 0 } } }],
  ['users', null, { projects: { archived: { eq: false } } }],
];

test('after any transactions, what a subscriber was told is what SELECT finds', {
  timeout: 240_000,
}, async () => {
  const plans = WATCHED.map(([table, user, where]) => planOf(table, user, where));
  const mirrors = plans.map((plan) => new Mirror(scopes, plan));
  const lives = plans.map((plan) => new LiveMirror(scopes, { ...plan, limit: 3 }));
  await quiet();
  for (const mirror of mirrors) await mirror.load(select);
  let comparisons = 0;

  const property = fc.asyncProperty(workload(writers.length), async (work) => {
    await writeAll(writers, work);
    await quiet();
    await new Promise((resolve) => setImmediate(resolve));
    for (const mirror of mirrors) {
      expect(mirror.error).toBeNull();
      if (mirror.needsReload) await mirror.load(select);
      const found = await select(mirror.plan);
      const rows = new Map(found.rows.map((row) => [row.key, row.cells]));
      expect(mirror.rows, `${mirror.plan.table.name} of ${WATCHED[mirrors.indexOf(mirror)]?.[1]}`).toEqual(
        rows,
      );
      comparisons++;
    }
    for (const live of lives) {
      const found = await select(live.plan);
      await waitFor(
        `the live query on ${live.plan.table.name} is current`,
        async () => live.last?.raw === found.raw,
        5_000,
      );
      comparisons++;
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...propertyOptions(150), endOnFailure: true });

  const messages = mirrors.map((mirror) => mirror.messages);
  expect(messages.every((count) => count > 0)).toBe(true);
  expect(lives.every((live) => live.repeated === 0)).toBe(true);
  for (const mirror of [...mirrors, ...lives]) await mirror.stop();
  expect(scopes.status()).toEqual({ scopes: 0, liveQueries: 0, subscribers: 0 });
  console.log(`${comparisons} comparisons with SELECT, ${messages.reduce((a, b) => a + b)} messages`);
});
