import { GraphQLObjectType, GraphQLSchema, GraphQLString, parse } from 'graphql';
import { expect, test } from 'vitest';
import { SharedSubscriptions } from '../../src/graphql/execute/shared-subscriptions.js';
import { serveExample } from '../support/example-server.js';

const { database, token, client, socket, subscribed, server } = await serveExample();
const DOCUMENT = 'subscription { taskChanges { changes { kind key node { title project { name } } } } }';

/** A raw socket with one subscription; `frames` are its `next` frames as they came. */
async function follow(userId: number, query = DOCUMENT, id = '1', variables = {}) {
  const ws = socket();
  const frames: string[] = [];
  const acknowledged = new Promise<void>((resolve) => {
    ws.on('message', (data) => {
      const text = String(data);
      if (text.includes('connection_ack')) resolve();
      if (text.includes('"type":"next"')) frames.push(text);
    });
  });
  await new Promise((resolve) => ws.once('open', resolve));
  ws.send(
    JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${await token(userId)}` } }),
  );
  await acknowledged;
  ws.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));
  return { ws, frames };
}

test('subscribers with the same document and rights are sent the same bytes but for their own operation id', async () => {
  const before = server.scopes.status().subscribers;
  const [one, two] = [await follow(1, DOCUMENT, 'a'), await follow(1, DOCUMENT, 'b "quoted"')];
  await subscribed(before + 2);
  expect(server.scopes.status().scopes).toBe(1);
  await database.script("update tasks set title = 'shared' where id = 1");
  await expect.poll(() => one.frames.length + two.frames.length).toBe(2);
  expect(two.frames[0]).toBe(one.frames[0]!.replace('"id":"a"', '"id":"b \\"quoted\\""'));
  expect(JSON.parse(two.frames[0]!)).toMatchObject({ id: 'b "quoted"', type: 'next', payload: { data: {} } });
  one.ws.close();
  two.ws.close();
  await subscribed(before);
});

test('those who resumed at different cursors share with those who were there, down to the bytes', async () => {
  const query =
    'subscription ($after: String) { taskChanges(after: $after) { cursor changes { key node { title } } } }';
  const cursorOf = (frame: string | undefined) => JSON.parse(frame!).payload.data.taskChanges.cursor;
  const there = await follow(1, query);
  await subscribed(1);
  for (const title of ['one', 'two']) {
    await database.query('update tasks set title = $1 where id = 1', title);
    await expect.poll(() => there.frames.at(-1)).toContain(`"${title}"`);
  }
  const [first, second] = there.frames.map(cursorOf);
  const early = await follow(1, query, '1', { after: first });
  const late = await follow(1, query, '1', { after: second });
  await expect.poll(() => early.frames.length).toBe(1);
  await subscribed(3);
  await expect.poll(() => server.scopes.status().scopes).toBe(1);
  await database.script("update tasks set title = 'together' where id = 1");
  await expect.poll(() => [early, late, there].map(({ frames }) => frames.length)).toEqual([2, 1, 3]);
  // A cursor is encrypted anew each time that it is written: equal ones were written once.
  expect(new Set([early, late, there].map(({ frames }) => frames.at(-1)))).toHaveProperty('size', 1);
  for (const { ws } of [early, late, there]) ws.close();
  await subscribed(0);
});

test('two users with different rights never share: each is sent what they may see', async () => {
  const users = [await follow(1), await follow(2), await follow(3)];
  await subscribed(3);
  expect(server.scopes.status().scopes).toBe(3);
  const rows = await database.query(
    'select t.id::text, m.user_id::text from tasks t join members m using (project_id) order by 1',
  );
  await database.script("update tasks set title = 'for members ' || project_id");
  await expect.poll(() => users.map(({ frames }) => frames.length)).toEqual([1, 1, 1]);
  for (const [at, { frames }] of users.entries()) {
    const { changes } = JSON.parse(frames[0]!).payload.data.taskChanges;
    const seen = changes.map(({ key }: { key: string }) => key).sort();
    expect(seen).toEqual(
      rows
        .filter(([, user]) => user === String(at + 1))
        .map(([id]) => id)
        .sort(),
    );
  }
  for (const { ws } of users) ws.close();
  await subscribed(0);
});

test('another selection, another alias or another variable is another text', async () => {
  const ada = client(await token(1));
  const query = 'subscription ($with: Boolean!) { tasks(limit: 1) { id title @include(if: $with) } }';
  const [full, bare] = [true, false].map((value) => ada.iterate({ query, variables: { with: value } }));
  expect((await full!.next()).value.data.tasks[0]).toHaveProperty('title');
  expect((await bare!.next()).value.data.tasks[0]).not.toHaveProperty('title');
  await full!.return?.();
  await bare!.return?.();
  await subscribed(0);
});

test('one execution serves all who are handed the same event', async () => {
  let executions = 0;
  const event = { name: 'x' };
  const field = {
    type: GraphQLString,
    subscribe: async function* () {
      yield event;
    },
    resolve: () => {
      executions++;
      return 'text';
    },
  };
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { q: { type: GraphQLString } } }),
    subscription: new GraphQLObjectType({ name: 'Subscription', fields: { f: field } }),
  });
  const shared = new SharedSubscriptions();
  const document = parse('subscription { f }');
  const texts: (string | undefined)[] = [];
  for (let n = 0; n < 3; n++) {
    const results = await shared.subscribe({ schema, document });
    if (!('next' in results)) throw new Error('refused');
    const { value } = await results.next();
    texts.push(value.stringify?.());
  }
  expect(texts).toEqual(Array(3).fill('{"data":{"f":"text"}}'));
  expect(executions).toBe(1);
});
