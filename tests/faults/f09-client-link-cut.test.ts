import { expect, test } from 'vitest';
import { createStand, runs } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

const stand = await createStand();
const node = stand.nodes[0]!;
/** A stalled link says nothing of itself: whoever hears nothing for so long makes another. */
await stand.subscribeAll({ idleMs: 5_000 });

/** The server asks every 12 s whether a socket's peer is there, and takes one silence for an answer. */
const PING_EVERY_MS = 12_000;

test('F9: links to clients are reset again and again under load: each client goes on where it was', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  stand.write({ writers: 4, paceMs: 200, random });
  for (let run = 0; run < runs(15); run++) {
    await stand.written(1 + random.int(15));
    node.front.reset(random.pick([0.3, 0.6, 1]));
  }
  const settled = await stand.settle();
  expect({ seed, findings: settled.findings }).toEqual({ seed, findings: [] });
  const reconnects = stand.subscribers.reduce((sum, each) => sum + each.reconnects, 0);
  console.log(`seed ${seed}: ${settled.messages} messages, ${reconnects} reconnects`);
  expect(reconnects).toBeGreaterThan(stand.subscribers.length);
}, 120_000);

test('F9: links go silent: clients go on over others, and the server gives up sockets that do not answer', async () => {
  const random = createRandom(seedFromEnvironment());
  stand.write({ writers: 2, paceMs: 150, random });
  await stand.heard();
  const sockets = stand.subscribers.filter(({ plan }) => plan.transport === 'ws').length;
  const before = stand.subscribers.map(({ reconnects }) => reconnects);
  node.front.stallOpen();
  const began = performance.now();
  await waitFor('all of them have given up', () =>
    stand.subscribers.every(({ reconnects }, at) => reconnects > before[at]!),
  );
  await stand.heard();
  expect(await node.figure('rivulet_sockets')).toBeGreaterThan(sockets);
  await waitFor(
    'the dead sockets are dropped',
    async () => (await node.figure('rivulet_sockets')) === sockets,
    2 * PING_EVERY_MS + 15_000,
  );
  console.log(`dropped after ${Math.round((performance.now() - began) / 1_000)} s`);
  node.front.resume();
  await waitFor(
    'dead event streams go when their links do',
    async () => (await node.figure('rivulet_subscribers')) === stand.subscribers.length,
    20_000,
  );
  const settled = await stand.settle();
  expect(settled.findings).toEqual([]);
}, 120_000);

test('F9: a proxy keeps event streams back for a while, and breaks with what it kept: it is asked not to, and nothing is missing', async () => {
  const random = createRandom(seedFromEnvironment());
  const headers: string[] = [];
  node.front.meddle((bytes) => {
    const head = /^HTTP\/1\.1 200[\s\S]*?\r\n\r\n/.exec(bytes.toString('latin1'))?.[0];
    if (head !== undefined && /text\/event-stream/.test(head)) headers.push(head.toLowerCase());
    return new Promise((resolve) => setTimeout(() => resolve(bytes), 300));
  });
  node.front.reset();
  stand.write({ writers: 4, paceMs: 200, random });
  for (let run = 0; run < 3; run++) {
    await stand.heard();
    node.front.reset();
  }
  node.front.meddle(null);
  const settled = await stand.settle();
  expect(settled.findings).toEqual([]);
  expect(headers.length).toBeGreaterThan(0);
  for (const head of headers) {
    expect(head).toContain('x-accel-buffering: no');
    expect(head).toMatch(/cache-control: [^\r]*no-transform/);
  }
}, 120_000);
