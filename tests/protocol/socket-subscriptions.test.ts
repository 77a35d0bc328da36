import { afterEach, expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveExample();
const { database, token, subscribed } = example;
const PROJECTS = 'subscription { projectChanges { changes { key } } }';
const TASKS = 'subscription { taskChanges { changes { key } } }';

const sockets: RawSocket[] = [];

afterEach(async () => {
  for (const { socket } of sockets.splice(0)) socket.terminate();
  await subscribed(0);
});

async function open(): Promise<RawSocket> {
  const socket = new RawSocket(example.socket());
  sockets.push(socket);
  return socket.init({ token: await token(1) });
}

const touch = {
  projects: () => database.script("update projects set name = name || '.' where id = 1"),
  tasks: () => database.script("update tasks set title = title || '.' where id = 1"),
};
const told = (socket: RawSocket, id: string) =>
  socket.received.filter((message) => message.id === id).map(({ type, payload }) => ({ type, payload }));

test('an id may be used again at once: the one before that had not even begun is silent, also about its end', async () => {
  const socket = await open();
  const of = (query: string) => ({ id: 'a', type: 'subscribe', payload: { query } });
  socket.send(of(PROJECTS));
  socket.send({ id: 'a', type: 'complete' });
  socket.send(of(TASKS));
  socket.subscribe('b', PROJECTS);
  await subscribed(2);
  await touch.projects();
  await waitFor('what b is told', () => told(socket, 'b').length === 1);
  await touch.tasks();
  await waitFor('what a is told', () => told(socket, 'a').length > 0);
  expect(told(socket, 'a')).toEqual([
    { type: 'next', payload: { data: { taskChanges: expect.anything() } } },
  ]);
  socket.send({ id: 'a', type: 'complete' });
  await subscribed(1);
});

test('an id that was told of its end is free again, and one that is open is not', async () => {
  const socket = await open();
  socket.subscribe('a', TASKS);
  await subscribed(1);
  socket.send({ id: 'a', type: 'complete' });
  await subscribed(0);
  socket.subscribe('a', TASKS);
  await subscribed(1);
  await touch.tasks();
  await waitFor('what a is told', () => told(socket, 'a').length === 1);
  const closed = new Promise((resolve) => socket.socket.once('close', resolve));
  socket.subscribe('a', TASKS);
  expect(await closed).toBe(4409);
});
