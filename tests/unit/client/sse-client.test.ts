import { afterEach, describe, expect, test } from 'vitest';
import { createSseClient, type SseClient, type SseClientOptions } from '../../../client/core/index.js';
import { eventParser } from '../../../client/core/sse/event-parser.js';
import { waitFor } from '../../support/wait-for.js';

/** A server that does what a test says. */
class ScriptedServer {
  readonly requests: { readonly method: string; readonly body: Record<string, unknown> }[] = [];
  readonly headers: (Readonly<Record<string, string>> | undefined)[] = [];
  /** By method; what is not here succeeds. */
  answers: Record<string, () => Response | Promise<Response>> = {};
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  #tokens = 0;

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const method = init.method ?? 'GET';
    const body = init.body === undefined ? { url } : JSON.parse(String(init.body));
    this.requests.push({ method, body });
    this.headers.push(init.headers as Record<string, string>);
    const own = this.answers[method];
    if (own) return own();
    if (method === 'PUT') return new Response(`token ${++this.#tokens}`, { status: 201 });
    if (method !== 'GET') return new Response(null, { status: method === 'POST' ? 202 : 200 });
    const events = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
      },
    });
    init.signal?.addEventListener('abort', () => this.#stream?.error(new Error('aborted')), { once: true });
    return new Response(events, { status: 200 });
  };

  send(text: string): void {
    this.#stream?.enqueue(new TextEncoder().encode(text));
  }

  next(id: string, payload: object): void {
    this.send(`event: next\ndata: ${JSON.stringify({ id, payload })}\n\n`);
  }

  cut(): void {
    this.#stream?.error(new Error('cut'));
  }

  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** The id and the variables with which operations were sent, in order. */
  get sent(): readonly { readonly id: string; readonly variables: unknown }[] {
    return this.requests
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => ({
        id: (body.extensions as { operationId: string }).operationId,
        variables: body.variables,
      }));
  }
}

const clients: SseClient[] = [];

function open(server: ScriptedServer, options: Partial<SseClientOptions> = {}) {
  const client = createSseClient({
    url: '/graphql',
    fetch: server.fetch,
    retryFirstMs: 5,
    retryMostMs: 20,
    lingerMs: 5,
    ...options,
  });
  clients.push(client);
  return client;
}

function sink() {
  const told: unknown[] = [];
  return {
    told,
    next: (result: object) => void told.push(result),
    error: (error: unknown) => void told.push({ error }),
    complete: () => void told.push('complete'),
  };
}

const graphqlError = (code: string, status: number) =>
  new Response(JSON.stringify({ errors: [{ message: code, extensions: { code } }] }), { status });

afterEach(() => {
  for (const client of clients.splice(0)) client.dispose();
});

describe('one connection', () => {
  test('carries all operations, and each hears only its own', async () => {
    const server = new ScriptedServer();
    const client = open(server, { headers: { authorization: 'Bearer x' } });
    const sinks = [sink(), sink(), sink()];
    sinks.forEach((each, n) => {
      client.subscribe({ query: `subscription { s${n} }` }, each);
    });
    await waitFor('all are sent', () => server.sent.length === 3);
    const [one, other] = server.sent;
    server.next(other!.id, { data: 'other' });
    server.next('unknown', { data: 'nobody' });
    server.next(one!.id, { data: 'one' });
    server.send(`event: complete\ndata: {"id":${JSON.stringify(one!.id)}}\n\n`);
    await waitFor('the end', () => sinks[0]!.told.length === 2);
    expect(sinks.map(({ told }) => told)).toEqual([[{ data: 'one' }, 'complete'], [{ data: 'other' }], []]);
    expect([server.count('PUT'), server.count('GET')]).toEqual([1, 1]);
    expect(server.headers.at(-1)).toMatchObject({
      authorization: 'Bearer x',
      'x-graphql-event-stream-token': 'token 1',
    });
  });

  test('is closed a while after the last has gone, and opened for the next', async () => {
    const server = new ScriptedServer();
    const client = open(server);
    const events: string[] = [];
    client.on('connected', () => events.push('connected'));
    client.on('closed', () => events.push('closed'));
    const stop = client.subscribe({ query: 'subscription { s }' }, sink());
    await waitFor('it is sent', () => server.sent.length === 1);
    stop();
    stop();
    await waitFor('it is closed', () => events.length === 2);
    expect(server.count('DELETE')).toBe(1);
    client.subscribe({ query: 'subscription { s }' }, sink());
    await waitFor('it is sent again', () => server.sent.length === 2);
    expect(events).toEqual(['connected', 'closed', 'connected']);
  });

  test('what is given up before the server knew of it is ended when it does', async () => {
    const server = new ScriptedServer();
    let accept = () => {};
    server.answers.POST = () =>
      new Promise((resolve) => {
        accept = () => resolve(new Response(null, { status: 202 }));
      });
    const client = open(server);
    client.subscribe({ query: 'subscription { stays }' }, sink());
    const stop = client.subscribe({ query: 'subscription { goes }' }, sink());
    await waitFor('it is sent', () => server.sent.length === 2);
    stop();
    const before = server.count('DELETE');
    accept();
    await waitFor('it is ended', () => server.count('DELETE') > before);
  });
});

