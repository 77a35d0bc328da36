import { expect, test } from 'vitest';
import type { ScopeMessage } from '../../src/scope/messages/types.js';
import { createDatabase } from '../support/database.js';
import { startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { specOf } from '../support/specs.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';

/** An owner of many filters, all of them different, beside neighbours with one each. */
const MANY = 60;

const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(`
  insert into users (name, email) values ('u1', 'u1@example.com'), ('u2', 'u2@example.com');
  insert into projects (name, owner_id) values ('p', 1);
  insert into members (project_id, user_id, role) values (1, 1, 'owner'), (1, 2, 'owner');
  insert into tasks (project_id, title) select 1, 't' from generate_series(1, 3);
  insert into comments (task_id, author_id, body) select t, 1, 'b' from generate_series(1, 3) t;
`);
// Nobody is left behind because of patience: what does not wait here never does.
const { scopes, quiet, failures } = await startEngine(database, model, {
  patienceMs: 120_000,
  maxLaneChanges: 1_000,
});
const pool = database.connect({ max: 2, applicationName: 'writer' });

interface Heard {
  readonly messages: ScopeMessage[];
  readonly titles: () => (string | null)[];
  stop(): Promise<unknown>;
}

const title = model.table('tasks').column('title').index;

function follow(owner: string, spec = specOf('tasks', 1, {}), after?: ScopeMessage['cursor']): Heard {
  const messages: ScopeMessage[] = [];
  const cursor = after && { epoch: scopesEpoch, snapshot: after };
  const stream = scopes.changes(spec, { owner, after: cursor });
  void (async () => {
    for await (const message of stream as AsyncIterable<ScopeMessage>) messages.push(message);
  })();
  const titles = () =>
    messages.flatMap(({ changes }) => changes.map(({ node }) => node?.cells[title] ?? null));
  return { messages, titles, stop: async () => stream.return?.() };
}
const [[scopesEpoch]] = (await database.query('select epoch::text from rivulet.log')) as [[string]];

/** Through `comments`, and through the title that changes: Postgres decides, and a lock on `comments` stops it. */
const heavySpec = (n: number) =>
  specOf('tasks', 2, {
    OR: [{ title: { ilike: 'v%' } }, { title: { ilike: `${n}` } }],
    comments: { AND: Array.from({ length: 1 + (n % 7) }, (_, i) => ({ body: { ne: `${n} ${i}` } })) },
  });

async function lockComments(): Promise<() => Promise<void>> {
  const holder = database.connect({ max: 1, applicationName: 'holder' });
  await holder.script('begin; lock table comments in access exclusive mode');
  return async () => {
    await holder.script('commit');
    await holder.close();
  };
}

async function followMany(): Promise<readonly Heard[]> {
  const heavy = Array.from({ length: MANY }, (_, n) => follow('heavy', heavySpec(n)));
  await waitFor('scopes are loaded', () => scopes.list().every(({ state }) => state === 'live'));
  await quiet();
  return heavy;
}

const write = (n: number, id = 1) => pool.script(`update tasks set title = 'v${n}' where id = ${id}`);

test('many filters of one owner, stopped in Postgres, hold back nobody else, and follow in order', {
  timeout: 60_000,
}, async () => {
  const inMemory = follow('memory', specOf('tasks', 1, { title: { like: 'v%' } }));
  const inPostgres = follow('postgres', specOf('tasks', 1, { title: { ilike: 'V%' }, priority: { gte: 0 } }));
  const heavy = await followMany();
  // One of the many filters is a neighbour's, too.
  const shared = follow('neighbour', specOf('tasks', 1, { title: { ilike: 'V_%' } }));
  const sharedByHeavy = follow('heavy', specOf('tasks', 1, { title: { ilike: 'V_%' } }));
  await quiet();
  const release = await lockComments();
  const expected: string[] = [];
  for (let n = 1; n <= 12; n++) {
    await write(n);
    expected.push(`v${n}`);
    for (const { titles } of [inMemory, inPostgres, shared, sharedByHeavy]) {
      await waitFor('the neighbour is told', () => titles().length === n);
      expect(titles()).toEqual(expected);
    }
  }
  expect(heavy.map(({ messages }) => messages.length)).toEqual(heavy.map(() => 0));
  expect(scopes.figures().behind).toBe(MANY);
  await release();
  await quiet();
  await waitFor('the others are told', () => heavy.every(({ titles }) => titles().at(-1) === 'v12'));
  expect(scopes.figures().behind).toBe(0);
  for (const { messages, titles } of heavy) {
    const told = titles().map((each) => Number(each!.slice(1)));
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told[0]).toBe(1);
    expect(new Set(told).size).toBe(told.length);
    expect(messages.filter(({ reset }) => reset !== null)).toEqual([]);
    // Each message has the name of a transaction, and its cursor.
    expect(messages.every(({ transaction }) => transaction !== null)).toBe(true);
  }
  // They are up with the others again, and what comes next is told of each transaction.
  await write(13);
  await waitFor('all are told', () => heavy.every(({ titles }) => titles().at(-1) === 'v13'));

  // Whoever resumes at a message that came late is told what came after it, in order, and nothing twice.
  const [first] = heavy;
  const resumed = follow('heavy', heavySpec(0), first!.messages[1]!.cursor);
  await waitFor('the resumed is told', () => resumed.titles().at(-1) === 'v13');
  // A replay may tell several transactions as one, so not the same steps.
  const told = [first!.titles()[1]!, ...resumed.titles()].map((each) => Number(each!.slice(1)));
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
  const all = [inMemory, inPostgres, shared, sharedByHeavy, resumed, ...heavy];
  await Promise.all(all.map((each) => each.stop()));
  expect(failures).toEqual([]);
});

test('when more waits in a lane than is kept, its owner starts anew and nobody waits', {
  timeout: 60_000,
}, async () => {
  await database.script(`insert into tasks (project_id, title) select 1, 'u' from generate_series(1, 400)`);
  await quiet();
  const neighbour = follow('memory', specOf('tasks', 1, { id: { eq: '1' } }));
  const heavy = await followMany();
  const release = await lockComments();
  for (let n = 1; n <= 5; n++) {
    await pool.script(`update tasks set title = 'v${n}'`);
    await waitFor('the neighbour is told', () => neighbour.titles().length === n, 20_000);
  }
  await release();
  await waitFor('each is told of the loss', () =>
    heavy.every(({ messages }) => messages.some(({ reset }) => reset === 'OVERFLOW')),
  );
  await waitFor('they begin again', () => scopes.list().every(({ state }) => state === 'live'), 30_000);
  await quiet();
  for (const { messages } of heavy) messages.length = 0;
  await write(99, 2);
  await waitFor('they are told again', () => heavy.every(({ titles }) => titles().at(-1) === 'v99'));
  expect(heavy.flatMap(({ messages }) => messages.filter(({ reset }) => reset !== null))).toEqual([]);
  await Promise.all([neighbour, ...heavy].map((each) => each.stop()));
  expect(failures).toEqual([]);
});
