import { createHash } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { afterEach, describe, expect, test } from 'vitest';
import { RawEventStream } from '../support/event-stream.js';
import { type ExampleServer, serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const LISTED = 'query Listed($id: ID!) { task(id: $id) { id title } }';
const LISTED_STREAM = 'subscription { taskChanges { cursor changes { key } } }';
const LISTED_WRITES = `mutation Listed {
  a: updateTask(id: 1, set: { title: "first" }) { id }
  b: updateTask(id: 1, set: { title: "second" }) { id }
}`;
const trustedDocuments = { listed: LISTED, stream: LISTED_STREAM, writes: LISTED_WRITES };

const open = await serveExample({ limits: { aliases: 5 } });
const manifest = await serveExample({ trustedDocuments: { mode: 'manifest', documents: trustedDocuments } });
const only = await serveExample({ trustedDocuments: { mode: 'only', documents: [trustedDocuments] } });
const ONLY = '{ tasks(limit: 1) { id } }';

interface Sent {
  readonly query?: string;
  readonly documentId?: string;
  readonly variables?: object;
  readonly extensions?: object;
}
interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

const byHash = (hash: string, query?: string): Sent => ({
  ...(query === undefined ? {} : { query }),
  extensions: { persistedQuery: { version: 1, sha256Hash: hash } },
});

const streams: RawEventStream[] = [];
const sockets: RawSocket[] = [];
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  for (const { socket } of sockets.splice(0)) socket.terminate();
  for (const each of [open, manifest, only]) await each.subscribed(0);
});

/** One operation over each way in; the first answer. */
const WAYS: Readonly<Record<string, (example: ExampleServer, sent: Sent) => Promise<Answer>>> = {
  POST: async ({ url, token }, sent) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${await token(1)}` };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(sent) });
    return (await response.json()) as Answer;
  },
  'POST past Yoga or not': async ({ url, token }, sent) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${await token(1)}` };
    const body = JSON.stringify({ ...sent, variables: sent.variables ?? {} });
    const response = await fetch(`${url}?`, { method: 'POST', headers, body });
    return (await response.json()) as Answer;
  },
  GET: async ({ url, token }, sent) => {
    const address = addressOf(url, sent);
    const response = await fetch(address, {
      headers: { accept: 'application/json', authorization: `Bearer ${await token(1)}` },
    });
    return (await response.json()) as Answer;
  },
  SSE: async ({ url, token }, sent) => {
    const stream = await RawEventStream.open(addressOf(url, sent), {
      headers: { authorization: `Bearer ${await token(1)}` },
    });
    streams.push(stream);
    if (!stream.response.headers.get('content-type')?.includes('event-stream')) {
      return (await stream.response.json()) as Answer;
    }
    const { data } = await stream.event(1);
    return data as Answer;
  },
  WebSocket: async (example, sent) => {
    const socket = await new RawSocket(example.socket()).init({ token: await example.token(1) });
    sockets.push(socket);
    socket.send({ type: 'subscribe', id: '1', payload: sent });
    const { payload } = await Promise.any([socket.next('next', '1'), socket.next('error', '1')]);
    return Array.isArray(payload) ? { errors: payload } : (payload as Answer);
  },
  'a reserved stream': async ({ url, token }, sent) => {
    const authorization = `Bearer ${await token(1)}`;
    const streamToken = await (await fetch(url, { method: 'PUT', headers: { authorization } })).text();
    const headers = { authorization, 'x-graphql-event-stream-token': streamToken };
    const stream = await RawEventStream.open(url, { headers });
    streams.push(stream);
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ ...sent, extensions: { ...sent.extensions, operationId: '1' } }),
    });
    if (response.status !== 202) return (await response.json()) as Answer;
    const { data } = await stream.event(1);
    return (data as { payload: Answer }).payload;
  },
};
const ways = Object.entries(WAYS);

function addressOf(url: string, { query, documentId, variables, extensions }: Sent): string {
  const parameters = new URLSearchParams();
  if (query !== undefined) parameters.set('query', query);
  if (documentId !== undefined) parameters.set('documentId', documentId);
  if (variables !== undefined) parameters.set('variables', JSON.stringify(variables));
  if (extensions !== undefined) parameters.set('extensions', JSON.stringify(extensions));
  return `${url}?${parameters}`;
}

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions?.code ?? errors?.[0]?.message;

