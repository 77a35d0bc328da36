import { createClient as createSseClient } from 'graphql-sse';
import { expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';

const { url, database, token, client, subscribed } = await serveExample();
const ada = await token(1);
const STREAM = 'subscription { taskChanges { changes { kind key node { title } } } }';

/** A subscriber must hear of a commit within this time. */
const WITHIN_MS = 1_000;

async function changeTask(title: string): Promise<number> {
  await database.query('update tasks set title = $1::text where id = 1', title);
  return performance.now();
}

function messageOf(title: string) {
  return { data: { taskChanges: { changes: [{ kind: 'UPDATE', key: '1', node: { title } }] } } };
}

test('a stock graphql-ws client hears of a row changed by SQL within a second', async () => {
  const stream = client(ada).iterate({ query: STREAM });
  const first = stream.next();
  await subscribed(1);
  const committedAt = await changeTask('by graphql-ws');
  expect((await first).value).toEqual(messageOf('by graphql-ws'));
  expect(performance.now() - committedAt).toBeLessThan(WITHIN_MS);
  await stream.return?.();
  await subscribed(0);
});

test('a stock graphql-sse client hears of a row changed by SQL within a second', async () => {
  const sse = createSseClient({ url, headers: { authorization: `Bearer ${ada}` }, retryAttempts: 0 });
  const stream = sse.iterate({ query: STREAM });
  const first = stream.next();
  await subscribed(1);
  const committedAt = await changeTask('by graphql-sse');
  expect((await first).value).toEqual(messageOf('by graphql-sse'));
  expect(performance.now() - committedAt).toBeLessThan(WITHIN_MS);
  await stream.return?.();
  sse.dispose();
  await subscribed(0);
});

test.each(['POST', 'GET'])(
  'a raw %s of an event stream, as curl does it, hears of it within a second',
  async (method) => {
    const abort = new AbortController();
    const isPost = method === 'POST';
    const response = await fetch(isPost ? url : `${url}?query=${encodeURIComponent(STREAM)}`, {
      method,
      signal: abort.signal,
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${ada}`,
        ...(isPost && { 'content-type': 'application/json' }),
      },
      ...(isPost && { body: JSON.stringify({ query: STREAM }) }),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    await subscribed(1);
    const committedAt = await changeTask(`by ${method}`);
    const text = await readUntil(response, '"changes"');
    expect(performance.now() - committedAt).toBeLessThan(WITHIN_MS);
    const data = /^event: next\ndata: (.*)$/m.exec(text)?.[1] ?? '{}';
    expect(JSON.parse(data)).toEqual(messageOf(`by ${method}`));
    abort.abort();
    await subscribed(0);
  },
);

test('a live query is answered at once and again when its answer changes, over each transport', async () => {
  const query = 'subscription { task(id: 1) { title } }';
  const answer = (title: string) => ({
    data: { task: { title } },
    extensions: { rivulet: { cursor: expect.stringMatching(/^[\w-]{40,}$/) } },
  });
  await changeTask('before');
  const overWs = client(ada).iterate({ query });
  const sse = createSseClient({ url, headers: { authorization: `Bearer ${ada}` }, retryAttempts: 0 });
  const overSse = sse.iterate({ query });
  expect((await overWs.next()).value).toEqual(answer('before'));
  expect((await overSse.next()).value).toEqual(answer('before'));
  await changeTask('after');
  expect((await overWs.next()).value).toEqual(answer('after'));
  expect((await overSse.next()).value).toEqual(answer('after'));
  await overWs.return?.();
  await overSse.return?.();
  sse.dispose();
  await subscribed(0);
});

test('one user hears nothing of what another may see', async () => {
  const grace = client(await token(2)).iterate({ query: STREAM });
  const heard = grace.next();
  await subscribed(1);
  await changeTask('not for grace');
  await database.query(`update tasks set title = 'for grace' where id = 5`);
  expect((await heard).value).toEqual({
    data: { taskChanges: { changes: [{ kind: 'UPDATE', key: '5', node: { title: 'for grace' } }] } },
  });
  await grace.return?.();
});

async function readUntil(response: Response, mark: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes(mark) && text.endsWith('\n\n')) return text;
  }
  return text;
}