describe('a connection that breaks', () => {
  test('is made again once for all, and each operation goes on where it is by then', async () => {
    const server = new ScriptedServer();
    const client = open(server);
    let after = 'c0';
    for (let n = 0; n < 10; n++) {
      const variables = {
        get after() {
          return after;
        },
      };
      client.subscribe({ query: 'subscription { s }', variables }, sink());
    }
    await waitFor('all are sent', () => server.sent.length === 10);
    after = 'c1';
    server.cut();
    await waitFor('all are sent again', () => server.sent.length === 20);
    expect([server.count('PUT'), server.count('GET')]).toEqual([2, 2]);
    expect(server.sent[19]).toMatchObject({ variables: { after: 'c1' } });
    expect(new Set(server.sent.map(({ id }) => id)).size).toBe(20);
  });

  test('asks for its headers anew', async () => {
    const server = new ScriptedServer();
    let asked = 0;
    const client = open(server, { headers: async () => ({ authorization: `Bearer ${++asked}` }) });
    client.subscribe({ query: 'subscription { s }' }, sink());
    await waitFor('it is sent', () => server.sent.length === 1);
    server.cut();
    await waitFor('it is sent again', () => server.sent.length === 2);
    expect(server.headers.at(-1)).toMatchObject({ authorization: 'Bearer 2' });
  });

  test('is tried until it is there, also where the token had expired and the server was full', async () => {
    const server = new ScriptedServer();
    const refusals = [
      () => graphqlError('TOKEN_EXPIRED', 401),
      () => graphqlError('TOO_MANY_CONNECTIONS', 429),
      () => new Response('bad gateway', { status: 502 }),
      () => Promise.reject(new TypeError('the network is gone')),
    ];
    server.answers.PUT = () => refusals.shift()?.() ?? new Response('token', { status: 201 });
    const told = sink();
    open(server).subscribe({ query: 'subscription { s }' }, told);
    await waitFor('it is sent', () => server.sent.length === 1);
    expect(server.count('PUT')).toBe(5);
    expect(told.told).toEqual([]);
  });

  test('is made again when the server does not know the stream any more', async () => {
    const server = new ScriptedServer();
    const refusals = [() => graphqlError('STREAM_NOT_FOUND', 404)];
    server.answers.POST = () => refusals.shift()?.() ?? new Response(null, { status: 202 });
    open(server).subscribe({ query: 'subscription { s }' }, sink());
    await waitFor('it is sent again', () => server.sent.length === 2);
    expect(server.count('PUT')).toBe(2);
  });

  test('is one that is silent for too long', async () => {
    const server = new ScriptedServer();
    const client = open(server, { silenceMs: 40 });
    client.subscribe({ query: 'subscription { s }' }, sink());
    await waitFor('it is sent again', () => server.sent.length > 1);
  });

  test('is not made again when nobody needs it, and is when somebody does', async () => {
    const server = new ScriptedServer();
    const client = open(server, { retryFirstMs: 60_000, retryMostMs: 60_000 });
    const stop = client.subscribe({ query: 'subscription { s }' }, sink());
    await waitFor('it is sent', () => server.sent.length === 1);
    const closed = new Promise<void>((resolve) => client.on('closed', resolve));
    server.cut();
    await closed;
    stop();
    client.subscribe({ query: 'subscription { s }' }, sink());
    await waitFor('it is sent again', () => server.sent.length === 2);
  });
});

