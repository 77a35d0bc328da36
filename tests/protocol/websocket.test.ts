import http from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { ClientOptions } from 'ws';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveExample({ server: { origins: ['https://app.example.com'] } });
const { token, webSocketUrl } = example;
const STREAM = 'subscription { taskChanges { changes { key } } }';
const ME = '{ projects(orderBy: [{ id: ASC }]) { id } }';

const open = (options?: ClientOptions, protocols?: string | string[]) =>
  new RawSocket(example.socket(options, protocols));

/** The ids of the projects that the socket's user sees. */
async function projectsOf(socket: RawSocket, id: string, extensions?: object): Promise<unknown> {
  socket.subscribe(id, ME, extensions);
  const { payload } = await socket.next('next', id);
  return (payload as { data: { projects: { id: string }[] } }).data.projects.map((project) => project.id);
}

afterEach(() => example.subscribed(0));

describe('what the protocol forbids closes the socket with the code that says so', () => {
  test('a second connection_init: 4429', async () => {
    const socket = await open().init();
    socket.send({ type: 'connection_init' });
    expect(await socket.closed()).toMatchObject({ code: 4429 });
  });

  test('a subscription before connection_init: 4401', async () => {
    const socket = await open().open();
    socket.subscribe('1', STREAM);
    expect(await socket.closed()).toMatchObject({ code: 4401 });
  });

  test('no connection_init within three seconds: 4408', async () => {
    const socket = await open().open();
    expect(await socket.closed()).toMatchObject({ code: 4408 });
  });

  test('no subprotocol: 4406', async () => {
    expect(await open({}, []).closed()).toMatchObject({ code: 4406 });
  });

  test.each([['graphql-ws'], ['graphql-ws, other'], ['GRAPHQL-TRANSPORT-WS']])(
    'a subprotocol that is not ours (%s): not agreed to, and 4406',
    async (protocols) => {
      const { agreed, closeCode } = await upgrade(protocols);
      expect({ agreed, closeCode }).toEqual({ agreed: null, closeCode: 4406 });
    },
  );

  test('the same id twice: 4409', async () => {
    const socket = await open().init({ token: await token(1) });
    socket.subscribe('1', STREAM);
    socket.subscribe('1', STREAM);
    expect(await socket.closed()).toMatchObject({ code: 4409 });
  });

  test.each(['{', '[]', '{"type":"nonsense"}', '"text"'])(
    'a message that is none (%s): 4400',
    async (message) => {
      const socket = await open().init();
      socket.send(message);
      expect(await socket.closed()).toMatchObject({ code: 4400 });
    },
  );

  test('a message over 64 kB: 1009, and the compression that would hide its size is not offered', async () => {
    const socket = await open({ perMessageDeflate: true }).init();
    expect(socket.socket.extensions).toBe('');
    socket.subscribe('1', `{ projects(where: { name: { eq: "${'x'.repeat(70_000)}" } }) { id } }`);
    expect(await socket.closed()).toMatchObject({ code: 1009 });
  });
});

describe('only pages of allowed origins may open a socket', () => {
  const ownOrigin = webSocketUrl.replace('ws:', 'http:').replace('/graphql', '');

  test.each([ownOrigin, 'https://app.example.com'])('%s may', async (origin) => {
    await open({ headers: { origin } }).init();
  });

  test.each([
    'https://evil.example',
    'null',
    'https://app.example.com.evil.example',
    'https://evil.example/https://app.example.com',
    'http://app.example.com',
    `${ownOrigin}.evil.example`,
  ])('%s may not', async (origin) => {
    const socket = example.socket({ headers: { origin } });
    expect(await refusalOf(socket)).toBe(403);
  });

  test('neither may one that brings a cookie and hides where it comes from', async () => {
    expect(await refusalOf(example.socket({ headers: { cookie: 'session=1' } }))).toBe(403);
  });
});

