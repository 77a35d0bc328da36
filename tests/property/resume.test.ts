import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runSelect } from '../../src/query/select.js';
import type { ChangeSpec } from '../../src/scope/messages/types.js';
import { createDatabase } from '../support/database.js';
import { lanesOfTests, startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { foldTree, GraphMirror, nestedPlan } from '../support/graph-mirror.js';
import { propertyOptions } from '../support/property.js';
import { specOf } from '../support/specs.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';
import { workload, workloadRows, writeAll } from '../support/workload.js';

/**
 * The law of cursors: a query's answer plus what the stream from its cursor says is what SELECT finds, however many writers were
 * under way at the query; and a stream that ended anywhere goes on at its last cursor with nothing missed and nothing twice.
 */
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
const [[epoch]] = (await database.query('select epoch::text from rivulet.log')) as [[string]];

const SPECS: readonly ChangeSpec[] = [
  specOf('tasks', null, { priority: { gte: 2 } }),
  specOf('tasks', 1, { status: { ne: 'done' } }),
  specOf('tasks', 2, {}, { comments: {}, labels: {}, project: { with: { members: {} } } }),
  specOf('projects', 3, {}, { openTasks: { with: { comments: {} } }, people: {} }),
  specOf('comments', 1, { task: { status: 'done' } }),
  specOf('members', 2, {}),
];

/** The answer of the nested query, with the snapshot that it holds at. */
async function read(spec: ChangeSpec) {
  const { rows, snapshot } = await retry(() => runSelect(database.db, model, nestedPlan(model, spec)));
  return { state: foldTree(spec, rows), snapshot };
}

async function subscribe(spec: ChangeSpec): Promise<GraphMirror> {
  const { state, snapshot } = await read(spec);
  return new GraphMirror(scopes, spec, state, { epoch, snapshot });
}

const rounds = fc.record({
  work: workload(writers.length, { truncate: false }),
  restarts: fc.array(fc.nat(SPECS.length - 1), { maxLength: 4 }),
});

test('a query and the stream from its cursor have no gap and no double, at first and after a disconnect', {
  timeout: 240_000,
}, async () => {
  const mirrors = await Promise.all(SPECS.map(subscribe));
  const counts = { comparisons: 0, resumed: 0, resets: 0 };

  const property = fc.asyncProperty(rounds, async ({ work, restarts }) => {
    const writing = writeAll(writers, work);
    const fresh: GraphMirror[] = [];
    for (const at of restarts) {
      const mirror = mirrors[at]!;
      await mirror.stop();
      if (!mirror.reset) {
        mirrors[at] = new GraphMirror(scopes, mirror.spec, mirror.state, { epoch, snapshot: mirror.cursor! });
        counts.resumed++;
      }
      fresh.push(await subscribe(mirror.spec));
    }
    await writing;
    await quiet();
    for (const [at, mirror] of [...mirrors, ...fresh].entries()) {
      const { state } = await read(mirror.spec);
      const settled = async () =>
        mirror.error !== null || mirror.reset !== null || isDeepStrictEqual(mirror.state, state);
      await waitFor('the stream has said everything', settled, 3_000).catch(() => {});
      expect(mirror.error).toBeNull();
      counts.comparisons++;
      if (mirror.reset) counts.resets++;
      else expect(mirror.state).toEqual(state);
      if (fresh.includes(mirror)) await mirror.stop();
      else if (mirror.reset) {
        await mirror.stop();
        mirrors[at] = await subscribe(mirror.spec);
      }
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...propertyOptions(100), endOnFailure: true });

  expect(counts.resumed).toBeGreaterThan(0);
  expect(counts.resets).toBe(0);
  for (const mirror of mirrors) await mirror.stop();
  await expect.poll(() => scopes.status().scopes).toBe(0);
  console.log(
    `${counts.comparisons} comparisons with SELECT, ${counts.resumed} streams resumed, ${counts.resets} resets`,
  );
});

test('who was away for hundreds of transactions is told what they did together, in a few steps', {
  timeout: 240_000,
}, async () => {
  const property = fc.asyncProperty(
    fc.array(workload(3, { truncate: false }), { minLength: 45, maxLength: 45 }),
    async (works) => {
      const away = await Promise.all(
        SPECS.map(async (spec) => {
          const mirror = await subscribe(spec);
          await mirror.stop();
          return mirror;
        }),
      );
      for (const work of works) await writeAll(writers, work);
      await quiet();
      for (const { spec, state, cursor } of away) {
        const mirror = new GraphMirror(scopes, spec, state, { epoch, snapshot: cursor! });
        const { state: expected } = await read(spec);
        await waitFor('the stream has said everything', () =>
          isDeepStrictEqual(mirror.state, expected),
        ).catch(() => {});
        expect(mirror.reset).toBeNull();
        expect(mirror.state).toEqual(expected);
        await mirror.stop();
      }
      expect(failures).toEqual([]);
    },
  );
  await fc.assert(property, { ...propertyOptions(2), endOnFailure: true });
});
