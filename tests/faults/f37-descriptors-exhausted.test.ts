import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { createStand } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

const MOST_DESCRIPTORS = 200;
const stand = await createStand();
const node = stand.nodes[0]!;
// Not from the beginning: Node itself reads more files than that at once when it starts.
await promisify(execFile)('prlimit', ['--pid', String(node.pid), `--nofile=${MOST_DESCRIPTORS}`]);
await stand.subscribeAll();

test('F37: a node runs out of descriptors: it refuses who comes, keeps who is there, and takes others when it can again', async () => {
  const random = createRandom(seedFromEnvironment());
  stand.write({ writers: 4, paceMs: 200, random });
  await stand.heard();
  const crowd: WebSocket[] = [];
  let taken = await fill(crowd);
  const open = (await readdir(`/proc/${node.pid}/fd`)).length;
  expect(open).toBeGreaterThan(MOST_DESCRIPTORS - 20);
  // Its links to the database break, and what they had is taken by others before it can make new ones.
  node.back.refuse();
  node.back.reset();
  taken += await fill(crowd);
  node.back.resume();
  await waitFor('the node notices', async () => (await stand.ready()).includes(false), 20_000).catch(
    () => {},
  );
  await stand.written(10);
  for (const socket of crowd) socket.terminate();
  await waitFor('there are descriptors again', async () => {
    const left = (await readdir(`/proc/${node.pid}/fd`)).length;
    return left < MOST_DESCRIPTORS / 2;
  });
  await stand.untilReady();
  const late = await stand.subscribe({ kind: 'tasks', transport: 'ws', userId: 2, project: null });
  const settled = await stand.settle();
  console.log(`${taken} taken, ${crowd.length - taken} refused; ${JSON.stringify(settled)}`);
  expect(settled.findings).toEqual([]);
  expect(late.messages).toBeGreaterThan(0);
  expect([node.isRunning, node.starts]).toEqual([true, 1]);
  expect(stand.subscribers.flatMap(({ breaks }) => breaks)).toEqual([]);
}, 180_000);

/** Opens sockets until twenty were refused; resolves to how many were not. */
async function fill(crowd: WebSocket[]): Promise<number> {
  let [taken, refused] = [0, 0];
  while (refused < 20) {
    const socket = new WebSocket(node.directUrl.replace(/^http/, 'ws'), 'graphql-transport-ws');
    crowd.push(socket);
    await new Promise<void>((resolve) => {
      socket.once('open', () => {
        taken++;
        resolve();
      });
      socket.once('error', () => {
        refused++;
        resolve();
      });
    });
    expect(crowd.length).toBeLessThan(2 * MOST_DESCRIPTORS);
  }
  return taken;
}