describe('whose a socket is', () => {
  const bearer = async (userId: number) => `Bearer ${await token(userId)}`;

  test.each([
    ['authorization', async () => ({ authorization: await bearer(2) })],
    ['Authorization', async () => ({ Authorization: await bearer(2) })],
    ['headers', async () => ({ headers: { AUTHORIZATION: await bearer(2) } })],
    ['token', async () => ({ token: await token(2) })],
  ])('is said by `%s` of connection_init', async (_name, payload) => {
    expect(await projectsOf(await open().init(await payload()), '1')).toEqual(['2', '3']);
  });

  test('is nobody without a token', async () => {
    expect(await projectsOf(await open().init(), '1')).toEqual([]);
  });

  test('is said for one operation by the headers in its extensions, as GraphiQL sends them', async () => {
    const socket = await open().init();
    expect(await projectsOf(socket, '1', { headers: { Authorization: await bearer(3) } })).toEqual([
      '1',
      '3',
    ]);
    expect(await projectsOf(socket, '2')).toEqual([]);
    socket.subscribe('3', ME, { headers: { Authorization: 'Bearer nonsense' } });
    expect(await socket.next('error', '3')).toMatchObject({
      payload: [{ extensions: { code: 'TOKEN_INVALID' } }],
    });
  });

  test('a token that is not good refuses the socket, and does not make it nobody', async () => {
    const payloads = [
      { token: 'nonsense' },
      { authorization: 'Basic YTpi' },
      { token: `${(await token(1)).slice(0, -3)}AAA` },
      { token: 'x'.repeat(10_000) },
    ];
    for (const payload of payloads) {
      const socket = await open().open();
      socket.send({ type: 'connection_init', payload });
      const { code, reason } = await socket.closed();
      expect([code, reason.split(':')[0]]).toEqual([4403, 'TOKEN_INVALID']);
    }
    const expired = await open().open();
    expired.send({ type: 'connection_init', payload: { token: await token(1, -10) } });
    expect(await expired.closed()).toMatchObject({
      code: 4403,
      reason: 'TOKEN_EXPIRED: the token has expired',
    });
  });

  test('a socket is closed when its token expires', async () => {
    const socket = await open().init({ token: await token(1, 2) });
    socket.subscribe('1', STREAM);
    await example.subscribed(1);
    expect(await socket.closed()).toMatchObject({
      code: 4403,
      reason: 'TOKEN_EXPIRED: the token has expired',
    });
    await example.subscribed(0);
  });

  test('a new token in a ping keeps it open, without touching its subscriptions', async () => {
    const socket = await open().init({ token: await token(1, 1) });
    socket.subscribe('1', STREAM);
    await example.subscribed(1);
    socket.send({ type: 'ping', payload: { token: await token(1) } });
    await socket.next('pong');
    const expiresAt = Date.now() + 1_500;
    await waitFor('the first token has expired', () => Date.now() > expiresAt);
    await example.database.query('update tasks set priority = priority + 1 where id = 1');
    await socket.next('next', '1');
    socket.socket.terminate();
  });

  test('a ping with a token of another user closes it', async () => {
    const socket = await open().init({ token: await token(1) });
    socket.send({ type: 'ping', payload: { token: await token(2) } });
    expect(await socket.closed()).toMatchObject({ code: 4403 });
  });
});

test('a socket has at most 100 operations open, and may open another when one is complete', async () => {
  const socket = await open().init({ token: await token(1) });
  for (let id = 1; id <= 101; id++) socket.subscribe(String(id), STREAM);
  const refused = await socket.next('error');
  expect(refused).toMatchObject({ id: '101', payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] });
  await example.subscribed(100);
  socket.send({ type: 'complete', id: '1' });
  await example.subscribed(99);
  expect(await projectsOf(socket, 'more')).toEqual(['1', '2']);
  socket.socket.terminate();
});

test('a socket that is gone leaves no subscription behind', async () => {
  const socket = await open().init({ token: await token(1) });
  socket.subscribe('1', STREAM);
  socket.subscribe('2', 'subscription { tasks { title } }');
  await example.subscribed(2);
  socket.socket.terminate();
  await example.subscribed(0);
});

function refusalOf(socket: ReturnType<typeof example.socket>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.on('open', () => reject(new Error('the socket was opened')));
  });
}

/** An upgrade by hand: a client of `ws` hangs up on an answer without the protocol that it offered. */
function upgrade(protocols: string): Promise<{ readonly agreed: string | null; readonly closeCode: number }> {
  return new Promise((resolve, reject) => {
    const request = http.get(webSocketUrl.replace('ws:', 'http:'), {
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16).toString('base64'),
        'sec-websocket-protocol': protocols,
      },
    });
    request.on('error', reject);
    request.on('upgrade', (response, stream, head) => {
      const onData = (frame: Buffer): void => {
        // A close frame: two bytes of header, then the code.
        const agreed = response.headers['sec-websocket-protocol'] ?? null;
        resolve({ agreed, closeCode: frame.readUInt16BE(2) });
        stream.destroy();
      };
      if (head.length > 0) onData(head);
      else stream.once('data', onData);
    });
  });
}
