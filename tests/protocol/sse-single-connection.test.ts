import { createClient } from 'graphql-sse';
import { afterEach, describe, expect, test } from 'vitest';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveExample({ limits: { reservationSeconds: 4 } });
const { url, database, token, subscribed } = example;
const ada = `Bearer ${await token(1)}`;
const grace = `Bearer ${await token(2)}`;
const STREAM =
  'subscription ($after: String) { taskChanges(after: $after) { cursor changes { key node { title } } } }';

const rename = (id: number, title: string) =>
  database.query('update tasks set title = $1::text where id = $2::text::int', title, String(id));

/** The protocol by hand, as somebody. */
function speaker(authorization: string, streamToken = '') {
  const headers = { authorization, 'x-graphql-event-stream-token': streamToken };
  const send = (body: object) =>
    fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return {
    reserve: () => fetch(url, { method: 'PUT', headers: { authorization } }),
    open: () => RawEventStream.open(url, { headers }),
    send,
    complete: (id: string) => fetch(`${url}?operationId=${id}`, { method: 'DELETE', headers }),
    subscribe: (id: string, query = STREAM, variables = {}) =>
      send({ query, variables, extensions: { operationId: id } }),
  };
}

const opened: RawEventStream[] = [];

/** A reserved stream that is open. */
async function connect(authorization = ada) {
  const streamToken = await (await speaker(authorization).reserve()).text();
  const speaking = speaker(authorization, streamToken);
  const stream = await speaking.open();
  opened.push(stream);
  return { ...speaking, streamToken, stream };
}

const codeOf = async (response: Response) => {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, errors[0]?.extensions.code];
};

afterEach(async () => {
  for (const stream of opened.splice(0)) stream.close();
  await subscribed(0);
});

test('ten subscriptions of a stock client are one event stream', async () => {
  const requests: string[] = [];
  const client = createClient({
    url,
    singleConnection: true,
    headers: { authorization: ada },
    retryAttempts: 0,
    fetchFn: (input: string, init: RequestInit) => {
      requests.push(init.method ?? '');
      return fetch(input, init);
    },
  });
  const streams = Array.from({ length: 5 }, () => client.iterate({ query: STREAM }));
  const queries = Array.from({ length: 5 }, (_, n) =>
    client.iterate({ query: `subscription { task(id: ${n + 1}) { title } }` }),
  );
  const firsts = streams.map((stream) => stream.next());
  for (const query of queries) await query.next();
  await subscribed(10);
  await rename(1, 'over one stream');
  for (const first of firsts) {
    const message = { changes: [{ key: '1', node: { title: 'over one stream' } }] };
    expect((await first).value).toMatchObject({ data: { taskChanges: message } });
  }
  expect((await queries[0]!.next()).value).toMatchObject({ data: { task: { title: 'over one stream' } } });
  expect(requests.filter((method) => method === 'PUT')).toHaveLength(1);
  expect(requests.filter((method) => method === 'GET')).toHaveLength(1);
  expect(requests.filter((method) => method === 'POST')).toHaveLength(10);
  await streams[0]!.return?.();
  await subscribed(9);
  client.dispose();
});

test('a query and a mutation are answered over the stream as well, and are complete', async () => {
  const { subscribe, stream } = await connect();
  expect((await subscribe('q', '{ project(id: 1) { name } }')).status).toBe(202);
  expect(await stream.event(1)).toMatchObject({
    event: 'next',
    id: null,
    data: { id: 'q', payload: { data: { project: { name: 'Analytical Engine' } } } },
  });
  expect(await stream.event(2)).toEqual({ event: 'complete', id: null, data: { id: 'q' } });
  expect((await subscribe('q', 'mutation { updateTask(id: 2, set: { priority: 3 }) { id } }')).status).toBe(
    202,
  );
  expect(await stream.event(3)).toMatchObject({ data: { payload: { data: { updateTask: { id: '2' } } } } });
});

test('an operation that is completed by its id ends, and the others go on', async () => {
  const { subscribe, complete, stream } = await connect();
  await subscribe('one');
  await subscribe('other');
  await subscribed(2);
  expect((await complete('one')).status).toBe(200);
  expect((await complete('nonsense')).status).toBe(200);
  await subscribed(1);
  await rename(1, 'for the other');
  expect(await stream.event(1)).toMatchObject({ event: 'next', data: { id: 'other' } });
  expect(stream.events).toHaveLength(1);
});

test('what is sent before the stream is open waits for it', async () => {
  const streamToken = await (await speaker(ada).reserve()).text();
  const early = speaker(ada, streamToken);
  expect((await early.subscribe('1', '{ project(id: 1) { id } }')).status).toBe(202);
  const stream = await early.open();
  opened.push(stream);
  expect(await stream.event(1)).toMatchObject({
    data: { id: '1', payload: { data: { project: { id: '1' } } } },
  });
});

test('a reservation that nobody reads is dropped, with what was begun on it', async () => {
  const streamToken = await (await speaker(ada).reserve()).text();
  const late = speaker(ada, streamToken);
  await late.subscribe('1');
  await subscribed(1);
  await subscribed(0);
  expect(await codeOf((await late.open()).response)).toEqual([404, 'STREAM_NOT_FOUND']);
});

