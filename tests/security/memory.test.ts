import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import config from '../../rivulet.config.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';
import { exampleModel, exampleTables } from '../support/example.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

/** Memory that hostile documents and variables may keep (threat T35), for all of them together. */
const MAX_GROWTH_BYTES = 50 * 1024 ** 2;
const SECRET = 'a secret of the tests, long enough for HS256';

const watchers = watchSql(watchPlanOf(config as RivuletConfig, exampleModel));
const database = await createDatabase({ setup: `${exampleTables()};\n${watchers}` });
const child = fork(fileURLToPath(new URL('../support/heap-server.ts', import.meta.url)), {
  execArgv: ['--expose-gc', '--import', 'tsx'],
  env: { ...process.env, DATABASE_URL: database.url, RIVULET_TEST_SECRET: SECRET },
});
afterAll(async () => {
  const exited = once(child, 'exit');
  child.send('stop');
  await exited;
});
const [{ url }] = (await once(child, 'message')) as [{ readonly url: string }];
const token = await signToken(SECRET, '1', 3_600);

const state = async (): Promise<{ readonly bytes: number; readonly subscribers: number }> => {
  const answered = once(child, 'message');
  child.send('heap');
  const [answer] = (await answered) as [{ readonly bytes: number; readonly subscribers: number }];
  return answer;
};
const left = () => waitFor('everybody has left', async () => (await state()).subscribers === 0);

let last = 0;
const unique = () => `u${++last}x`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const padded = (text: string, characters = 15_000) =>
  `${text} #${unique()}${'z'.repeat(Math.max(0, characters - text.length - 12))}`;
/** As many fields as the limit of tokens allows. */
const wide = () => `query ${unique()} { tasks(limit: 1) { ${'id title status priority '.repeat(120)} } }`;

/** Documents of 15 kB, none like another. */
const VALID: readonly (() => string)[] = [
  () => padded('{ tasks(limit: 1) { id } }'),
  () => `{ tasks(limit: 1, where: { title: { eq: "${unique().padEnd(15_000, 'y')}" } }) { id } }`,
  () => padded(wide()),
  () => padded(`query ${unique()}($a: Boolean!) { tasks(limit: 1) { id @include(if: $a) title } }`),
  () => padded('{ __type(name: "Task") { name } }'),
];
const INVALID: readonly (() => string)[] = [
  () => padded(`{ tasks { ${unique()} } }`),
  () => padded(`{ tasks { ${Array.from({ length: 300 }, unique).join(' ')} } }`),
  () => `{ tasks { ${unique().padEnd(15_000, 'y')}`,
  () => `{ ${Array.from({ length: 2_000 }, unique).join(' ')} }`,
  () => padded(`query (${Array.from({ length: 90 }, () => `$${unique()}: Int`).join(' ')}) { tasks { id } }`),
  () => padded(`{ tasks { ${Array.from({ length: 31 }, () => `${unique()}: id`).join(' ')} } }`),
  () => padded(`{ tasks { ...F } } fragment F on Task { ...F ${unique()}: id }`),
];

const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
const post = async (body: object) => {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return response.text();
};

/** Runs `count` times, a few at once. */
const times = async (count: number, run: (at: number) => Promise<unknown>) => {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
};

const openSocket = async () =>
  new RawSocket(new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')).init({ token });

const subscribe = (socket: RawSocket, id: string, query: string, variables: object) =>
  socket.send({ type: 'subscribe', id, payload: { query, variables } });

/** Variables of 60 kB, none like another. */
const bigFilter = () => ({ title: { in: Array.from({ length: 60 }, () => unique().padEnd(990, 'v')) } });

async function hostileDocuments(count: number): Promise<void> {
  const documents = [...VALID, ...INVALID];
  const socket = await openSocket();
  await times(count, async (at) => {
    const query = documents[at % documents.length]!();
    const variables = { a: true };
    switch (at % 4) {
      case 0:
      case 1:
        return post({ query, variables });
      case 2:
        return post({
          query,
          variables,
          extensions: { persistedQuery: { version: 1, sha256Hash: sha256(query) } },
        });
      default: {
        const id = `d${at}`;
        subscribe(socket, id, query, variables);
        await Promise.any([socket.next('complete', id), socket.next('error', id)]);
      }
    }
  });
  socket.socket.terminate();
}

/** Subscribes with variables that nobody shares, above and below the root field, and leaves. */
async function hostileVariables(count: number): Promise<void> {
  const above =
    'subscription ($w: TaskFilter) { taskChanges(where: $w) { cursor changes { key node { title } } } }';
  const below =
    'subscription ($w: TaskFilter) { projectChanges { cursor changes { key node { name tasks(where: $w, limit: 1) { id } } } } }';
  const live = 'subscription ($w: TaskFilter) { tasks(where: $w, limit: 1) { id title } }';
  const documents = [above, below, live];
  await times(count, async (at) => {
    const turn = Math.floor(at / 4) % documents.length;
    const query =
      at % 8 < 4 ? documents[turn]! : documents[turn]!.replace('subscription', `subscription ${unique()}`);
    const variables = { w: bigFilter() };
    switch (at % 4) {
      case 0: {
        const response = await fetch(url, {
          method: 'POST',
          headers: { ...headers, accept: 'text/event-stream' },
          body: JSON.stringify({ query, variables }),
        });
        await response.body?.cancel();
        return;
      }
      case 1:
        return post({
          query: `query ${unique()} ($w: TaskFilter) { tasks(where: $w, limit: 1) { id } }`,
          variables,
        });
      case 2:
        return post({ query: 'query ($w: TaskFilter) { tasks(where: $w, limit: 1) { id } }', variables });
      default: {
        const socket = await openSocket();
        subscribe(socket, 's', query, variables);
        socket.send({ type: 'ping' });
        await socket.next('pong');
        socket.send({ type: 'complete', id: 's' });
        socket.socket.close();
      }
    }
  });
  await left();
}

describe('T35: hostile documents and variables', () => {
  test('10,000 documents of 15 kB and 1,000 times 60 kB of variables leave less than 50 MB behind', async () => {
    // What a server has once it has worked a little: compiled code, connections, statements.
    await hostileDocuments(200);
    await hostileVariables(20);
    const before = (await state()).bytes;
    const growth: Record<string, string> = {};
    const note = async (what: string) => {
      growth[what] = `+${(((await state()).bytes - before) / 1024 ** 2).toFixed(1)} MB`;
    };
    await hostileDocuments(10_000);
    await note('after 10,000 documents');
    await hostileVariables(1_000);
    await note('after 1,000 times 60 kB of variables');
    console.log('heap before, and its growth', {
      before: `${(before / 1024 ** 2).toFixed(1)} MB`,
      ...growth,
    });
    expect((await state()).bytes - before).toBeLessThan(MAX_GROWTH_BYTES);
    expect(await post({ query: '{ __typename }' })).toContain('Query');
  }, 600_000);
});
