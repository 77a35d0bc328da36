import { expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveExample({ limits: { pendingConnections: 3 } });

const refusalOf = (socket: RawSocket): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    socket.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.socket.on('open', () => reject(new Error('the socket was opened')));
  });

test('of all strangers together no more than so many await their beginning', async () => {
  const sockets = Array.from({ length: 3 }, () => new RawSocket(example.socket()));
  for (const socket of sockets) await socket.open();
  expect(await refusalOf(new RawSocket(example.socket()))).toBe(429);
  expect((await fetch(example.url, { method: 'PUT' })).status).toBe(429);
  // Whoever begins makes place, and so does whoever takes too long.
  sockets[0]!.send({ type: 'connection_init' });
  await sockets[0]!.next('connection_ack');
  await new RawSocket(example.socket()).init();
  await sockets[1]!.closed();
  await sockets[2]!.closed();
  const reserved = await waitFor('their places', async () => {
    const response = await fetch(example.url, { method: 'PUT' });
    return response.status === 201 && response.text();
  });
  expect(reserved).toMatch(/^[\w-]{32}$/);
});