describe('what is refused', () => {
  test('a document ends its operation with the errors, and no other', async () => {
    const server = new ScriptedServer();
    const answers = [() => graphqlError('GRAPHQL_VALIDATION_FAILED', 400)];
    server.answers.POST = () => answers.shift()?.() ?? new Response(null, { status: 202 });
    const client = open(server);
    const [bad, good] = [sink(), sink()];
    client.subscribe({ query: 'nonsense' }, bad);
    client.subscribe({ query: 'subscription { s }' }, good);
    await waitFor('the error', () => bad.told.length === 1);
    expect(bad.told).toMatchObject([{ error: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }]);
    server.next(server.sent[1]!.id, { data: 1 });
    await waitFor('the other goes on', () => good.told.length === 1);
    expect(server.count('PUT')).toBe(1);
  });

  test('a token ends all of them, until somebody asks again', async () => {
    const server = new ScriptedServer();
    server.answers.PUT = () => graphqlError('TOKEN_INVALID', 401);
    const client = open(server);
    const told = sink();
    client.subscribe({ query: 'subscription { s }' }, told);
    await waitFor('the error', () => told.told.length === 1);
    expect(told.told).toMatchObject([{ error: [{ extensions: { code: 'TOKEN_INVALID' } }] }]);
    delete server.answers.PUT;
    client.subscribe({ query: 'subscription { s }' }, told);
    await waitFor('it is sent', () => server.sent.length === 1);
  });
});

test('a sink that throws ends its own operation only', async () => {
  const server = new ScriptedServer();
  const client = open(server);
  const errors: unknown[] = [];
  const failing = {
    next: () => {
      throw new Error('a component failed');
    },
    error: (error: unknown) => errors.push(error),
    complete: () => {},
  };
  const good = sink();
  client.subscribe({ query: 'subscription { a }' }, failing);
  client.subscribe({ query: 'subscription { b }' }, good);
  await waitFor('both are sent', () => server.sent.length === 2);
  server.next(server.sent[0]!.id, { data: 1 });
  server.next(server.sent[1]!.id, { data: 2 });
  await waitFor('the other goes on', () => good.told.length === 1);
  expect(errors).toMatchObject([{ message: 'a component failed' }]);
  expect(server.count('PUT')).toBe(1);
});

test('disposing completes everything, and what comes later', async () => {
  const server = new ScriptedServer();
  const client = open(server);
  const [before, after] = [sink(), sink()];
  client.subscribe({ query: 'subscription { s }' }, before);
  client.dispose();
  client.subscribe({ query: 'subscription { s }' }, after);
  await waitFor('both are complete', () => after.told.length === 1);
  expect([before.told, after.told]).toEqual([['complete'], ['complete']]);
});

test('events are read however their text is cut', () => {
  const text =
    ':\n\nretry: 1\n\nevent: next\nid: 7\ndata: {"a":"é: b"}\n\nevent: complete\r\ndata:\r\n\r\nevent: two\ndata: 1\ndata:2\n\ndata: no event\n\n';
  for (let size = 1; size <= text.length; size++) {
    const events: object[] = [];
    const parse = eventParser((event) => events.push(event));
    for (let at = 0; at < text.length; at += size) parse(text.slice(at, at + size));
    expect(events).toEqual([
      { event: 'next', data: '{"a":"é: b"}' },
      { event: 'complete', data: '' },
      { event: 'two', data: '1\n2' },
    ]);
  }
});
