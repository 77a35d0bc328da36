import { afterEach, expect, test } from 'vitest';
import type WebSocket from 'ws';
import { serveExample } from '../support/example-server.js';
import { waitFor } from '../support/wait-for.js';

/** A quarter of it is written ahead of the system, the rest waits as messages. */
const MAX_QUEUED_BYTES = 1024 * 1024;
const HEALTHY = Number(process.env.RIVULET_SOCKETS ?? 25);
/** Each update says so much to those who select it. */
const TEXT = 'x'.repeat(100_000);

const example = await serveExample({
  limits: { maxQueuedBytes: MAX_QUEUED_BYTES, stalledSeconds: 4, maxRecentChanges: 5_000 },
});
const { server, database, token, socket, subscribed } = example;
const ada = await token(1);

const LARGE = 'cursor reset changes { kind key node { position description } }';
const SMALL = 'cursor reset changes { kind key node { position } }';

interface Message {
  readonly cursor: string;
  readonly reset: string | null;
  readonly changes: readonly { readonly key: string; readonly node: { readonly position: number } | null }[];
}

const open: Consumer[] = [];
afterEach(async () => {
  for (const consumer of open.splice(0)) consumer.socket.terminate();
  await subscribed(0);
});

/** One socket with one subscription, and everything that it was told. */
class Consumer {
  readonly messages: Message[] = [];
  readonly socket: WebSocket;
  code: number | null = null;

  constructor(selection: string, after: string | null = null) {
    this.socket = socket();
    open.push(this);
    this.socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data));
      if (type === 'connection_ack') {
        const query = `subscription ($after: String) { taskChanges(after: $after) { ${selection} } }`;
        this.socket.send(
          JSON.stringify({ id: 'it', type: 'subscribe', payload: { query, variables: { after } } }),
        );
      } else if (type === 'next') this.messages.push(payload.data.taskChanges);
      else if (type === 'error') throw new Error(JSON.stringify(payload));
    });
    this.socket.on('open', () => {
      const payload = { authorization: `Bearer ${ada}` };
      this.socket.send(JSON.stringify({ type: 'connection_init', payload }));
    });
    this.socket.on('close', (code) => {
      this.code = code;
    });
  }

  get positions(): number[] {
    return this.messages.flatMap(({ changes }) => changes.map(({ node }) => node!.position));
  }

  get resets(): string[] {
    return this.messages.flatMap(({ reset }) => reset ?? []);
  }

  get cursor(): string {
    return this.messages.at(-1)!.cursor;
  }
}

let position = 0;
const write = () =>
  database.query(
    'update tasks set position = $1::text::float8, description = $2 where id = 1',
    String(++position),
    TEXT,
  );

const range = (to: number) => Array.from({ length: to }, (_, n) => n + 1);

test('F10: one who stops reading and one who reads slowly cost themselves, and nobody else', {
  timeout: 120_000,
}, async () => {
  const healthy = Array.from({ length: HEALTHY }, () => new Consumer(SMALL));
  const [stalled, slow] = [new Consumer(LARGE), new Consumer(LARGE)];
  await subscribed(HEALTHY + 2);
  await write();
  await waitFor('everybody was told', () =>
    [...healthy, stalled, slow].every(({ messages }) => messages.length > 0),
  );
  const memory = process.memoryUsage().rss;
  const peak = { queued: 0, rss: 0 };

  stalled.socket.pause();
  slow.socket.pause();
  const dripping = setInterval(() => {
    slow.socket.resume();
    setTimeout(() => slow.socket.pause(), 5);
  }, 40);
  const until = performance.now() + 60_000;
  while (server.scopes.status().subscribers > HEALTHY + 1) {
    if (performance.now() > until) throw new Error('the server does not close the one that does not read');
    await write();
    // Full pipes need no more to be filled; what is written now is to find out who is waited for.
    if (peak.queued > 0) await new Promise((resolve) => setTimeout(resolve, 40));
    peak.queued = Math.max(peak.queued, server.scopes.figures().queued);
    peak.rss = Math.max(peak.rss, process.memoryUsage().rss - memory);
  }
  clearInterval(dripping);
  // Now the slow one gets so much at once that it cannot be told each change.
  slow.socket.pause();
  while (server.scopes.figures().queued === 0) await write();
  // More than the system may still make room for.
  for (let n = 0; n < 100; n++) await write();
  expect(example.logged.some((line) => line.includes('a peer does not read'))).toBe(true);

  // The healthy heard everything, each once and in order.
  await waitFor('the healthy were told', () =>
    healthy.every(({ positions }) => positions.at(-1) === position),
  );
  for (const { positions, resets } of healthy) {
    expect(resets).toEqual([]);
    expect(positions).toEqual(range(position));
  }

  // The slow one was told of each row's newest state, or to fetch again; what it was told never goes back.
  slow.socket.resume();
  await waitFor(
    'the slow one is there',
    () => slow.positions.at(-1) === position || slow.resets.length > 0,
    30_000,
  );
  expect(slow.positions).toEqual([...slow.positions].sort((a, b) => a - b));
  expect(slow.positions.length).toBeLessThan(position);
  expect(slow.code).toBeNull();

  // The one that stalled reads what was under way, comes again where stock clients would, and gets the rest from the log.
  stalled.socket.resume();
  await waitFor('it sees that it was closed', () => stalled.code !== null, 30_000);
  expect([1013, 1006]).toContain(stalled.code);
  const before = stalled.positions.at(-1)!;
  const again = new Consumer(SMALL, stalled.cursor);
  await waitFor('it caught up', () => again.positions.at(-1) === position || again.resets.length > 0, 30_000);
  expect(again.resets).toEqual([]);
  // Of a scope through relations several transactions may be told as one.
  expect(again.positions[0]).toBeGreaterThan(before);
  expect(again.positions).toEqual([...new Set(again.positions)].sort((a, b) => a - b));

  // Two slow ones hold their bounds, and one message each.
  expect(peak.queued).toBeLessThan(100);
  const megabytes = (bytes: number) => Math.round(bytes / 1024 ** 2);
  console.log(
    `${position} changes; at the most ${peak.queued} waited; ${megabytes(peak.rss)} MB more; ` +
      `the slow one got ${slow.positions.length} (${slow.resets.length} resets), the stalled one ${before}`,
  );
});

test('F10: an idle socket is not slow', { timeout: 30_000 }, async () => {
  const idle = new Consumer(SMALL);
  await subscribed(1);
  const began = Date.now();
  await waitFor('longer than a stall may last', () => Date.now() - began > 5_500);
  expect(idle.code).toBeNull();
  await write();
  await waitFor('it is told', () => idle.positions.at(-1) === position);
});
