import { afterEach, describe, expect, test } from 'vitest';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

// One proxy is trusted, so that a test can come from anywhere.
const example = await serveExample({
  server: { trustedProxies: 1 },
  limits: {
    subscriptionsPerUser: 5,
    connectionsPerUser: 3,
    connectionsPerAddress: 4,
    pendingConnectionsPerAddress: 2,
  },
});
const { url, token, subscribed } = example;
const STREAM = 'subscription { taskChanges { cursor } }';

let last = 0;
/** What a test leaves is no other's. */
const newAddress = () => `198.51.100.${++last}`;
const newUser = () => token(`somebody ${++last}`);
const from = (address: string) => ({ 'x-forwarded-for': address });

const sockets: RawSocket[] = [];
const streams: RawEventStream[] = [];

const open = (address: string) => {
  const socket = new RawSocket(example.socket({ headers: from(address) }));
  sockets.push(socket);
  return socket;
};

const listen = async (address: string, bearer: string) => {
  const stream = await RawEventStream.open(`${url}?query=${encodeURIComponent(STREAM)}`, {
    headers: { ...from(address), authorization: `Bearer ${bearer}` },
  });
  streams.push(stream);
  return stream;
};

const reserve = (address: string, bearer: string) =>
  fetch(url, { method: 'PUT', headers: { ...from(address), authorization: `Bearer ${bearer}` } });

const refusalOf = (socket: RawSocket): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    socket.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.socket.on('open', () => reject(new Error('the socket was opened')));
  });

const codeOf = async (response: Response) => {
  const body = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, body.errors[0]?.extensions.code];
};

afterEach(async () => {
  for (const { socket } of sockets.splice(0)) socket.terminate();
  for (const stream of streams.splice(0)) stream.close();
  await subscribed(0);
});

describe('of one user', () => {
  test('subscriptions are counted over all sockets and streams, and a place that was left is free', async () => {
    const [ada, grace] = [await newUser(), await newUser()];
    const one = await open(newAddress()).init({ token: ada });
    const other = await open(newAddress()).init({ token: ada });
    for (const id of ['1', '2', '3']) one.subscribe(id, STREAM);
    other.subscribe('1', STREAM);
    const stream = await listen(newAddress(), ada);
    await subscribed(5);
    other.subscribe('2', STREAM);
    const { payload } = await Promise.any([other.next('error', '2'), other.next('next', '2')]);
    expect(JSON.stringify(payload)).toContain('TOO_MANY_SUBSCRIPTIONS');
    // Another user is not concerned.
    const stranger = await open(newAddress()).init({ token: grace });
    stranger.subscribe('1', STREAM);
    await subscribed(6);
    stream.close();
    await subscribed(5);
    other.subscribe('3', STREAM);
    await subscribed(6);
    one.send({ type: 'complete', id: '1' });
    await subscribed(5);
    other.subscribe('4', STREAM);
    await subscribed(6);
    one.socket.terminate();
    await subscribed(4);
    for (const id of ['5', '6']) other.subscribe(id, STREAM);
    await subscribed(6);
  });

  test('sockets and event streams are counted together', async () => {
    const [ada, grace] = [await newUser(), await newUser()];
    await open(newAddress()).init({ token: ada });
    await listen(newAddress(), ada);
    expect((await reserve(newAddress(), ada)).status).toBe(201);
    const fourth = await open(newAddress()).open();
    fourth.send({ type: 'connection_init', payload: { token: ada } });
    // A code after which stock clients try again.
    expect(await fourth.closed()).toMatchObject({
      code: 1013,
      reason: 'TOO_MANY_CONNECTIONS: a user has at most 3 connections',
    });
    expect(await codeOf((await listen(newAddress(), ada)).response)).toEqual([429, 'TOO_MANY_CONNECTIONS']);
    expect(await codeOf(await reserve(newAddress(), ada))).toEqual([429, 'TOO_MANY_CONNECTIONS']);
    await open(newAddress()).init({ token: grace });
    await subscribed(1);
  });
});

describe('of one address', () => {
  test('a fifth connection is refused, whoever it would be of', async () => {
    const [address, ada, grace] = [newAddress(), await newUser(), await newUser()];
    await open(address).init({ token: ada });
    await open(address).init({ token: grace });
    await open(address).init();
    await listen(address, ada);
    expect(await refusalOf(open(address))).toBe(429);
    expect((await reserve(address, grace)).status).toBe(429);
    await open(newAddress()).init({ token: ada });
    sockets[0]!.socket.terminate();
    await waitFor('its place', () =>
      open(address)
        .init()
        .then(() => true),
    );
  });

  test('a third socket that has not signed in is refused, and takes no place from those who have', async () => {
    const address = newAddress();
    await open(address).open();
    const second = await open(address).open();
    expect(await refusalOf(open(address))).toBe(429);
    second.send({ type: 'connection_init' });
    await second.next('connection_ack');
    await open(address).init();
  });

  test('so is a third reserved stream that nobody reads', async () => {
    const [address, ada, grace] = [newAddress(), await newUser(), await newUser()];
    expect((await reserve(address, ada)).status).toBe(201);
    expect((await reserve(address, grace)).status).toBe(201);
    expect(await codeOf(await reserve(address, ada))).toEqual([429, 'TOO_MANY_CONNECTIONS']);
  });

  test('what a client writes before its proxy does, counts for nothing', async () => {
    const address = newAddress();
    for (const claimed of ['203.0.113.1', '203.0.113.2']) await open(`${claimed}, ${address}`).open();
    expect(await refusalOf(open(`203.0.113.3, ${address}`))).toBe(429);
  });

  test('all addresses of one IPv6 network are one', async () => {
    for (const end of ['1', '2']) await open(`2001:db8:1:2::${end}`).open();
    expect(await refusalOf(open('2001:db8:1:2:aaaa:bbbb:cccc:dddd'))).toBe(429);
    await open('2001:db8:1:3::1').init();
  });
});
