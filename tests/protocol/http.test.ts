import { serverAudits } from 'graphql-http';
import { describe, expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';

const { url, server, post, token } = await serveExample();
const ada = await token(1);

describe('GraphQL over HTTP, as its specification has it', () => {
  test.each(serverAudits({ url, fetchFn: fetch }).map((audit) => [audit.id, audit.name, audit] as const))(
    '%s %s',
    async (_id, _name, audit) => {
      const result = await audit.fn();
      expect(result.status === 'ok' ? 'ok' : result.reason).toBe('ok');
    },
  );
});

test('a GET answers a query and refuses a mutation', async () => {
  const get = (query: string) =>
    fetch(`${url}?query=${encodeURIComponent(query)}`, { headers: { authorization: `Bearer ${ada}` } });
  const query = await get('{ project(id: 1) { name } }');
  expect(await query.json()).toMatchObject({ data: { project: { name: 'Analytical Engine' } } });
  const mutation = await get('mutation { deleteTask(id: 1) { id } }');
  expect(mutation.status).toBe(405);
  expect((await post('{ task(id: 1) { id } }', { token: ada })).body.data).toEqual({ task: { id: '1' } });
});

test.each([
  ['{ tasks(limit: 3, orderBy: [{ id: ASC }]) { id title status comments { body author { name } } } }', true],
  ['query One($id: ID!) { task(id: $id) { __typename title } none: task(id: "999999") { id } }', true],
  ['{ tasksConnection(first: 2) { totalCount nodes { id } } }', true],
  ['{ tasks(limit: -1) { id } }', false],
  ['{ users { nothing } }', false],
])('%s gets the same answer whichever way it is answered', async (query, isGood) => {
  const ask = async (address: string, accept: string) => {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${ada}` },
      body: JSON.stringify({ query, variables: { id: '1' } }),
    });
    const { extensions, ...answer } = JSON.parse(await response.text());
    return { status: response.status, type: response.headers.get('content-type'), extensions, answer };
  };
  for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
    const direct = await ask(url, accept);
    // A query string is none of the plain case.
    const whole = await ask(`${url}?plain=no`, accept);
    expect({ ...direct, extensions: null }).toEqual({ ...whole, extensions: null });
    if (isGood) expect(direct.extensions.rivulet.cursor).toEqual(expect.any(String));
    else expect(direct.answer.errors).toHaveLength(1);
  }
});

test('T9: health says that the process lives and is ready, in one word, and counts nothing', async () => {
  const origin = url.replace('/graphql', '');
  expect(await (await fetch(`${origin}/health/live`)).json()).toEqual({ status: 'live' });
  const ready = await fetch(`${origin}/health/ready`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ status: 'ready' });
  expect((await fetch(`${origin}/ready`)).status).toBe(404);
});

test('what is not there is a coded error, and the root leads to the API', async () => {
  const origin = url.replace('/graphql', '');
  const missing = await fetch(`${origin}/graphqlx`);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  const root = await fetch(`${origin}/`, { redirect: 'manual' });
  expect([root.status, root.headers.get('location')]).toEqual([302, '/graphql']);
});

test.each([{ mutationId: 'mine' }, { rivulet: { mutationId: 'mine' } }])(
  'a mutation writes, and its name travels to the change log: %j',
  async (extensions) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ada}` },
      body: JSON.stringify({
        query: 'mutation { updateTask(id: 2, set: { title: "Note G" }) { title } }',
        extensions,
      }),
    });
    expect(await response.json()).toEqual({ data: { updateTask: { title: 'Note G' } } });
    const [row] = await server.database.query({
      text: 'select mutation_id from rivulet.change order by seq desc limit 1',
      params: [],
    });
    expect(row).toEqual(['mine']);
  },
);
