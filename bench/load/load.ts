import postgres, { type Sql } from 'postgres';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { SECRET } from '../application/items.js';
import { answerCalls } from '../harness/calls.js';
import { percentile, sort } from '../harness/statistics.js';
import type {
  ClosedLoopOptions,
  ClosedLoopResult,
  ConnectOptions,
  LatencyResult,
  LoadApi,
  RowsResult,
} from './load-api.js';
import { Subscriber } from './socket.js';
import { markOf, Tally } from './tally.js';
import { write } from './write.js';

/** Rows that are changed in turn, so that no writer waits for another's row. */
const ROWS_IN_TURN = 1_000;

/** After the last change: long enough for a second delivery, or one to somebody else, to come. */
const QUIET_MS = 250;
const DELIVER_WITHIN_MS = 30_000;
const CONNECT_AT_ONCE = 100;

let sql: Sql | undefined;
let subscribers: Subscriber[] = [];
let tally = new Tally(0);
let topicsPerSocket = 0;
let isShared = false;
let nextChange = 1;
const troubles: string[] = [];

async function connect(options: ConnectOptions): Promise<void> {
  if (!sql) {
    sql = postgres(options.databaseUrl, { max: 8 });
    await Promise.all(Array.from({ length: 8 }, () => sql!`select 1`));
  }
  topicsPerSocket = options.topicsPerSocket ?? 0;
  isShared = options.topics === 'shared';
  tally = new Tally(options.sockets);
  for (let first = 0; first < options.sockets; first += CONNECT_AT_ONCE) {
    const batch = Array.from(
      { length: Math.min(CONNECT_AT_ONCE, options.sockets - first) },
      (_, i) => first + i,
    );
    const opening = await Promise.all(batch.map((socket) => open(options, socket)));
    subscribers.push(...opening);
    await Promise.all(opening.map(({ opened }) => opened));
  }
}

async function open(options: ConnectOptions, socket: number): Promise<Subscriber> {
  const { url, query } = options;
  const owner = `owner-${socket}`;
  const token = options.signIn === 'token' ? await signToken(SECRET, owner, 3_600) : null;
  const variables =
    topicsPerSocket === 0
      ? [{}]
      : Array.from({ length: topicsPerSocket }, (_, i) => ({
          topic: isShared ? i : socket + i * options.sockets,
        }));
  return new Subscriber({
    url,
    query,
    variables,
    connectionParams: token ? { authorization: `Bearer ${token}` } : { owner },
    onNext: options.countRows
      ? (received, from, to) => tally.countRows(received, from, to)
      : (received, from) => tally.receive(socket, received, from),
    onTrouble: (message) => {
      if (troubles.length < 10) troubles.push(message);
    },
  });
}

/** Change number n is a transaction of its own that changes one row, and marks it. */
async function change(number: number, row: number): Promise<void> {
  await sql!`update items set title = ${markOf(number)}, amount = amount + 1 where id = ${row}`;
}

/** So many changes in one transaction: of the first rows, one each. */
async function changes(first: number, count: number): Promise<void> {
  await sql!`update items set title = '~' || lpad((${first}::integer + id)::text, 8, '0') || '~', amount = amount + 1
    where id < ${count}`;
}

async function steady(options: { perSecond: number; changes: number }): Promise<LatencyResult> {
  const first = nextChange;
  nextChange += options.changes;
  tally.begin(first, new Array(options.changes).fill('all'));
  const sentAt = new Float64Array(options.changes);
  const latencies: number[] = [];
  tally.onDelivery = (number) => latencies.push(performance.now() - sentAt[number - first]!);
  const began = performance.now();
  const writes: Promise<void>[] = [];
  const commits: number[] = [];
  while (writes.length < options.changes) {
    const due = Math.min(
      options.changes,
      Math.floor(((performance.now() - began) / 1_000) * options.perSecond) + 1,
    );
    while (writes.length < due) {
      const at = writes.length;
      sentAt[at] = performance.now();
      const written = change(first + at, at % ROWS_IN_TURN);
      writes.push(written.then(() => void commits.push(performance.now() - sentAt[at]!)));
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(20, 1_000 / options.perSecond)));
  }
  await Promise.all(writes);
  await Promise.all(writes.map((_, at) => tally.reached(first + at, DELIVER_WITHIN_MS)));
  await quiet();
  const sorted = sort(latencies);
  return {
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    commitP50Ms: percentile(sort(commits), 50),
    deliveries: tally.deliveries,
    gate: tally.gate(),
  };
}

async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const first = nextChange;
  const sockets = subscribers.length;
  const burst = options.rowsPerTransaction ?? 1;
  const isForAll = topicsPerSocket === 0 || isShared;
  const rows = Array.from({ length: options.changes }, (_, at) =>
    burst > 1 ? at % burst : rowOf(first + at, sockets),
  );
  tally.begin(
    first,
    rows.map((row) => (isForAll ? 'all' : row % sockets)),
  );
  tally.onDelivery = () => {};
  const began = performance.now();
  const took: number[] = [];
  let made = 0;
  let isWhole = true;
  const oneAfterTheOther = async (): Promise<void> => {
    while (made < options.changes && isWhole && performance.now() - began < options.maxMs) {
      const sent = performance.now();
      const number = first + made;
      made += burst;
      const written = burst > 1 ? changes(number, burst) : change(number, rows[number - first]!);
      const reached = Array.from({ length: burst }, (_, at) => tally.reached(number + at, DELIVER_WITHIN_MS));
      if (!(await Promise.all(reached)).every(Boolean)) isWhole = false;
      took.push(performance.now() - sent);
      await written;
    }
  };
  await Promise.all(Array.from({ length: options.window ?? 1 }, oneAfterTheOther));
  const seconds = (performance.now() - began) / 1_000;
  nextChange += made;
  const deliveries = tally.deliveries;
  await quiet();
  // Changes that were not made for want of time are not lost.
  const unmade = (options.changes - made) * (isForAll ? sockets : 1);
  const gate = tally.gate();
  return {
    seconds,
    changes: made,
    deliveries,
    p50Ms: percentile(sort(took), 50),
    gate: { ...gate, lost: gate.lost - unmade },
  };
}

/** Where each socket has topics of its own: one of them, spread over all. */
function rowOf(number: number, sockets: number): number {
  return topicsPerSocket === 0 ? number % ROWS_IN_TURN : (number * 7_919) % (sockets * topicsPerSocket);
}

function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}

async function rowsDelivered(options: { expected: number; timeoutMs: number }): Promise<RowsResult> {
  const until = performance.now() + options.timeoutMs;
  while (tally.rows < options.expected && performance.now() < until) await quiet();
  await quiet();
  return { rows: tally.rows, lastMs: tally.lastRowAt };
}

function disconnect(): void {
  for (const subscriber of subscribers) subscriber.close();
  subscribers = [];
}

function stall({ sockets }: { sockets: number }): void {
  tally.stall(sockets);
  for (const subscriber of subscribers.slice(0, sockets)) subscriber.stall();
}

const api: LoadApi = {
  connect,
  disconnect,
  stall,
  steady,
  closedLoop,
  write,
  rowsDelivered,
  troubles: () => troubles,
};

answerCalls(api, async () => {
  disconnect();
  await sql?.end({ timeout: 1 });
});
