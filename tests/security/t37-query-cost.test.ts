import { createClient as createSseClient } from 'graphql-sse';
import { describe, expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

/** T37: queries that cost much, of one user and of clients that leave. */
const example = await serveExample({
  database: { maxConnections: 4 },
  limits: { maxTotalRows: 12, statementSeconds: 20 },
});
const { database, post, url } = example;
const [ada, grace] = [await example.token(1), await example.token(2)];

const HEAVY = '{ labels { id } }';
const LIGHT = '{ projects { id } }';

/** Statements that wait for a lock that `whileLocked` holds. */
async function blocked(): Promise<number> {
  const rows = await database.query(
    `select pid::text from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
  );
  return rows.length;
}

const areBlocked = (count: number) =>
  waitFor(`${count} statements wait for the lock`, async () => (await blocked()) === count);

/** Runs `work` while every query of labels lasts. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  await database.connect({ max: 1 }).transaction(async (tx) => {
    await tx.script('lock table labels');
    await work();
  });
}

function ask(query: string, token: string | null, signal?: AbortSignal): Promise<unknown> {
  const headers = {
    'content-type': 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }), signal: signal ?? null })
    .then((response) => response.json())
    .catch((error: Error) => error.name);
}

describe('one user’s heavy queries', () => {
  test.each([
    ['a user', ada, grace],
    ['nobody in particular', null, ada],
  ])(
    'of %s leave connections to others, and end in Postgres when the clients leave',
    async (_who, heavy, light) => {
      const leaving = new AbortController();
      await whileLocked(async () => {
        const asked = Array.from({ length: 12 }, () => ask(HEAVY, heavy, leaving.signal));
        await areBlocked(2);
        for (let times = 0; times < 20; times++)
          expect(await ask(LIGHT, light)).toMatchObject({ data: { projects: expect.any(Array) } });
        expect(await blocked()).toBe(2);
        leaving.abort();
        expect(new Set(await Promise.all(asked))).toEqual(new Set(['AbortError']));
        await areBlocked(0);
        expect(await ask(LIGHT, heavy)).toMatchObject({ data: { projects: expect.any(Array) } });
      });
      expect(await ask(HEAVY, heavy)).toMatchObject({ data: { labels: expect.any(Array) } });
    },
  );
});

describe('a query that nobody waits for any more is cancelled', () => {
  test('over a socket, when it is completed, and when the socket closes', async () => {
    const socket = await new RawSocket(example.socket()).init({ token: ada });
    const other = await new RawSocket(example.socket()).init({ token: grace });
    await whileLocked(async () => {
      socket.subscribe('1', HEAVY);
      other.subscribe('1', HEAVY);
      await areBlocked(2);
      socket.send({ id: '1', type: 'complete' });
      await areBlocked(1);
      other.socket.terminate();
      await areBlocked(0);
    });
    socket.subscribe('2', LIGHT);
    await socket.next('next', '2');
  });

  test('as a live query, when its last subscriber leaves', async () => {
    const socket = await new RawSocket(example.socket()).init({ token: ada });
    await whileLocked(async () => {
      socket.subscribe('1', `subscription ${HEAVY}`);
      await areBlocked(1);
      socket.send({ id: '1', type: 'complete' });
      await areBlocked(0);
    });
  });

  test.each([true, false])(
    'over an event stream, when it is left (one connection: %s)',
    async (singleConnection) => {
      const client = createSseClient({ url, singleConnection, headers: { authorization: `Bearer ${ada}` } });
      await whileLocked(async () => {
        const leave = client.subscribe(
          { query: HEAVY },
          { next: () => {}, error: () => {}, complete: () => {} },
        );
        await areBlocked(1);
        leave();
        await areBlocked(0);
      });
      client.dispose();
    },
  );
});

describe('the limit on rows', () => {
  /** Rows of tasks that statements have looked at. */
  const looked = async () => {
    const [row] = await database.query('select (last_value - (not is_called)::int)::text from looks');
    return Number(row![0]);
  };

  test('holds for all root fields together, and what is past it is computed once', async () => {
    await database.script(`
      create sequence looks;
      insert into tasks (project_id, title) select 1, 'task ' || n from generate_series(1, 100) n;
      alter table tasks rename to all_tasks;
      create view tasks as select * from all_tasks where nextval('looks') > 0;`);
    try {
      const within = await post('{ a: tasks(limit: 3) { id } b: tasks(limit: 3) { id } }', { token: ada });
      expect(within.body.errors).toBeUndefined();
      const aliases = Array.from({ length: 10 }, (_, n) => `a${n}: tasks(limit: 3) { id }`).join(' ');
      for (const [document, lists] of [
        ['{ tasks(limit: 20) { id } }', 1],
        [`{ ${aliases} }`, 5],
        ['{ tasks(limit: 3) { id project { tasks(limit: 20) { id } } } }', 2],
      ] as const) {
        await database.script(`select setval('looks', 1, false)`);
        const { body } = await post(document, { token: ada });
        expect(new Set(body.errors!.map(({ extensions }) => extensions?.code))).toEqual(
          new Set(['QUERY_TOO_LARGE']),
        );
        // Each list is found by looking at all tasks.
        const [tasks] = await database.query('select count(*)::text from all_tasks');
        expect(await looked()).toBeLessThanOrEqual(lists * Number(tasks![0]));
      }
    } finally {
      await database.script('drop view tasks; alter table all_tasks rename to tasks; drop sequence looks');
    }
  });
});
