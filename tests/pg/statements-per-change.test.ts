import { expect, test } from 'vitest';
import { createScopes } from '../../src/scope/lifecycle/scopes.js';
import type { ChangeSpec, ScopeMessage } from '../../src/scope/messages/types.js';
import { createDatabase } from '../support/database.js';
import { startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { observed } from '../support/observed.js';
import { specOf } from '../support/specs.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';

/** What judging a change costs the database, beside the feed's own reading of the log. */
const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(`
  insert into users (name, email) values ('u', 'u@example.com'), ('v', 'v@example.com');
  insert into projects (name, owner_id) values ('p', 1);
  insert into members (project_id, user_id, role) values (1, 1, 'owner'), (1, 2, 'viewer');
  insert into tasks (project_id, title) select 1, 't' || n from generate_series(1, 3) n;
`);

const asked: string[] = [];
const db = observed(database.db, ({ text }) => {
  // Questions about images and rows are lists of values; the feed asks none.
  if (text.startsWith('values (') || text.includes('union all')) asked.push(text);
});
const feedReads = (text: string) => text.includes('l.epoch');
const { feed, scopes, quiet } = await startEngine(database, model, {}, db);

const areLive = () =>
  waitFor('scopes are loaded', () => scopes.list().every(({ state }) => state === 'live'));

/** What was asked because of one change to one task, after every subscriber was told of it. */
async function costOf(specs: readonly ChangeSpec[]): Promise<readonly string[]> {
  const streams = specs.map((spec) => scopes.changes(spec));
  await areLive();
  const told = Promise.all(streams.map((stream) => stream.next()));
  asked.length = 0;
  await database.script('update tasks set position = position + 1 where id = 1');
  for (const { value } of (await told) as { value: ScopeMessage }[]) expect(value.changes).toHaveLength(1);
  const questions = asked.filter((text) => !feedReads(text));
  await Promise.all(streams.map((stream) => stream.return?.()));
  return questions;
}

test('a filter that memory decides costs no statement, however many subscribe', async () => {
  const specs = ['t1', 't1', 'none'].map((title) =>
    specOf('tasks', null, { title: { ne: title === 't1' ? '' : title } }),
  );
  const ranged = specOf('tasks', null, { priority: { gte: 0 }, status: { in: ['todo', 'doing'] } });
  expect(await costOf([...specs, ranged])).toEqual([]);
});

test('filters that only Postgres decides cost one statement together', async () => {
  const questions = await costOf([
    specOf('tasks', 1, {}),
    specOf('tasks', 2, {}),
    specOf('tasks', null, { title: { ilike: 'T%' } }),
  ]);
  expect(questions).toHaveLength(1);
});

test('writers elsewhere are not waited for, and cost no statement more: what they wrote is not looked at', async () => {
  const stream = scopes.changes(specOf('tasks', 1, {}));
  await areLive();
  const first = stream.next();
  asked.length = 0;
  // They are committed before the question about the first is asked, or are read with it: either way they say nothing of it.
  await database.script(`do $$ begin
    for n in 1..20 loop update tasks set position = 100 + n where id = 2; commit; end loop;
  end $$`);
  await first;
  for (let n = 0; n < 19; n++) await stream.next();
  expect(asked.filter((text) => text.includes('union all') && !feedReads(text))).toEqual([]);
  await stream.return?.();
});

test('a live query is not asked again for what its rights do not look at', async () => {
  const { table, filter } = specOf('tasks', 1, {});
  const stream = scopes.live({ table, filter, orderBy: [], limit: null, offset: 0, related: [] });
  expect((await stream.next()).value.rows).toHaveLength(3);
  asked.length = 0;
  await database.script(`update projects set name = 'another' where id = 1`);
  await quiet();
  // It is for what they do look at.
  const next = stream.next();
  await database.script('delete from members where project_id = 1 and user_id = 1');
  expect((await next).value.rows).toHaveLength(0);
  expect(asked.filter((text) => !feedReads(text))).toHaveLength(1);
  await stream.return?.();
});

test('filters that cannot be looked up are named, each once, and without their values', async () => {
  const named: string[] = [];
  const options = {
    model,
    feed,
    onError: () => {},
    onUnindexed: (table: string, filter: string) => named.push(`${table} ${filter}`),
  };
  // It is not asked anything here.
  const other = createScopes(options as unknown as Parameters<typeof createScopes>[0]);
  const wheres = [
    { title: { like: 'a%' } },
    { title: { like: 'b%' } },
    { OR: [{ priority: { gt: 1 } }, { NOT: { status: { eq: 'done' } } }] },
    { priority: { eq: 1 }, title: { like: 'c%' } },
    { id: { in: [1, 2] } },
    { project: { members: { userId: { eq: 1 } } } },
    {},
  ];
  const streams = wheres.map((where) => other.changes(specOf('tasks', null, where)));
  expect(named).toEqual([
    'tasks { title: { like } }',
    expect.stringMatching(/^tasks \{ OR: \[.*priority: \{ gt \}.*\] \}$/),
  ]);
  await Promise.all(streams.map((stream) => stream.return?.()));
  await other.stop();
});
