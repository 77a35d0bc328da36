import { connect } from 'node:net';
import { SignJWT } from 'jose';
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import config from '../../rivulet.config.js';
import { warnAboutLooseKeySet } from '../../src/server/auth/token-verifier.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';

const SECRET = 'a secret of the request tests, long enough for HS256';
const example = await serveExample(
  {
    context: (claims, request) => {
      contexts.push(claims);
      return (config as RivuletConfig).context!(claims, request);
    },
    limits: { operationsPerMinutePerUser: 20 },
    server: { origins: ['https://app.example.com'] },
  },
  {
    secret: SECRET,
    people: [{ id: '1', name: 'ada', token: 'a token of ada' }],
    graphiql: { token: 'a token of graphiql' },
  },
);
const contexts: unknown[] = [];
const { url, post } = example;

const signed = (claims: object) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));

let last = 0;
const newUser = () => signed({ sub: `somebody ${++last}` });

/** A request by hand, since `fetch` sets headers of its own. Resolves to the head and the body of the answer. */
const raw = (path: string, headers: Readonly<Record<string, string>>): Promise<string> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    const all = { host: `127.0.0.1:${port}`, connection: 'close', ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    let answer = '';
    socket.on('data', (data) => {
      answer += String(data);
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

describe('a GET with cookies', () => {
  const QUERY = '/graphql?query=%7B__typename%7D';
  const STREAM = `/graphql?query=${encodeURIComponent('query { __typename }')}`;
  const cookie = 'session=x';

  test.each([
    ['nothing else', {}],
    ['a page of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a page of the same site', { 'sec-fetch-site': 'same-site' }],
    ['a link', { 'sec-fetch-site': 'cross-site', accept: 'application/json' }],
    ['a header that a proxy adds', { 'x-forwarded-proto': 'https', 'x-request-id': '1' }],
    ['Last-Event-ID, which an EventSource sends', { 'last-event-id': 'x' }],
  ])('and %s is refused', async (_what, headers) => {
    const answer = await raw(QUERY, { cookie, ...headers });
    expect(statusOf(answer)).toBe(403);
    expect(answer).toContain('PREFLIGHT_REQUIRED');
  });

  test.each([
    ['a page of this server', { 'sec-fetch-site': 'same-origin' }],
    ['X-Requested-With', { 'x-requested-with': 'fetch' }],
    ['GraphQL-Require-Preflight', { 'graphql-require-preflight': '1' }],
    ['Apollo-Require-Preflight', { 'apollo-require-preflight': '' }],
    ['the type of JSON', { 'content-type': 'application/json' }],
    ['an allowed origin', { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' }],
  ])('and %s is answered', async (_what, headers) => {
    expect(statusOf(await raw(QUERY, { cookie, accept: 'application/json', ...headers }))).toBe(200);
  });

  test('without cookies, or with a token, it needs nothing more', async () => {
    expect(statusOf(await raw(QUERY, { accept: 'application/json' }))).toBe(200);
    const authorization = `Bearer ${await newUser()}`;
    expect(statusOf(await raw(QUERY, { cookie, authorization, accept: 'application/json' }))).toBe(200);
  });

  test('is an EventSource of a page of this server, and of no other', async () => {
    const accept = 'text/event-stream';
    expect(statusOf(await raw(STREAM, { cookie, accept, 'sec-fetch-site': 'same-origin' }))).toBe(200);
    expect(statusOf(await raw(STREAM, { cookie, accept, 'sec-fetch-site': 'cross-site' }))).toBe(403);
  });

  test('is a visit of GraphiQL', async () => {
    const answer = await raw(QUERY, { cookie, accept: 'text/html', 'sec-fetch-site': 'none' });
    expect(statusOf(answer)).toBe(200);
    expect(answer).toContain('<!doctype html>');
  });
});

describe('what development hands out', () => {
  const LOCAL = { 'sec-fetch-site': 'same-origin' };

  test('is handed to a browser on this machine', async () => {
    expect(await raw('/development/people', LOCAL)).toContain('a token of ada');
    expect(await raw('/graphql', { accept: 'text/html' })).toContain('a token of graphiql');
  });

  test.each([
    ['through a proxy', { 'x-forwarded-for': '203.0.113.7' }],
    ['through a proxy that sends Forwarded', { forwarded: 'for=203.0.113.7' }],
    ['through a proxy that sends Via', { via: '1.1 proxy' }],
    ['through a proxy that sends X-Real-IP', { 'x-real-ip': '203.0.113.7' }],
    ['under a name that was made to point here', { host: 'evil.example' }],
    ['under a name that looks local', { host: 'localhost.evil.example' }],
  ])('is not handed out %s', async (_what, headers) => {
    const people = await raw('/development/people', { ...LOCAL, ...headers });
    expect(people).not.toContain('a token of ada');
    expect(statusOf(people)).toBe(404);
    expect(await raw('/graphql', { accept: 'text/html', ...headers })).not.toContain('a token of graphiql');
  });
});

describe('a token', () => {
  test.each(['', ' ', '\t'])('whose `sub` is %j is nobody', async (sub) => {
    contexts.length = 0;
    for (let n = 0; n < 25; n++) {
      // Over the limit of a user: nobody has none.
      const { status, body } = await post('{ projects { id } }', { token: await signed({ sub }) });
      expect([status, body.data]).toEqual([200, { projects: [] }]);
    }
    expect(new Set(contexts)).toEqual(new Set([null]));
  });

  test.each([5, {}, ['1'], null, true])('whose `sub` is %j is refused', async (sub) => {
    const { status, body } = await post('{ projects { id } }', { token: await signed({ sub }) });
    expect([status, body.errors?.[0]?.extensions?.code]).toEqual([401, 'TOKEN_INVALID']);
  });
});

describe('past the limit of operations', () => {
  test('a flood of pings closes the socket, with a token or without', async () => {
    for (const withToken of [false, true]) {
      const token = await newUser();
      const socket = await new RawSocket(example.socket()).init({ token });
      for (let n = 0; n < 30; n++) socket.send({ type: 'ping', ...(withToken && { payload: { token } }) });
      const closed = await socket.closed();
      expect(closed.code).toBe(1013);
      expect(closed.reason).toContain('TOO_MANY_REQUESTS');
      expect(socket.received.filter(({ type }) => type === 'pong').length).toBeLessThan(25);
    }
  });

  test('a flood of pings of the transport closes the socket', async () => {
    const socket = await new RawSocket(example.socket()).init({ token: await newUser() });
    for (let n = 0; n < 30; n++) socket.socket.ping();
    expect((await socket.closed()).code).toBe(1013);
  });

  test('what a reserved event stream is asked is refused', async () => {
    const headers = { authorization: `Bearer ${await newUser()}` };
    const streamToken = await (await fetch(url, { method: 'PUT', headers })).text();
    const reserved = { ...headers, 'x-graphql-event-stream-token': streamToken };
    const stream = await RawEventStream.open(url, { headers: reserved });
    const statuses: number[] = [];
    for (let n = 0; n < 30; n++) {
      const response = await fetch(`${url}?operationId=${n}`, { method: 'DELETE', headers: reserved });
      statuses.push(response.status);
    }
    expect(statuses.slice(0, 15)).toEqual(Array.from({ length: 15 }, () => 200));
    expect(statuses.slice(-5)).toEqual([429, 429, 429, 429, 429]);
    stream.close();
  });
});

describe('values nested 10,000 deep', () => {
  const lists = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
  const objects = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
  const shapes: readonly (readonly [string, string])[] = [
    ['lists', lists],
    ['objects', objects],
  ];
  const bodies = shapes.flatMap(([what, deep]) => [
    [
      `${what} in a variable`,
      `{"query":"query ($v: TaskFilter) { tasks(where: $v) { id } }","variables":{"v":${deep}}}`,
    ],
    [`${what} in a variable that nothing uses`, `{"query":"{ __typename }","variables":{"v":${deep}}}`],
    [`${what} in the extensions`, `{"query":"{ __typename }","extensions":{"v":${deep}}}`],
  ]) as readonly (readonly [string, string])[];
  const isFine = async () => expect((await post('{ __typename }')).status).toBe(200);

  test.each(bodies)('%s are a coded 400 over POST, over SSE and over a socket', async (_what, body) => {
    for (const accept of ['application/graphql-response+json', 'application/json']) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body,
      });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('VARIABLES_TOO_DEEP');
    }
    const overSse = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body,
    });
    expect(await overSse.text()).toContain('VARIABLES_TOO_DEEP');
    const socket = await new RawSocket(example.socket()).init();
    // A message has 64 kB.
    socket.send(`{"type":"subscribe","id":"1","payload":${body}}`);
    expect(JSON.stringify(await socket.next('error', '1'))).toContain('VARIABLES_TOO_DEEP');
    socket.socket.terminate();
    await isFine();
  });

  test.each(shapes)('%s in an address are a coded 400', async (_what, deep) => {
    const short = deep.startsWith('[')
      ? `${'['.repeat(3_000)}${']'.repeat(3_000)}`
      : `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`;
    for (const name of ['variables', 'extensions']) {
      const value = encodeURIComponent(`{"v":${short}}`).replaceAll('%5B', '[').replaceAll('%5D', ']');
      const response = await fetch(`${url}?query=${encodeURIComponent('{ __typename }')}&${name}=${value}`, {
        headers: { accept: 'application/json' },
      });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('VARIABLES_TOO_DEEP');
    }
  });

  test.each(shapes)('%s as a payload close the socket with 4400', async (_what, deep) => {
    for (const type of ['connection_init', 'ping', 'pong']) {
      for (const payload of [`{"v":${deep}}`, `${'{"headers":'.repeat(5_000)}1${'}'.repeat(5_000)}`]) {
        const socket = await new RawSocket(example.socket()).open();
        if (type !== 'connection_init') await socket.init();
        socket.send(`{"type":"${type}","payload":${payload}}`);
        const { code, reason } = await socket.closed();
        expect([code, reason]).toEqual([4400, expect.stringContaining('VARIABLES_TOO_DEEP')]);
      }
    }
    await isFine();
  });

  test.each(shapes)(
    '%s in an operation without a document close the socket, and nothing else',
    async (_what, deep) => {
      for (const place of ['variables', 'other']) {
        const socket = await new RawSocket(example.socket()).open();
        socket.send(`{"type":"subscribe","id":"1","payload":{"documentId":"x","${place}":${deep}}}`);
        const { code, reason } = await socket.closed();
        expect([code, reason]).toEqual([4400, expect.stringContaining('VARIABLES_TOO_DEEP')]);
      }
      await isFine();
    },
  );

  test.each(shapes)('%s as the whole body are a 400', async (_what, deep) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: deep,
    });
    expect(response.status).toBe(400);
    await isFine();
  });
});

describe('a key set', () => {
  const JWKS = 'https://keys.example.com/jwks.json';
  const warnings = (auth: object) => {
    const lines: string[] = [];
    warnAboutLooseKeySet(auth, pino({}, { write: (line) => lines.push(line) }));
    return lines;
  };

  test('without issuer or audience is warned of, by the names of the settings', () => {
    const [line, ...more] = warnings({ jwks: JWKS });
    expect(more).toEqual([]);
    expect(line).toContain('`auth.issuer` and `auth.audience`');
    expect(warnings({ jwks: JWKS, issuer: 'x' })[0]).toContain('set `auth.audience`');
    expect(warnings({ jwks: JWKS, issuer: 'x', audience: 'y' })).toEqual([]);
    expect(warnings({ secret: SECRET })).toEqual([]);
  });
});