describe.each(ways)('over %s', (name, send) => {
  /** A document that nobody has sent before. */
  let last = 0;
  const fresh = () => `query N${name.replace(/\W/g, '')}${++last} { task(id: 1) { id title } }`;

  test('a hash alone is asked for its document, and known when both have come', async () => {
    const text = fresh();
    const hash = sha256(text);
    const first = await send(open, byHash(hash));
    expect([codeOf(first), first.errors?.[0]?.message]).toEqual([
      'PERSISTED_QUERY_NOT_FOUND',
      'PersistedQueryNotFound',
    ]);
    expect(await send(open, byHash(hash, text))).toMatchObject({ data: { task: { id: '1' } } });
    expect(await send(open, byHash(hash))).toMatchObject({ data: { task: { id: '1' } } });
    expect(await send(open, { documentId: `sha256:${hash}` })).toMatchObject({ data: { task: { id: '1' } } });
  });

  test('a hash of another document is refused, and neither is known afterwards', async () => {
    const [text, other] = [fresh(), fresh()];
    expect(codeOf(await send(open, byHash(sha256(other), text)))).toBe('PERSISTED_QUERY_MISMATCH');
    expect(codeOf(await send(open, byHash(sha256(other))))).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(codeOf(await send(open, byHash(sha256(text))))).toBe('PERSISTED_QUERY_NOT_FOUND');
  });

  test('a document that is not valid, or past a limit, is not kept', async () => {
    const aliases = `{ ${['a', 'b', 'c', 'd', 'e', name.length].map((at) => `a${at}: __typename`).join(' ')} }`;
    for (const [text, code] of [
      ['{ nope }', 'GRAPHQL_VALIDATION_FAILED'],
      ['{ tasks {', 'GRAPHQL_PARSE_FAILED'],
      [aliases, 'DOCUMENT_TOO_MANY_ALIASES'],
    ] as const) {
      expect(codeOf(await send(open, byHash(sha256(text), text)))).toBe(code);
      expect(codeOf(await send(open, byHash(sha256(text))))).toBe('PERSISTED_QUERY_NOT_FOUND');
    }
  });

  test('another version of the protocol is refused in the words that clients know', async () => {
    const sent = { extensions: { persistedQuery: { version: 2, sha256Hash: 'x' } } };
    const answer = await send(open, sent);
    expect([codeOf(answer), answer.errors?.[0]?.message]).toEqual([
      'PERSISTED_QUERY_NOT_SUPPORTED',
      'PersistedQueryNotSupported',
    ]);
  });

  test('a listed document is known by its key and by its hash from the start', async () => {
    const variables = { id: 2 };
    for (const example of [manifest, only]) {
      for (const sent of [byHash(sha256(LISTED)), byHash('listed'), { documentId: 'listed' }]) {
        expect(await send(example, { ...sent, variables })).toMatchObject({ data: { task: { id: '2' } } });
      }
    }
  });

  test('a document that is not listed is executed in the mode manifest, and refused in the mode only', async () => {
    expect(await send(manifest, { query: ONLY })).toMatchObject({ data: { tasks: [{}] } });
    expect(codeOf(await send(only, { query: ONLY }))).toBe('DOCUMENT_NOT_TRUSTED');
    expect(codeOf(await send(only, byHash(sha256(ONLY), ONLY)))).toBe('DOCUMENT_NOT_TRUSTED');
    expect(codeOf(await send(only, byHash(sha256(ONLY))))).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(codeOf(await send(only, { query: 'subscription { projectChanges { cursor } }' }))).toBe(
      'DOCUMENT_NOT_TRUSTED',
    );
  });

  test('the text of a listed document is executed, however it is written', async () => {
    const written = `query Listed($id: ID!) {
      # As a client with a cache sends it.
      task(id: $id) { title, __typename id }
    }`;
    for (const query of [LISTED, written]) {
      expect(await send(only, { query, variables: { id: 2 } })).toMatchObject({
        data: { task: { id: '2' } },
      });
    }
    for (const other of [
      LISTED.replace('title', 'title status'),
      LISTED.replace('title', 'a: title'),
      LISTED.replace('$id)', '1)'),
      LISTED.replace(/ }$/, ' tasks { id } }'),
    ]) {
      expect(codeOf(await send(only, { query: other, variables: { id: 2 } })), other).toBe(
        'DOCUMENT_NOT_TRUSTED',
      );
    }
  });
});

