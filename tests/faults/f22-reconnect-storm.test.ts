import { expect, test } from 'vitest';
import { BareSocket } from '../support/faults/bare-socket.js';
import { changes } from '../support/faults/changes.js';
import { createStand } from '../support/faults/in-test.js';
import { waitFor } from '../support/wait-for.js';

/** RIVULET_SOCKETS=10000 takes some minutes, and `ulimit -n 30000`. */
const SOCKETS = Number(process.env.RIVULET_SOCKETS ?? 500);
const ROUNDS = 3;
const OPENED_AT_ONCE = 200;
/** What was written while they were away. */
const MISSED = 20;
/** They come back within this time, not all at once. */
const JITTER_MS = 1_000;
const CAUGHT_UP_WITHIN_MS = Math.max(60_000, SOCKETS * 30);

const stand = await createStand({
  config: {
    limits: { connectionsPerUser: SOCKETS, subscriptionsPerUser: SOCKETS, operationsPerMinutePerUser: 1e7 },
  },
});
const node = stand.nodes[0]!;
const token = await stand.token(1);
const QUERY = `subscription ($after: String) { userChanges(after: $after) { cursor reset changes { node { name } } } }`;

/** Follows the one row that is written, and judges for itself: each version is the one after the last. */
class Client {
  #socket: BareSocket | null = null;
  #after: string | null = null;
  version = 0;
  wrong: string | null = null;

  get isLive(): boolean {
    return this.#socket?.isLive === true && this.#after !== null;
  }

  connect(): void {
    this.#socket = new BareSocket({
      url: node.directUrl,
      token,
      query: QUERY,
      after: this.#after,
      onNext: ({ cursor, reset, changes: told }) => {
        if (reset !== null) this.wrong ??= `reset: ${reset}`;
        for (const { node: row } of told) {
          const version = Number(row!.name.slice(1));
          if (version !== this.version + 1) this.wrong ??= `${version} after ${this.version}`;
          this.version = version;
        }
        this.#after = cursor;
      },
      onClose: () => {},
    });
  }

  drop(): void {
    this.#socket?.terminate();
  }
}

const clients = Array.from({ length: SOCKETS }, () => new Client());
let written = 0;

async function write(): Promise<void> {
  await stand.ledger.commit(changes.touchUsers([1]));
  written++;
}

function heard(what: string): Promise<unknown> {
  return waitFor(
    what,
    () => {
      const waiting = clients.filter(({ version, wrong }) => version !== written && wrong === null).length;
      if (waiting > 0) throw new Error(`${waiting} wait`);
      return true;
    },
    CAUGHT_UP_WITHIN_MS,
  );
}

/** Sessions of the node. */
async function sessions(): Promise<number> {
  const [row] = await stand.database.query({
    text: `select count(*)::text from pg_stat_activity where application_name like 'rivulet%' and datname = current_database()`,
    params: [],
  });
  return Number(row![0]);
}

test(
  `F22: ${SOCKETS} sockets drop at once and come back within a second, three times: all catch up, over a handful of connections`,
  async () => {
    for (let first = 0; first < SOCKETS; first += OPENED_AT_ONCE) {
      const some = clients.slice(first, first + OPENED_AT_ONCE);
      for (const client of some) client.connect();
      await waitFor(
        'they subscribe',
        async () => (await node.figure('rivulet_subscribers')) === first + some.length,
        CAUGHT_UP_WITHIN_MS,
      );
    }
    await write();
    await heard('everybody hears the first');
    for (let round = 0; round < ROUNDS; round++) {
      for (const client of clients) client.drop();
      await waitFor(
        'the node has noticed',
        async () => (await node.figure('rivulet_subscribers')) === 0,
        60_000,
      );
      for (let i = 0; i < MISSED; i++) await write();
      const statements = (await node.figure('rivulet_statement_seconds_count', 'live'))!;
      const began = performance.now();
      let most = 0;
      const watching = setInterval(() => {
        void sessions().then((count) => {
          most = Math.max(most, count);
        });
      }, 50);
      for (const client of clients) setTimeout(() => client.connect(), Math.random() * JITTER_MS);
      await heard('all have caught up').finally(() => clearInterval(watching));
      const took = performance.now() - began;
      const asked = (await node.figure('rivulet_statement_seconds_count', 'live'))! - statements;
      console.log(
        `round ${round + 1}: ${SOCKETS} caught up after ${Math.round(took)} ms, ${asked} statements, at most ${most} sessions`,
      );
      expect(most).toBeLessThanOrEqual(10 + 2 + 3 + 1);
      // Who comes with the same cursor shares the reading.
      expect(asked).toBeLessThan(100 + SOCKETS / 2);
      await write();
      await heard('everybody hears what comes');
    }
    expect(clients.flatMap(({ wrong }) => wrong ?? [])).toEqual([]);
    for (const client of clients) client.drop();
  },
  20 * CAUGHT_UP_WITHIN_MS,
);
