import { expect, test } from 'vitest';
import { parseSnapshot } from '../../src/log/snapshot.js';
import { createDatabase } from '../support/database.js';
import { startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { specOf } from '../support/specs.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';

const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(`
  insert into users (name, email) values ('u', 'u@example.com');
  insert into projects (name, owner_id) values ('p', 1);
  insert into members (project_id, user_id, role) values (1, 1, 'owner');
  insert into tasks (project_id, title) select 1, 't' || n from generate_series(1, 8) n;
`);
const limits = { maxScopeKeys: 10, maxQueuedChanges: 5, maxReplayedChanges: 20 };
const { feed, scopes } = await startEngine(database, model, limits);
const [[epoch]] = (await database.query('select epoch::text from rivulet.log')) as [[string]];
const addTasks = (count: number) =>
  database.script(`insert into tasks (project_id, title) select 1, 'new' from generate_series(1, ${count})`);

test('a scope that outgrows what it may keep says so: a reset, then a coded error; a new one is refused', async () => {
  const stream = scopes.changes(specOf('tasks', 1, {}));
  const first = stream.next();
  await addTasks(1);
  expect((await first).value.changes).toHaveLength(1);
  await addTasks(5);
  expect((await stream.next()).value).toMatchObject({ reset: 'TOO_LARGE', changes: [] });
  await expect(stream.next()).rejects.toMatchObject({ code: 'SCOPE_TOO_LARGE' });
  await expect(scopes.changes(specOf('tasks', 1, {})).next()).rejects.toMatchObject({
    code: 'SCOPE_TOO_LARGE',
  });
  expect(scopes.status()).toMatchObject({ scopes: 0, subscribers: 0 });
});

test('a scope that keeps nothing has no such limit', async () => {
  const stream = scopes.changes(specOf('tasks', null, {}));
  const first = stream.next();
  await addTasks(30);
  expect((await first).value.changes).toHaveLength(30);
  await stream.return?.();
});

test('a subscriber that does not read is told of the loss, once, and hears what comes after', async () => {
  const slow = scopes.changes(specOf('tasks', null, {}));
  const quick = scopes.changes(specOf('tasks', null, {}));
  const heard: number[] = [];
  const reading = (async () => {
    for await (const message of quick) heard.push(message.changes.length);
  })();
  for (let n = 0; n < 8; n++) {
    await addTasks(1);
    await feed.catchUp();
  }
  expect((await slow.next()).value).toMatchObject({ reset: 'OVERFLOW', transaction: null });
  await quick.return?.();
  await reading;
  expect(heard).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  await slow.return?.();
});

test('more missed changes than are replayed make a reset, and the stream goes on from now', async () => {
  const [[snapshot]] = (await database.query('select pg_current_snapshot()::text')) as [[string]];
  // More than is remembered: what the feed brought last costs nothing, and is replayed whatever the limit.
  await addTasks(5_001);
  await feed.catchUp();
  const after = { epoch, snapshot: parseSnapshot(snapshot) };
  const stream = scopes.changes(specOf('tasks', null, {}), { after });
  expect((await stream.next()).value).toMatchObject({ reset: 'TOO_OLD' });
  await addTasks(1);
  expect((await stream.next()).value.changes).toHaveLength(1);
  await stream.return?.();
});

test('a scope that keeps keys cannot be made out for a moment before a TRUNCATE: a reset', async () => {
  const [[snapshot]] = (await database.query('select pg_current_snapshot()::text')) as [[string]];
  await database.script('truncate tasks cascade');
  await feed.catchUp();
  const after = { epoch, snapshot: parseSnapshot(snapshot) };
  const stream = scopes.changes(specOf('tasks', 1, {}), { after });
  expect((await stream.next()).value).toMatchObject({ reset: 'TRUNCATED' });
  await addTasks(1);
  expect((await stream.next()).value.changes).toMatchObject([{ kind: 'ENTER', op: 'INSERT' }]);
  await stream.return?.();
});

test('of a row that a TRUNCATE took and that was written again one thing is told', async () => {
  await database.script(`insert into tasks (id, project_id, title) overriding system value
    values (9000000, 1, 'before'), (9000001, 1, 'gone'), (9000002, 1, 'lost')`);
  await feed.catchUp();
  const stream = scopes.changes(
    specOf('tasks', null, { project: { archived: false }, id: { gte: 9000000 } }),
  );
  await waitFor('it is live', () => scopes.list().every(({ state }) => state === 'live'));
  await database.script(`begin; truncate tasks cascade;
    insert into projects (name, owner_id, archived) values ('old', 1, true);
    insert into tasks (id, project_id, title) overriding system value
      values (9000000, 1, 'after'), (9000002, (select max(id) from projects), 'elsewhere'), (9000003, 1, 'new'); commit`);
  const { value } = await stream.next();
  const told = value.changes.map(
    ({ kind, op, key }: { kind: string; op: string; key: string }) => `${kind} ${op} ${key}`,
  );
  expect([value.reset, told.sort()]).toEqual([
    'TRUNCATED',
    ['ENTER INSERT 9000003', 'LEAVE null 9000001', 'LEAVE null 9000002', 'UPDATE INSERT 9000000'],
  ]);
  await stream.return?.();
});