test('the order of writes is the one that is listed', async () => {
  const [begin, a, b, close] = LISTED_WRITES.split('\n');
  const { body: refused } = await only.post([begin, b, a, close].join('\n'));
  expect(codeOf(refused)).toBe('DOCUMENT_NOT_TRUSTED');
  const { body } = await only.post(LISTED_WRITES.replaceAll('{ id }', '{ id __typename }'));
  expect(codeOf(body)).not.toBe('DOCUMENT_NOT_TRUSTED');
});

test.each(['SSE', 'WebSocket', 'a reserved stream'])(
  'a subscription begins by its hash over %s',
  async (name) => {
    for (const sent of [byHash(sha256(LISTED_STREAM)), { documentId: 'stream' }]) {
      const answer = WAYS[name]!(only, sent);
      await only.subscribed(1);
      await only.database.query('update tasks set priority = priority + 1 where id = 1');
      expect(await answer).toMatchObject({ data: { taskChanges: { changes: [{ key: '1' }] } } });
      for (const stream of streams.splice(0)) stream.close();
      for (const { socket } of sockets.splice(0)) socket.terminate();
      await only.subscribed(0);
    }
  },
);

test('an operation that is refused over a socket leaves the others of the socket alone', async () => {
  const socket = await new RawSocket(open.socket()).init({ token: await open.token(1) });
  sockets.push(socket);
  socket.subscribe('live', LISTED_STREAM);
  await open.subscribed(1);
  socket.send({ type: 'subscribe', id: 'p', payload: byHash('unknown') });
  expect(JSON.stringify((await socket.next('error', 'p')).payload)).toContain('PERSISTED_QUERY_NOT_FOUND');
  await open.database.query('update tasks set priority = priority + 1 where id = 1');
  await socket.next('next', 'live');
});

test("Apollo Client's link of automatic persisted queries is answered, by POST and by GET", async () => {
  const requests: string[] = [];
  for (const useGETForHashedQueries of [false, true]) {
    const http = new HttpLink({
      uri: open.url,
      headers: { authorization: `Bearer ${await open.token(1)}` },
      fetch: (input, init) => {
        requests.push(init?.method ?? 'GET');
        return fetch(input, init);
      },
    });
    const link = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(http);
    const client = new ApolloClient({ cache: new InMemoryCache(), link });
    const query = gql`query Apollo($id: ID!) { task(id: $id) { id title } }`;
    for (const id of ['1', '2']) {
      const { data } = await client.query({ query, variables: { id } });
      expect(data).toMatchObject({ task: { id } });
    }
    client.stop();
  }
  // Asked for the document once; the second client's hash is known.
  expect(requests).toEqual(['POST', 'POST', 'POST', 'GET', 'GET']);
});

test('introspection is answered in the mode only where the configuration allows it', async () => {
  const query = '{ __schema { queryType { name } } }';
  expect((await only.post(query)).body.data).toEqual({ __schema: { queryType: { name: 'Query' } } });
  const mixed = '{ __typename tasks { id } }';
  expect((await only.post(mixed)).body.errors?.[0]?.extensions?.code).toBe('DOCUMENT_NOT_TRUSTED');
});

test.each([
  [{ a: 1 }, 'CONFIG_INVALID'],
  [{ a: 'query {' }, 'TRUSTED_DOCUMENTS_UNREADABLE'],
  [{ a: 'fragment F on Task { id }' }, 'TRUSTED_DOCUMENTS_UNREADABLE'],
  ['/nowhere/trusted-documents.json', 'TRUSTED_DOCUMENTS_UNREADABLE'],
])('a list that is none stops the start: %j', async (documents, code) => {
  const started = serveExample({ trustedDocuments: { mode: 'only', documents: documents as never } });
  await expect(started).rejects.toMatchObject({ code });
});
