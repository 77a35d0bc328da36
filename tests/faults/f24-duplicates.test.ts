import { afterEach, describe, expect, test } from 'vitest';
import type { StreamSink } from '../../client/core/live/index.js';
import { apolloClient } from '../support/client-apollo.js';
import { serveForClients } from '../support/client-server.js';
import { type ClientUnderTest, plain } from '../support/client-under-test.js';
import { urqlClient } from '../support/client-urql.js';
import { createDatabase } from '../support/database.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = Number(process.env.RIVULET_RUNS ?? 5);

const small = await createDatabase({ setup: smallSetup(4) });
const app = await serveSmallApp(small.url);
const board = await serveForClients();

describe('F24: the server', () => {
  test('a cursor that is used again and again, while others write: each stream has everything after it, once', async () => {
    let version = 0;
    let isOn = true;
    const write = () =>
      small.query(
        `update counters set version = $1::text::int where id = ${1 + (version % 4)}`,
        String(++version),
      );
    for (let round = 0; round < ROUNDS; round++) {
      isOn = true;
      const { cursor } = await app.fetch('counters');
      const first = version + 1;
      const writing = (async () => {
        while (isOn) await write();
      })();
      await waitFor('something was missed', () => version > first + 10);
      // What is replayed and what is live meet in the middle of the writing, at another place for each.
      const resumed = [];
      for (let i = 0; i < 4; i++) resumed.push(await app.follow('counters', { after: cursor }));
      isOn = false;
      await writing;
      const last = 1 + ((version - 1) % 4);
      for (const each of resumed) await each.heard(last, version);
      const expected = Array.from({ length: version - first + 1 }, (_, i) => first + i);
      for (const { changes, resets } of resumed) {
        expect(resets).toEqual([]);
        expect(changes.map(({ node }) => node!.version)).toEqual(expected);
      }
      for (const each of resumed) await each.stop();
    }
  }, 60_000);
});

/** Everything comes twice, and now and then what came lately comes again, as from a cursor that was not kept in time. */
function repeating(counts: { repeated: number }) {
  return (sink: StreamSink): StreamSink => {
    const lately: Parameters<StreamSink['next']>[0][] = [];
    return {
      ...sink,
      next: (result) => {
        lately.push(result);
        sink.next(result);
        sink.next(result);
        counts.repeated++;
        if (lately.length < 4) return;
        for (const each of lately.splice(0)) {
          sink.next(each);
          counts.repeated++;
        }
      },
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    };
  };
}

const QUERIES = [
  '{ tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }], limit: 5) { id title status priority comments { id body } } }',
  '{ projects(orderBy: [{ id: ASC }]) { id name tasks { id title labels { id name } } } }',
  // The same as the first, with other fields: a stream of its own.
  '{ tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }], limit: 5) { id title } }',
];

const CHANGES = [
  "insert into tasks (project_id, title, priority) values (1, 'twice?', 90)",
  "update tasks set title = title || '!' where id in (1, 2, 6)",
  "insert into comments (task_id, author_id, body) values (1, 1, 'once')",
  "update tasks set status = 'done' where id = 2",
  "update tasks set project_id = 2 where title = 'twice?'",
  'insert into task_labels (task_id, label_id) values (3, 1) on conflict do nothing',
  "update tasks set status = 'doing' where id = 2",
  "delete from comments where body = 'once'",
  'delete from task_labels where task_id = 3 and label_id = 1',
  "delete from tasks where title = 'twice?'",
];

/** Lists in an answer that have a row twice. */
function doubled(value: unknown): unknown[] {
  if (Array.isArray(value)) {
    const ids = value.map((each) => (each as { id?: string }).id);
    return [...(new Set(ids).size < ids.length ? [ids] : []), ...value.flatMap(doubled)];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(doubled) : [];
}

describe.each([urqlClient, apolloClient])('F24: a client with $name', (kind) => {
  let opened: ClientUnderTest[] = [];
  afterEach(async () => {
    await Promise.all(opened.map((client) => client.close()));
    opened = [];
    await waitFor('no stream is left', () => board.subscriptions() === 0);
  });

  test('messages that come twice, out of several streams, are applied once', async () => {
    const counts = { repeated: 0 };
    const meddle = repeating(counts);
    const client = kind.open({ server: board, token: await board.token(1), meddle });
    // Two tabs are two clients, and know nothing of each other.
    const other = kind.open({ server: board, token: await board.token(1), meddle });
    opened = [client, other];
    const watched = opened.flatMap((each) => QUERIES.map((query) => ({ query, shown: each.watch(query) })));
    await waitFor('answers', () => watched.every(({ shown }) => shown.data !== undefined));
    await waitFor('streams', () => board.subscriptions() === watched.length);
    for (let round = 0; round < ROUNDS; round++) {
      for (const change of CHANGES) await board.database.script(change);
    }
    await board.database.script("update tasks set title = 'the end' where id = 1");
    for (const { query, shown } of watched) {
      const expected = await board.fresh(1, query);
      await waitFor('the query shows the truth', () => {
        expect(plain(shown.data)).toEqual(expected);
        return true;
      });
      expect(shown.shown.flatMap(doubled)).toEqual([]);
    }
    expect(counts.repeated).toBeGreaterThan(CHANGES.length);
    expect(opened.flatMap(({ problems }) => problems)).toEqual([]);
  }, 60_000);
});
