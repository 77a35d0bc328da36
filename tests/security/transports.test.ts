import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveExample({ limits: { requestSeconds: 2, headersSeconds: 1 } });
const { url, post, token, subscribed } = example;
const ada = await token(1);
const { port } = new URL(url);

/** A connection by hand. `answer` is what came so far. */
function raw() {
  const socket: Socket = connect(Number(port), '127.0.0.1');
  const state = { socket, answer: '', isClosed: false };
  socket.on('error', () => {});
  socket.on('data', (data) => {
    state.answer += String(data);
  });
  socket.on('close', () => {
    state.isClosed = true;
  });
  return state;
}

const upgrade = (headers: string) =>
  'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n${headers}\r\n`;

const isFine = async () => expect((await post('{ __typename }', { token: ada })).status).toBe(200);

test('a request whose headers trickle is given up', async () => {
  const slow = raw();
  slow.socket.write('POST /graphql HTTP/1.1\r\nHost: localhost\r\n');
  const trickle = setInterval(() => slow.socket.write('X: y\r\n'), 100);
  await waitFor('it is closed', () => slow.isClosed);
  clearInterval(trickle);
  expect(slow.answer).toMatch(/^HTTP\/1\.1 408 /);
  await isFine();
});

test('a request whose body trickles is given up', async () => {
  const slow = raw();
  slow.socket.write(
    'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
  );
  const trickle = setInterval(() => slow.socket.write(' '), 100);
  await waitFor('it is closed', () => slow.isClosed);
  clearInterval(trickle);
  await isFine();
});

test('an event stream is no request that takes too long', async () => {
  const stream = raw();
  const query = encodeURIComponent('subscription { taskChanges { cursor } }');
  stream.socket.write(
    `GET /graphql?query=${query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${ada}\r\n\r\n`,
  );
  await subscribed(1);
  const longAfter = Date.now() + 4_000;
  await waitFor('the times of requests are over', () => Date.now() > longAfter);
  await example.database.script("update tasks set title = 'later' where id = 1");
  await waitFor('its event', () => stream.answer.includes('event: next'));
  stream.socket.destroy();
  await subscribed(0);
});

test('too many headers, too long headers and a protocol header of blanks open nothing', async () => {
  const many = raw();
  many.socket.write(upgrade(Array.from({ length: 5_000 }, (_, n) => `X-${n}: y\r\n`).join('')));
  const long = raw();
  long.socket.write(upgrade(`Sec-WebSocket-Protocol: ${'x'.repeat(60_000)}\r\n`));
  const blanks = raw();
  blanks.socket.write(upgrade(`Sec-WebSocket-Protocol: graphql-transport-ws${' '.repeat(12_000)}x\r\n`));
  for (const each of [many, long, blanks]) {
    await waitFor('it is closed', () => each.isClosed);
    expect(each.answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  }
  await isFine();
});

test('a compressed body is not unpacked', async () => {
  const body = gzipSync(JSON.stringify({ query: `{ __typename } #${' '.repeat(50_000_000)}` }));
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body,
  });
  expect(response.status).toBe(400);
  await isFine();
});

test('keys that objects inherit are keys like others', async () => {
  for (const body of [
    '{"query":"{ __typename }","__proto__":{"query":"{ tasks { id } }"},"constructor":{"prototype":{"x":1}}}',
    '{"query":"query ($a: TaskFilter) { tasks(where: $a) { id } }","variables":{"a":{"__proto__":{"id":{"eq":"1"}}}}}',
    '{"query":"{ __typename }","extensions":{"rivulet":{"__proto__":{"after":"x"}},"__proto__":{"mutationId":"x"}}}',
  ]) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBeLessThan(500);
  }
  expect(({} as { query?: unknown }).query).toBeUndefined();
  await isFine();
});

test('a token of a user in the address is no token', async () => {
  const query = encodeURIComponent('{ tasks { id } }');
  for (const name of ['access_token', 'authorization', 'bearer']) {
    const response = await fetch(`${url}?query=${query}&${name}=${ada}`);
    expect((await response.json()) as object).toMatchObject({ data: { tasks: [] } });
  }
  expect((await fetch(`${url}?query=${query}&token=${ada}`)).status).toBe(404);
});

test('a flood of subscriptions on one socket is refused past the limit, and disturbs nobody', async () => {
  const flood = await new RawSocket(example.socket()).init({ token: ada });
  const other = await new RawSocket(example.socket()).init({ token: ada });
  other.subscribe('1', 'subscription { taskChanges { cursor } }');
  await subscribed(1);
  for (let id = 1; id <= 3_000; id++) flood.subscribe(String(id), 'subscription { taskChanges { cursor } }');
  await waitFor(
    'all are answered',
    () => flood.received.filter(({ type }) => type === 'error').length === 2_900,
    30_000,
  );
  expect(JSON.stringify(flood.received.at(-1))).toContain('TOO_MANY_SUBSCRIPTIONS');
  await subscribed(101);
  await example.database.script("update tasks set title = 'amid a flood' where id = 1");
  await other.next('next', '1');
  flood.socket.terminate();
  other.socket.terminate();
  await subscribed(0);
});

test('a frame without an end is not kept', async () => {
  const socket = await new RawSocket(example.socket()).init();
  socket.socket.send(`{"type":"ping","payload":{"x":"${'x'.repeat(40_000)}`, { fin: false });
  socket.socket.send('x'.repeat(40_000), { fin: false });
  expect(await socket.closed()).toMatchObject({ code: 1009 });
});
