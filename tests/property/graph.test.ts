import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runSelect } from '../../src/query/select.js';
import type { ChangeSpec } from '../../src/scope/messages/types.js';
import { createDatabase } from '../support/database.js';
import { lanesOfTests, startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { foldTree, GraphMirror, nestedPlan } from '../support/graph-mirror.js';
import { propertyOptions } from '../support/property.js';
import { specOf, type With } from '../support/specs.js';
import { watchAll } from '../support/watch-all.js';
import { workload, workloadRows, writeAll } from '../support/workload.js';

/** The law of graphs: rows and links that a subscriber folds together are those that a nested query finds, for every user. */
const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(workloadRows);

const { scopes, retry, failures, quiet } = await startEngine(database, model, {
  ...lanesOfTests,
  // Short, so that scopes fall behind others now and then.
  patienceMs: 5,
  // As if there were many who differ in nothing but values.
  fewestReached: 1,
});
const writers = Array.from({ length: 3 }, () => database.connect({ max: 1 }));

const WATCHED: readonly (readonly [string, number | null, object, With])[] = [
  ['tasks', null, {}, { comments: {}, labels: {}, project: {}, assignee: {} }],
  [
    'tasks',
    1,
    { status: { ne: 'done' } },
    {
      comments: { with: { author: {} } },
      labels: { where: { name: { ne: 'l2' } } },
      project: { with: { members: {} } },
    },
  ],
  [
    'projects',
    2,
    {},
    { openTasks: { with: { comments: {}, labels: { with: { tasks: {} } } } }, people: {}, owner: {} },
  ],
  [
    'projects',
    null,
    { archived: false },
    {
      members: { where: { role: { in: ['owner', 'editor'] } } },
      people: { with: { assignedTasks: {} } },
      labels: {},
    },
  ],
  [
    'users',
    3,
    {},
    {
      projects: { with: { tasks: { where: { priority: { gte: 2 } } } } },
      memberships: { with: { project: {} } },
      assignedTasks: { with: { project: { with: { owner: {} } } } },
    },
  ],
  ['comments', 2, {}, { task: { with: { labels: {}, assignee: { with: { memberships: {} } } } } }],
  ['labels', null, {}, { tasks: { where: { comments: { body: { like: 'c%' } } }, with: { comments: {} } } }],
  ['taskLabels', 1, {}, { task: {}, label: { with: { project: {} } } }],
];

test('after any transactions, folded rows and links are those of a nested query', {
  timeout: 240_000,
}, async () => {
  const specs = WATCHED.map(([table, user, where, selected]) => specOf(table, user, where, selected));
  const read = (spec: ChangeSpec) =>
    retry(async () => foldTree(spec, (await runSelect(database.db, model, nestedPlan(model, spec))).rows));
  const mirrors: GraphMirror[] = [];
  for (const spec of specs) mirrors.push(new GraphMirror(scopes, spec, await read(spec)));
  await quiet();
  let comparisons = 0;

  const property = fc.asyncProperty(workload(writers.length), async (work) => {
    await writeAll(writers, work);
    await quiet();
    await new Promise((resolve) => setImmediate(resolve));
    for (const [at, mirror] of mirrors.entries()) {
      expect(mirror.error).toBeNull();
      if (mirror.reset) mirror.reload(await read(mirror.spec));
      expect(mirror.state, JSON.stringify(WATCHED[at])).toEqual(await read(mirror.spec));
      comparisons++;
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...propertyOptions(120), endOnFailure: true });

  expect(mirrors.every((mirror) => mirror.links > 0)).toBe(true);
  for (const mirror of mirrors) await mirror.stop();
  expect(scopes.status().scopes).toBe(0);
  const sum = (values: number[]) => values.reduce((a, b) => a + b);
  console.log(
    `${comparisons} comparisons with SELECT, ${sum(mirrors.map((m) => m.messages))} messages, ${sum(mirrors.map((m) => m.links))} links`,
  );
});
