import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runSelect } from '../../src/query/select.js';
import type { ChangeSpec, ScopeMessage, ScopeRegistry } from '../../src/scope/messages/types.js';
import { createDatabase } from '../support/database.js';
import { startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { foldTree, GraphMirror, nestedPlan } from '../support/graph-mirror.js';
import { propertyOptions } from '../support/property.js';
import { imagesIn, plantedSecrets, RightsOracle } from '../support/rights-oracle.js';
import { specOf, type With } from '../support/specs.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';
import { workload, workloadRows, writeAll } from '../support/workload.js';

/**
 * The law of replays: whatever rights were given and withdrawn while a subscriber was away, the replay amounts to what SELECT finds, and
 * carries no image that today's rights do not show, of any row, at any level. Each version of a row has a secret of its own.
 */
const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(plantedSecrets);
await database.script(workloadRows);
const { scopes, retry, failures, quiet } = await startEngine(database, model, { fewestReached: 1 });
const writers = Array.from({ length: 3 }, () => database.connect({ max: 1 }));
const [[epoch]] = (await database.query('select epoch::text from rivulet.log')) as [[string]];

/** Whose rows carry relations, instead of scopes that hang from it. */
function carrying(table: string, user: number, selected: With): ChangeSpec {
  const nested = specOf(table, user, {}, selected);
  return { ...nested, related: nestedPlan(model, nested).related, graph: [] };
}

const WATCHED: readonly (readonly [user: number, spec: ChangeSpec])[] = [
  [1, specOf('tasks', 1, {})],
  [2, specOf('tasks', 2, { status: { ne: 'done' } })],
  [3, specOf('comments', 3, {})],
  [1, specOf('users', 1, { assignedTasks: { status: { ne: 'done' } } })],
  [
    2,
    specOf(
      'projects',
      2,
      {},
      { people: { where: { assignedTasks: { status: { ne: 'done' } } } }, tasks: {} },
    ),
  ],
  [3, specOf('tasks', 3, { comments: { authorId: { ne: 1 } } }, { labels: {} })],
  [1, specOf('taskLabels', 1, {})],
  [2, specOf('members', 2, {})],
  [2, specOf('tasks', 2, {}, { comments: {}, labels: {}, project: { with: { members: {} } } })],
  [3, specOf('projects', 3, {}, { openTasks: { with: { comments: {} } }, people: {} })],
  [1, carrying('tasks', 1, { comments: {}, labels: {} })],
  [3, carrying('projects', 3, { tasks: { with: { comments: {} } } })],
  [2, specOf('users', 2, {}, { projects: { with: { tasks: {} } } })],
];

async function read(spec: ChangeSpec) {
  const { rows, snapshot } = await retry(() => runSelect(database.db, model, nestedPlan(model, spec)));
  return { state: foldTree(spec, rows), snapshot };
}

/** As `scopes`, with what was delivered; a stream ends after so many messages. */
function recording(most: number, delivered: ScopeMessage[]): ScopeRegistry {
  let left = most;
  const changes: ScopeRegistry['changes'] = (spec, options) => {
    const stream = scopes.changes(spec, options);
    return Object.assign(Object.create(stream), {
      next: async () => {
        const step = left-- > 0 ? await stream.next() : await stream.return!();
        if (!step.done) delivered.push(step.value);
        return step;
      },
      return: () => stream.return!(),
      [Symbol.asyncIterator]() {
        return this;
      },
    });
  };
  return Object.assign(Object.create(scopes), { changes }) as ScopeRegistry;
}

const rounds = fc.record({
  works: fc.array(workload(writers.length, { truncate: false }), { minLength: 1, maxLength: 4 }),
  /** After how many messages the first replay is cut. */
  cut: fc.integer({ min: 1, max: 6 }),
});

test('T36: a replay amounts to SELECT and carries nothing that the rights of today do not show', {
  timeout: 300_000,
}, async () => {
  const counts = { replays: 0, messages: 0, images: 0, hidden: 0 };
  const property = fc.asyncProperty(rounds, async ({ works, cut }) => {
    const away = await Promise.all(WATCHED.map(async ([, spec]) => read(spec)));
    for (const work of works) await writeAll(writers, work);
    await quiet();
    const oracle = await RightsOracle.read(database);
    for (const [at, [user, spec]] of WATCHED.entries()) {
      const { state, snapshot } = away[at]!;
      const expected = (await read(spec)).state;
      const delivered: ScopeMessage[] = [];
      const first = new GraphMirror(recording(cut, delivered), spec, state, { epoch, snapshot });
      const isSettled = () => isDeepStrictEqual(first.state, expected) || first.error !== null;
      await waitFor(
        'the replay has ended, or was cut',
        () => isSettled() || first.messages === cut,
        5_000,
      ).catch(() => {});
      await first.stop();
      const second = new GraphMirror(recording(1_000, delivered), spec, first.state, {
        epoch,
        snapshot: first.cursor!,
      });
      await waitFor('the rest was replayed', () => isDeepStrictEqual(second.state, expected), 5_000).catch(
        () => {},
      );
      expect(first.error ?? second.error, `user ${user} on ${spec.table.name}`).toBeNull();
      expect(first.reset ?? second.reset).toBeNull();
      expect(second.state).toEqual(expected);
      await second.stop();

      const images = imagesIn(spec.table, delivered);
      for (const { table, image } of images) {
        const what = `to user ${user} on ${spec.table.name}: ${table} ${JSON.stringify(image)}`;
        expect(oracle.shows(user, table, image), what).toBe(true);
      }
      const text = images.map((each) => each.text).join();
      const hidden = oracle.hiddenSecrets(user);
      expect(hidden.filter((secret) => text.includes(secret))).toEqual([]);
      counts.replays++;
      counts.messages += delivered.length;
      counts.images += images.length;
      counts.hidden += hidden.length;
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...propertyOptions(40), endOnFailure: true });
  expect(counts.images).toBeGreaterThan(0);
  expect(counts.messages).toBeGreaterThan(counts.replays / 2);
  console.log(
    `${counts.replays} replays, ${counts.messages} messages with ${counts.images} images; ${counts.hidden} versions were not to be shown`,
  );
});
