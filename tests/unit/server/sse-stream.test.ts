import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { EventStream, type EventStreamOptions } from '../../../src/server/transport/sse/sse-stream.js';
import { waitFor } from '../../support/wait-for.js';

let respond: (response: ServerResponse) => void = () => {};
const server = createServer((_request, response) => respond(response));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const sockets: Socket[] = [];

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** A stream and its peer, which reads unless it is paused. */
async function open(options: Partial<EventStreamOptions> = {}) {
  const peer = { socket: connect(port, '127.0.0.1'), pieces: [] as string[], closes: 0 };
  sockets.push(peer.socket);
  peer.socket.on('data', (data) => peer.pieces.push(String(data)));
  peer.socket.on('error', () => {});
  const response = new Promise<ServerResponse>((resolve) => {
    respond = resolve;
  });
  peer.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const stream = new EventStream(await response, {
    maxUnsentBytes: 100_000,
    onClose: () => peer.closes++,
    ...options,
  });
  await waitFor('its beginning', () => peer.pieces.join('').includes('retry: '));
  return { stream, peer };
}

test('what one turn of the event loop writes leaves in one piece', async () => {
  const { stream, peer } = await open();
  const before = peer.pieces.length;
  for (let n = 0; n < 50; n++) void stream.write(`event: next\ndata: ${n}\n\n`);
  await waitFor('all of it', () => peer.pieces.join('').includes('data: 49'));
  expect(peer.pieces.length - before).toBe(1);
});

test('a stream on which nothing happens says so', async () => {
  const { peer } = await open({ pingEveryMs: 10 });
  await waitFor('two comments', () => (peer.pieces.join('').match(/\n:\n\n|\r\n:\n\n/g)?.length ?? 0) >= 2);
});

/** Writes until the peer is behind. */
const fill = (stream: EventStream, bytes: number) =>
  waitFor('it is behind', () => {
    stream.write(`data: ${'x'.repeat(bytes)}\n\n`);
    return !stream.isReady;
  });

test.each([
  ['a lot', 100_000],
  ['less than Node keeps without a word', 1_000],
])(
  'a stream that may keep %s tells of it when a peer that was behind reads',
  async (_what, maxUnsentBytes) => {
    const { stream, peer } = await open({ maxUnsentBytes });
    peer.socket.pause();
    let ready = 0;
    const stop = stream.onReady(() => ready++);
    await fill(stream, maxUnsentBytes);
    expect(ready).toBe(0);
    peer.socket.resume();
    await waitFor('it is ready', () => ready > 0 && stream.isReady);
    stop();
    const before = ready;
    await fill(stream, maxUnsentBytes);
    await waitFor('it is ready', () => stream.isReady);
    expect(ready).toBe(before);
  },
);

test('a peer that takes nothing is given up', async () => {
  const { stream, peer } = await open({ pingEveryMs: 50 });
  peer.socket.pause();
  await fill(stream, 50_000);
  await waitFor('it is closed', () => peer.closes === 1);
  expect(stream.isOpen).toBe(false);
  stream.write('data: more\n\n');
});

test('a slow peer that takes some is kept', async () => {
  const { stream, peer } = await open({ pingEveryMs: 200 });
  peer.socket.pause();
  await fill(stream, 500_000);
  const reading = setInterval(() => {
    peer.socket.resume();
    setImmediate(() => peer.socket.pause());
  }, 10);
  const longAfter = Date.now() + 1_000;
  await waitFor('several pings', () => Date.now() > longAfter);
  expect([stream.isOpen, peer.closes]).toEqual([true, 0]);
  clearInterval(reading);
  stream.cut();
});

test('its end is told once, also where the response was gone before it began', async () => {
  const { stream, peer } = await open();
  stream.end();
  stream.end();
  stream.cut();
  await waitFor('it is closed', () => peer.closes === 1);
  const response = new Promise<ServerResponse>((resolve) => {
    respond = resolve;
  });
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const gone = await response;
  socket.destroy();
  await waitFor('it is gone', () => gone.closed);
  let closes = 0;
  const late = new EventStream(gone, { maxUnsentBytes: 1, onClose: () => closes++ });
  await waitFor('its end', () => closes === 1);
  expect(late.isOpen).toBe(false);
});
