import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { createStand } from '../support/faults/in-test.js';
import { Inspector } from '../support/faults/inspect.js';
import { isLive, type Plan, queryOf, subscriptionOf } from '../support/faults/plans.js';
import { createRandom, type Random, seedFromEnvironment } from '../support/faults/random.js';
import { EVERY_KIND } from '../support/faults/stand.js';
import { waitFor } from '../support/wait-for.js';

/** RIVULET_CHURN=100000 takes a while. */
const TIMES = Number(process.env.RIVULET_CHURN ?? 3_000);
const SOCKETS = 4;
const AT_ONCE = 20;
/** One that is forgotten leaves thousands. */
const BYTES_LEFT_OF_EACH = 300;

const stand = await createStand({
  nodeArguments: ['--inspect=127.0.0.1:0'],
  // What is remembered of the log grows with what is written, up to a limit.
  config: { limits: { operationsPerMinutePerUser: 1e9, maxRecentChanges: 20 } },
});
const node = stand.nodes[0]!;

/** A socket over which subscriptions begin and end. */
class Churner {
  readonly #socket: WebSocket;
  readonly #random: Random;
  readonly #waiting = new Map<string, () => void>();
  #lastId = 0;
  isReady = false;

  constructor(token: string, random: Random) {
    this.#random = random;
    this.#socket = new WebSocket(node.directUrl.replace(/^http/, 'ws'), 'graphql-transport-ws');
    this.#socket.on('open', () =>
      this.#send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }),
    );
    this.#socket.on('message', (data) => {
      const { type, id } = JSON.parse(String(data));
      if (type === 'connection_ack') this.isReady = true;
      else if (id !== undefined) this.#waiting.get(id)?.();
    });
  }

  /** One subscription, ended at once, a moment later, or when something of it has come. */
  async once(plan: Plan, after: string): Promise<void> {
    const id = String(++this.#lastId);
    const query = subscriptionOf(plan);
    const variables = isLive(plan) || this.#random.int(2) === 0 ? {} : { after };
    const heard = new Promise<void>((resolve) => this.#waiting.set(id, resolve));
    this.#send({ type: 'subscribe', id, payload: { query, variables } });
    const until = this.#random.int(3);
    if (until === 1) await new Promise((resolve) => setTimeout(resolve, this.#random.int(30)));
    // Of a stream without a cursor something comes only when somebody writes.
    if (until === 2) await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 100))]);
    this.#waiting.delete(id);
    this.#send({ type: 'complete', id });
  }

  close(): void {
    this.#socket.terminate();
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}

async function churn(times: number, random: Random): Promise<void> {
  const { cursor } = await cursorOf();
  const churners = await Promise.all(
    Array.from({ length: SOCKETS }, async (_, at) => new Churner(await stand.token(1 + at), random.fork())),
  );
  await waitFor('the sockets', () => churners.every(({ isReady }) => isReady));
  let left = times;
  const oneAfterTheOther = async (at: number): Promise<void> => {
    while (left-- > 0) await churners[at % SOCKETS]!.once(random.pick(EVERY_KIND), cursor);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => oneAfterTheOther(at)));
  await waitFor(
    'nobody subscribes, and nothing is watched',
    async () => {
      const figures = [
        'rivulet_subscribers',
        'rivulet_scopes',
        'rivulet_live_queries',
        'rivulet_queued_changes',
      ];
      const left = await Promise.all(figures.map((name) => node.figure(name)));
      if (left.every((count) => count === 0)) return true;
      throw new Error(left.join());
    },
    60_000,
  );
  for (const churner of churners) churner.close();
  await waitFor('the sockets are gone', async () => (await node.figure('rivulet_sockets')) === 0);
}

async function cursorOf(): Promise<{ readonly cursor: string }> {
  const plan = EVERY_KIND[0]!;
  const response = await fetch(node.directUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await stand.token(1)}` },
    body: JSON.stringify({ query: queryOf(plan) }),
  });
  const { extensions } = (await response.json()) as { extensions: { rivulet: { cursor: string } } };
  return extensions.rivulet;
}

const descriptors = async (): Promise<number> => (await readdir(`/proc/${node.pid}/fd`)).length;

test(`F38: ${2 * TIMES} subscriptions begin and end: nothing of them is left`, async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  const inspector = await Inspector.attach(node);
  stand.write({ writers: 2, paceMs: 200, random: random.fork() });
  // What is made once for all is made by the first.
  await churn(TIMES, random);
  const [before, openBefore] = [await inspector.remains(), await descriptors()];
  await churn(TIMES, random);
  await stand.stopWriting();
  // What was asked of the database for those that are gone is still answered.
  const most = before.heapBytes + BYTES_LEFT_OF_EACH * TIMES;
  let after = before;
  await waitFor(
    'nothing is left of them',
    async () => {
      after = await inspector.remains();
      if (after.heapBytes < most) return true;
      throw new Error(`${Math.round((after.heapBytes - before.heapBytes) / TIMES)} bytes of each`);
    },
    60_000,
  );
  const openAfter = await descriptors();
  console.log(
    `seed ${seed}: ${Math.round((after.heapBytes - before.heapBytes) / TIMES)} bytes left of each, ` +
      `heap ${Math.round(after.heapBytes / 1e6)} MB, descriptors ${openBefore} → ${openAfter}, ${JSON.stringify(after.resources)}`,
  );
  inspector.close();
  for (const [kind, count] of Object.entries(after.resources)) {
    expect([kind, count - (before.resources[kind] ?? 0) < 20]).toEqual([kind, true]);
  }
  expect(openAfter - openBefore).toBeLessThan(20);
  expect(node.stray.replace(/^(Debugger|For help).*$/gm, '').trim()).toBe('');
}, 1_800_000);