test('a stream that is cut ends its operations, and its token', async () => {
  const { subscribe, stream } = await connect();
  await subscribe('1');
  await subscribe('2', 'subscription { tasks { title } }');
  await subscribed(2);
  stream.close();
  await subscribed(0);
  await waitFor('the token is void', async () => (await subscribe('3')).status === 404);
});

describe('what is refused', () => {
  test('errors of the document are answers of HTTP', async () => {
    const { subscribe, send, stream } = await connect();
    expect((await codeOf(await subscribe('1', 'subscription { nonsense }')))[1]).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
    expect((await codeOf(await subscribe('1', 'subscription {')))[1]).toBe('GRAPHQL_PARSE_FAILED');
    expect(await codeOf(await send({ query: STREAM }))).toEqual([400, 'OPERATION_ID_INVALID']);
    expect(await codeOf(await subscribe('x'.repeat(201)))).toEqual([400, 'OPERATION_ID_INVALID']);
    // What was refused has taken no place.
    expect((await subscribe('1', '{ __typename }')).status).toBe(202);
    expect(await stream.event(1)).toMatchObject({ data: { id: '1' } });
  });

  test('errors of the operation are its result', async () => {
    const { subscribe, stream } = await connect();
    expect((await subscribe('1', STREAM, { after: 'forged' })).status).toBe(202);
    expect(await stream.event(1)).toMatchObject({
      data: { id: '1', payload: { errors: [{ extensions: { code: 'CURSOR_INVALID' } }] } },
    });
    expect(await stream.event(2)).toMatchObject({ event: 'complete', data: { id: '1' } });
    expect(JSON.stringify(stream.events)).not.toContain('"http"');
  });

  test('an id that is in use, and a second stream for a token', async () => {
    const { subscribe, open } = await connect();
    await subscribe('1');
    expect(await codeOf(await subscribe('1'))).toEqual([409, 'OPERATION_ID_TAKEN']);
    expect(await codeOf((await open()).response)).toEqual([409, 'STREAM_TAKEN']);
    await subscribed(1);
  });

  test('a token that is none, and the token of another user, alike', async () => {
    const { streamToken, stream } = await connect();
    for (const stranger of [
      speaker(grace, streamToken),
      speaker(ada, 'x'.repeat(32)),
      speaker('', streamToken),
    ]) {
      const responses = [
        await stranger.subscribe('1'),
        (await stranger.open()).response,
        await stranger.complete('1'),
      ];
      for (const response of responses) expect(await codeOf(response)).toEqual([404, 'STREAM_NOT_FOUND']);
    }
    expect(stream.events).toEqual([]);
  });

  test('a hundred and first operation, over the stream', async () => {
    const { subscribe, complete, stream } = await connect();
    for (let id = 1; id <= 100; id++) await subscribe(String(id));
    await subscribed(100);
    expect((await subscribe('more')).status).toBe(202);
    expect(await stream.event(1)).toMatchObject({
      data: { id: 'more', payload: { errors: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] } },
    });
    expect(await stream.event(2)).toMatchObject({ event: 'complete', data: { id: 'more' } });
    await complete('7');
    await subscribed(99);
    await subscribe('7');
    await subscribed(100);
  });

  test('a bad token reserves nothing', async () => {
    expect(await codeOf(await speaker('Bearer nonsense').reserve())).toEqual([401, 'TOKEN_INVALID']);
    expect(
      await codeOf(await fetch(url, { method: 'PUT', headers: { origin: 'https://evil.example' } })),
    ).toEqual([403, 'ORIGIN_FORBIDDEN']);
  });
});

test('streams that are sent the same share one execution, and one text', async () => {
  const one = await connect();
  const other = await connect();
  await one.subscribe('same');
  await other.subscribe('same');
  await subscribed(2);
  expect(example.server.scopes.status().scopes).toBe(1);
  await rename(1, 'shared');
  await one.stream.event(1);
  await other.stream.event(1);
  const eventOf = ({ stream }: typeof one) => /^event: next\n.*$/m.exec(stream.text)?.[0];
  // The cursor in it is encrypted anew each time it is written: the same bytes were written once.
  expect(eventOf(one)).toBe(eventOf(other));
});

describe('whose a stream is', () => {
  test('it is cut when the token expires', async () => {
    const { subscribe, stream } = await connect(`Bearer ${await token(1, 2)}`);
    await subscribe('1');
    await subscribed(1);
    await stream.ended();
    await subscribed(0);
  });

  test('a newer token of the same user keeps it', async () => {
    const old = await connect(`Bearer ${await token(1, 2)}`);
    const newer = speaker(`Bearer ${await token(1, 60)}`, old.streamToken);
    await old.subscribe('1');
    expect((await newer.complete('nothing')).status).toBe(200);
    const expiresAt = Date.now() + 2_500;
    await waitFor('the first token has expired', () => Date.now() > expiresAt);
    await rename(1, 'after the first');
    expect(await old.stream.event(1)).toMatchObject({ data: { id: '1' } });
    expect(old.stream.hasEnded).toBe(false);
  });
});
