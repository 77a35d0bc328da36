import { expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';

const { server, url, database, token, client, subscribed } = await serveExample();
const ada = await token(1);
const grace = await token(2);

async function query(document: string, bearer = ada) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
    body: JSON.stringify({ query: document }),
  });
  return (await response.json()) as {
    data: Record<string, unknown>;
    errors?: { message: string; extensions: { code: string } }[];
    extensions?: { rivulet: { cursor: string } };
  };
}

const STREAM =
  'subscription ($after: String) { taskChanges(after: $after) { cursor reset changes { kind key node { title } } } }';

interface Message {
  readonly cursor: string;
  readonly reset: string | null;
  readonly changes: readonly { kind: string; key: string; node: { title: string } | null }[];
}

function stream(after: string | null, bearer = ada) {
  const iterator = client(bearer).iterate<{ taskChanges: Message }>({ query: STREAM, variables: { after } });
  return {
    async next(): Promise<Message> {
      const { value } = await iterator.next();
      if (value?.errors) throw Object.assign(new Error('refused'), { errors: value.errors });
      return value.data.taskChanges;
    },
    stop: () => iterator.return?.(),
  };
}

const rename = (id: number, title: string) =>
  database.query('update tasks set title = $1::text where id = $2::text::int', title, String(id));

test('an answer with several root fields holds in one snapshot, which is its cursor', async () => {
  const { extensions } = await query(
    '{ tasks(limit: 1) { id } labels { id } tasksConnection { totalCount } users { id } }',
  );
  expect(extensions?.rivulet.cursor).toMatch(/^[\w-]{40,}$/);
  const mutation = await query('mutation { updateTask(id: 1, set: { priority: 1 }) { id } }');
  expect(mutation.extensions).toBeUndefined();
});

test('a stream after the cursor of a query brings what was committed in between, and then what comes', async () => {
  const { extensions } = await query('{ tasks { id title } }');
  await rename(1, 'in between');
  const changes = stream(extensions!.rivulet.cursor);
  expect((await changes.next()).changes).toEqual([
    { kind: 'UPDATE', key: '1', node: { title: 'in between' } },
  ]);
  await rename(1, 'afterwards');
  expect((await changes.next()).changes[0]?.node?.title).toBe('afterwards');
  await changes.stop();
  await subscribed(0);
});

test('a stream that was cut goes on at the cursor of its last message: each missed transaction, once', async () => {
  const { extensions } = await query('{ tasks { id } }');
  const first = stream(extensions!.rivulet.cursor);
  await rename(1, 'one');
  const { cursor } = await first.next();
  await first.stop();
  for (const title of ['two', 'three', 'four']) await rename(1, title);
  const second = stream(cursor);
  const titles = [];
  for (let n = 0; n < 3; n++) titles.push((await second.next()).changes[0]?.node?.title);
  expect(titles).toEqual(['two', 'three', 'four']);
  await rename(1, 'five');
  expect((await second.next()).changes[0]?.node?.title).toBe('five');
  await second.stop();
});

test('a replay is judged by the rights of today: what was lost while away leaves, what was gained enters', async () => {
  const { data, extensions } = await query('{ projects { id tasks { id } } }', grace);
  const projects = data.projects as { id: string; tasks: { id: string }[] }[];
  const lost = projects[0]!;
  await database.query('delete from members where project_id = $1::text::int and user_id = 2', lost.id);
  await rename(Number(lost.tasks[0]!.id), 'no longer for grace');
  const changes = stream(extensions!.rivulet.cursor, grace);
  const message = await changes.next();
  expect(message.reset).toBeNull();
  expect(message.changes.map(({ kind, key }) => `${kind} ${key}`).sort()).toEqual(
    lost.tasks.map(({ id }) => `LEAVE ${id}`).sort(),
  );
  expect(JSON.stringify(message)).not.toContain('no longer for grace');
  await database.query(
    "insert into members (project_id, user_id, role) values ($1::text::int, 2, 'editor')",
    lost.id,
  );
  expect((await changes.next()).changes.map(({ kind }) => kind)).toEqual(lost.tasks.map(() => 'ENTER'));
  await changes.stop();
});

test('a forged cursor, a cut one and one that is none are refused, and the socket goes on', async () => {
  const { extensions } = await query('{ tasks { id } }');
  const good = extensions!.rivulet.cursor;
  const bad = [good.slice(0, -2), `${good.slice(0, 30)}AAAA${good.slice(34)}`, 'x', '{}', 'A'.repeat(60_000)];
  for (const cursor of bad) {
    const error = await stream(cursor)
      .next()
      .catch((refused) => refused);
    expect(JSON.stringify(error.errors ?? error)).toContain('CURSOR_INVALID');
  }
  const changes = stream(good);
  await rename(2, 'still here');
  expect((await changes.next()).changes[0]?.key).toBe('2');
  await changes.stop();
});

test('a cursor from another log resets the stream, which then goes on from now', async () => {
  const { extensions } = await query('{ tasks { id } }');
  await database.query(
    "update rivulet.log set epoch = gen_random_uuid() where epoch::text <> 'x' returning epoch::text",
  );
  // Whoever follows at that moment is told LOG_LOST.
  await server.feed.catchUp();
  const changes = stream(extensions!.rivulet.cursor);
  const message = await changes.next();
  expect(message).toMatchObject({ reset: 'OTHER_LOG', changes: [] });
  await changes.stop();
});
