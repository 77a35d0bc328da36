import { expect } from 'vitest';
import type { StreamSink } from '../../client/core/live/index.js';
import { type Book, vitestBook } from './client-book.js';
import type { ClientServer } from './client-server.js';
import {
  type ClientKind,
  type ClientUnderTest,
  type OpenOptions,
  plain,
  type Transport,
  type WatchedQuery,
} from './client-under-test.js';
import { waitFor } from './wait-for.js';

const ADA = 1;
const GRACE = 2;

/** What every client with a plugin has to do; to be called at the top level of a test file. */
export function clientSuite(
  kind: ClientKind,
  server: ClientServer,
  transport: Transport = 'websocket',
  { describe, test, afterEach }: Book = vitestBook(`${kind.name} over ${transport}`),
): void {
  const opened: ClientUnderTest[] = [];
  const open = async (
    userId = ADA,
    optimistic = false,
    more: Partial<OpenOptions> = {},
  ): Promise<ClientUnderTest> => {
    const client = kind.open({ server, token: await server.token(userId), optimistic, transport, ...more });
    opened.push(client);
    return client;
  };
  const sql = (text: string) => server.database.script(text);
  const answered = async (watched: WatchedQuery) => {
    await waitFor('an answer', () => watched.data !== undefined && !watched.stale);
    return watched;
  };

  /** Watches a query; the answer is there, and its streams run. */
  async function live(client: ClientUnderTest, query: string, variables?: Readonly<Record<string, unknown>>) {
    const before = client.streams;
    const watched = await answered(client.watch(query, variables));
    await waitFor('its streams', () => {
      const running = opened.reduce((sum, each) => sum + each.running, 0);
      return client.streams > before && server.subscriptions() === running;
    });
    return watched;
  }

  /** Waits until the query shows what the network answers. */
  async function becomesTrue(
    watched: WatchedQuery,
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    userId = ADA,
  ) {
    const expected = await server.fresh(userId, query, variables);
    await waitFor('the query shows the truth', () => {
      expect(plain(watched.data)).toEqual(expected);
      expect(watched.stale).toBe(false);
      return true;
    });
    return expected;
  }

  /** A query stays true through a change. */
  async function follows(query: string, change: string, variables?: Readonly<Record<string, unknown>>) {
    const client = await open();
    const watched = await live(client, query, variables);
    const before = plain(watched.data);
    await sql(change);
    const after = await becomesTrue(watched, query, variables);
    expect(after).not.toEqual(before);
    expect(client.problems).toEqual([]);
    return { client, watched, after };
  }

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((client) => client.close()));
    await waitFor('no stream is left', () => server.subscriptions() === 0);
  });

  const BY_PRIORITY =
    '{ tasks(where: { status: { ne: todo } }, orderBy: [{ priority: DESC }]) { id title status } }';

  describe('lists', () => {
    test('a row that is inserted lands in its place', async () => {
      await follows(
        BY_PRIORITY,
        "insert into tasks (project_id, title, status, priority) values (1, 'new', 'doing', 2)",
      );
    });

    test('a row that starts to match enters, and one that stops leaves', async () => {
      await follows(
        BY_PRIORITY,
        "update tasks set status = case id when 1 then 'todo' else 'done' end::status where id in (1, 2)",
      );
    });

    test('a row whose place in the order changes moves', async () => {
      await follows(BY_PRIORITY, 'update tasks set priority = 9 where id = 5');
    });

    test('a deleted row is gone', async () => {
      await follows(
        BY_PRIORITY,
        "insert into tasks (project_id, title, status) values (2, 'short-lived', 'done')",
      );
      await follows(BY_PRIORITY, "delete from tasks where title = 'short-lived'");
    });

    test('a list ordered by text, which only PostgreSQL can order, executes again', async () => {
      await follows(
        '{ tasks(orderBy: [{ title: ASC }]) { title } }',
        "update tasks set title = 'Zzz' where id = 2",
      );
    });

    test('an empty list gets its first row, and a list loses its last', async () => {
      const query = '{ labels(where: { name: { eq: "rare" } }) { id name color } }';
      await follows(query, "insert into labels (project_id, name) values (1, 'rare')");
      await follows(query, "delete from labels where name = 'rare'");
    });

    test('variables are part of the query', async () => {
      const query =
        'query ($where: TaskFilter, $order: [TaskOrder!], $limit: Int = 3) { tasks(where: $where, orderBy: $order, limit: $limit) { id title } }';
      await follows(query, "update tasks set title = 'by variables' where id = 6", {
        where: { project: { id: { eq: '2' } } },
        order: [{ position: 'ASC' }],
      });
    });

    test('a filter through relations is followed', async () => {
      const query = '{ tasks(where: { labels: { name: { eq: "hardware" } } }) { id title } }';
      await follows(query, 'insert into task_labels (task_id, label_id) values (2, 1)');
      await follows(query, 'delete from task_labels where task_id = 2 and label_id = 1');
    });
  });

  describe('windows', () => {
    const WINDOW = '{ tasks(orderBy: [{ position: ASC }, { id: DESC }], limit: 4) { id position } }';

    test('a row that enters pushes the last one out', async () => {
      await follows(WINDOW, "insert into tasks (project_id, title, position) values (1, 'first', 0)");
    });

    test('a gap is filled with a row from outside the window', async () => {
      await follows(WINDOW, 'delete from tasks where position = 0');
    });

    test('a window with an offset moves', async () => {
      await follows(
        '{ tasks(orderBy: [{ position: ASC }], limit: 2, offset: 2) { id title position } }',
        'update tasks set position = 20 where id = 1',
      );
    });

    test('a window in every row of a list', async () => {
      await follows(
        '{ projects { name tasks(orderBy: [{ priority: DESC }], limit: 1) { title } } }',
        'update tasks set priority = 50 where id = 4',
      );
    });
  });

  describe('relations', () => {
    const NESTED =
      '{ projects(orderBy: [{ id: ASC }]) { id name owner { name } tasks { id title assignee { id name } comments { id body author { name } } } } }';

    test('rows are followed to every depth', async () => {
      await follows(NESTED, "insert into comments (task_id, author_id, body) values (2, 3, 'deep')");
    });

    test('a row that enters brings its related rows', async () => {
      await follows(
        NESTED,
        `with made as (insert into tasks (project_id, title) values (1, 'with a comment') returning id)
         insert into comments (task_id, author_id, body) select id, 1, 'at once' from made`,
      );
    });

    test('a row moves from one list to another', async () => {
      await follows(NESTED, 'update tasks set project_id = 2 where id = 3');
      await follows(NESTED, 'update tasks set project_id = 1 where id = 3');
    });

    test('a single related row is exchanged, removed and added', async () => {
      await follows(NESTED, 'update tasks set assignee_id = 2 where id = 1');
      await follows(NESTED, 'update tasks set assignee_id = null where id = 1');
      await follows(NESTED, 'update tasks set assignee_id = 1 where id = 1');
    });

    test('a row that several rows show changes everywhere', async () => {
      await follows(NESTED, "update users set name = 'Ada L.' where id = 1");
    });

    test('a many-to-many relation is followed from both ends', async () => {
      const query = '{ tasks(limit: 6) { title labels { id name } } labels { name tasks { id title } } }';
      await follows(query, 'insert into task_labels (task_id, label_id) values (1, 2)');
      await follows(query, 'delete from task_labels where task_id = 1 and label_id = 2');
      await follows(query, "update labels set name = 'maths' where id = 2");
    });

    test('a relation with its own condition is followed', async () => {
      await follows(
        '{ projects { name openTasks { title } } }',
        "update tasks set status = 'done' where id = 3",
      );
      await follows(
        '{ projects { name openTasks { title } } }',
        "update tasks set status = 'todo' where id = 3",
      );
    });

    test('a relation narrowed by arguments is followed', async () => {
      await follows(
        '{ projects { name tasks(where: { priority: { gte: 1 } }, orderBy: [{ priority: ASC }]) { title } } }',
        'update tasks set priority = 2 where id = 6',
      );
    });

    test('rows with a composite key are followed', async () => {
      const query = '{ member(id: "2:1") { role user { name } } project(id: "1") { members { id role } } }';
      await follows(query, "update members set role = 'viewer' where project_id = 2 and user_id = 1");
      await follows(query, "update members set role = 'editor' where project_id = 2 and user_id = 1");
    });
  });

  describe('one row', () => {
    test('is removed by its deletion and added by its insertion', async () => {
      await sql("insert into tasks (id, project_id, title) overriding system value values (500, 1, 'here')");
      const query = '{ task(id: "500") { id title project { name } } }';
      const { watched } = await follows(query, 'delete from tasks where id = 500');
      expect(plain(watched.data)).toEqual({ task: null });
      await follows(
        query,
        "insert into tasks (id, project_id, title) overriding system value values (500, 2, 'again')",
      );
      await sql('delete from tasks where id = 500');
    });
  });

  describe('documents', () => {
    test('aliases and fragments are followed', async () => {
      const query = `
        query Board($withBody: Boolean = false) {
          open: tasks(where: { status: { eq: doing } }) { ...Card key: id heading: title }
          done: tasks(where: { status: { eq: done } }) { ...Card }
        }
        fragment Card on Task {
          title
          who: assignee { called: name }
          talk: comments { body @include(if: $withBody) author { ...Person } ... on Comment { createdAt } }
        }
        fragment Person on User { name }`;
      await follows(query, "update tasks set status = 'doing' where id = 7", { withBody: true });
      await follows(query, "update tasks set status = 'done' where id = 7");
    });

    test('a query with one relation in two forms executes again', async () => {
      await follows(
        '{ projects { id high: tasks(where: { priority: { gt: 0 } }) { title } low: tasks(where: { priority: { eq: 0 } }) { title } } }',
        'update tasks set priority = 7 where id = 2',
      );
    });

    test('a connection, and a row by its nodeId, execute again', async () => {
      const { task } = (await server.fresh(ADA, '{ task(id: "1") { nodeId } }')) as {
        task: { nodeId: string };
      };
      await follows(
        `{ tasksConnection(first: 3, orderBy: [{ priority: DESC }]) { totalCount edges { node { title comments { body } } } }
           node(nodeId: "${task.nodeId}") { ... on Task { title } } }`,
        "update tasks set title = 'by name', priority = 30 where id = 1",
      );
    });

    test('a query with the @live directive is followed', async () => {
      const client = await open();
      const query = 'query Tasks @live { tasks(limit: 2) { id title } }';
      const watched = await answered(client.watch(query, {}, { live: false }));
      await waitFor('its stream', () => server.subscriptions() === 1);
      await sql("update tasks set title = 'by directive' where id = 1");
      await becomesTrue(watched, query);
    });

    test('a query that is not live keeps its answer', async () => {
      const client = await open();
      const watched = await answered(client.watch('{ users { name } }', {}, { live: false }));
      expect(server.subscriptions()).toBe(0);
      watched.stop();
    });

    test('a refusal of the server is shown as an error', async () => {
      const client = await open();
      const watched = client.watch('{ tasks { nonsense } }');
      await waitFor('the error', () => watched.error !== undefined);
      expect(server.subscriptions()).toBe(0);
    });

    test('nothing is shown that the document does not select', async () => {
      const client = await open();
      const watched = await live(client, '{ tasks(orderBy: [{ priority: ASC }], limit: 1) { title } }');
      const { tasks } = plain(watched.data) as { tasks: object[] };
      expect(Object.keys(tasks[0]!)).toEqual(['title']);
    });
  });

  describe('streams', () => {
    test('two components with the same query share its stream, and the last one ends it', async () => {
      const client = await open();
      const query = '{ tasks { id title } }';
      const one = await live(client, query);
      const other = await answered(client.watch(query));
      expect(client.streams).toBe(1);
      await waitFor('one stream for both', () => server.subscriptions() === 1);
      await sql("update tasks set title = 'for both' where id = 1");
      await becomesTrue(one, query);
      await becomesTrue(other, query);
      one.stop();
      await sql("update tasks set title = 'for the other' where id = 1");
      await becomesTrue(other, query);
      await waitFor('one stream is left', () => server.subscriptions() === 1);
      other.stop();
      await waitFor('the stream ends', () => server.subscriptions() === 0);
    });

    test('a query that is unmounted and mounted again at once is current', async () => {
      const client = await open();
      const query = '{ tasks { id title } labels { id name } }';
      let watched = await live(client, query);
      for (let round = 0; round < 5; round++) {
        watched.stop();
        await sql(`update tasks set title = 'while away ${round}' where id = 1`);
        watched = await answered(client.watch(query));
        await becomesTrue(watched, query);
      }
      await sql("update tasks set title = 'while shown' where id = 1");
      await becomesTrue(watched, query);
    });

    test('a refetch during a live query shows its answer, and the query stays live', async () => {
      const client = await open();
      const query = '{ tasks { id title } }';
      const watched = await live(client, query);
      for (let round = 0; round < 5; round++) {
        await sql(`update tasks set title = 'asked again ${round}' where id = 1`);
        await watched.refetch();
        await becomesTrue(watched, query);
        await sql(`update tasks set title = 'and on ${round}' where id = 1`);
        await becomesTrue(watched, query);
      }
      expect(client.problems).toEqual([]);
    });

    for (const policy of ['cache-first', 'cache-and-network', 'network-only'] as const) {
      test(`a query with the policy ${policy} is followed`, async () => {
        const client = await open();
        const query = '{ tasks(limit: 3) { id title } }';
        const watched = await answered(client.watch(query, {}, { policy }));
        await waitFor('its stream', () => server.subscriptions() === 1);
        await sql(`update tasks set title = 'by ${policy}' where id = 1`);
        await becomesTrue(watched, query);
        watched.stop();
        await sql(`update tasks set title = 'unseen by ${policy}' where id = 1`);
        await becomesTrue(client.watch(query, {}, { policy }), query);
      });
    }

    test('a query with the policy cache-only sends nothing', async () => {
      const client = await open();
      const first = await live(client, '{ tasks { id title } }');
      client.watch('{ labels { id name } }', {}, { policy: 'cache-only' });
      await sql("update tasks set title = 'still followed' where id = 1");
      await becomesTrue(first, '{ tasks { id title } }');
      expect([client.streams, server.subscriptions()]).toEqual([1, 1]);
    });

    test('one transaction is shown at once', async () => {
      const client = await open();
      const query = '{ tasks { id title comments { body } } }';
      const watched = await live(client, query);
      const before = watched.shown.length;
      await sql(`begin; update tasks set title = 'one' where id = 1; update tasks set title = 'two' where id = 2;
        insert into comments (task_id, author_id, body) values (1, 1, 'three'), (2, 1, 'four'); commit`);
      await becomesTrue(watched, query);
      expect(watched.shown.slice(before).map(plain)).toEqual([plain(watched.data)]);
    });

    test('an object that a change does not concern keeps its identity', async () => {
      const client = await open();
      const query = '{ tasks(orderBy: [{ id: ASC }]) { id title } }';
      const watched = await live(client, query);
      const before = (watched.data as { tasks: { id: string }[] }).tasks;
      await sql("update tasks set title = 'another' where id = 2");
      await becomesTrue(watched, query);
      const after = (watched.data as { tasks: { id: string }[] }).tasks;
      expect(after.find(({ id }) => id === '2')).not.toBe(before.find(({ id }) => id === '2'));
      expect(after.find(({ id }) => id === '1')).toBe(before.find(({ id }) => id === '1'));
    });

    test('revoking a membership removes its rows, and granting one adds them', async () => {
      const client = await open(GRACE);
      const query = '{ projects { name tasks { title } } tasks { id title project { name } } }';
      const watched = await live(client, query);
      await sql('delete from members where project_id = 3 and user_id = 2');
      const without = await becomesTrue(watched, query, {}, GRACE);
      expect(JSON.stringify(without)).not.toContain('Bombe');
      await sql("insert into members (project_id, user_id, role) values (3, 2, 'viewer')");
      await becomesTrue(watched, query, {}, GRACE);
    });

    test('a reset executes the query again', async () => {
      await sql("insert into comments (task_id, author_id, body) values (1, 1, 'before')");
      await follows('{ tasks { id comments { id body } } }', 'truncate comments');
    });
  });

  describe('several queries', () => {
    /** Patient, so that what is tested does not depend on how fast the machine is. */
    const PATIENT = { gatherMs: 3_000, togetherMs: 3_000 };
    const TASK = '{ tasks(where: { id: { eq: "1" } }) { id title comments { body } } }';
    const LABEL = '{ labels(where: { id: { eq: "1" } }) { id name } }';
    const PROJECT = '{ projects { id name tasks { id title } } }';

    /** Each transaction writes one number into rows of three tables; notes what the queries show whenever one of them shows something. */
    async function countTogether(more: Partial<OpenOptions>) {
      const seen: string[] = [];
      let look = () => {};
      const client = await open(ADA, false, {
        ...more,
        // What a page renders: when everything that happens in one turn has happened.
        onShown: () => queueMicrotask(() => look()),
      });
      const watched: WatchedQuery[] = [];
      for (const query of [TASK, LABEL, PROJECT]) watched.push(await live(client, query));
      const numbers = () => watched.map(({ data }) => JSON.stringify(data).match(/count \d+/)?.[0] ?? '-');
      const set = (at: number) =>
        sql(`begin; update tasks set title = 'count ${at}' where id = 1; update labels set name = 'count ${at}' where id = 1;
          update projects set name = 'count ${at}' where id = 1; commit`);
      await set(0);
      for (const [at, query] of [TASK, LABEL, PROJECT].entries()) await becomesTrue(watched[at]!, query);
      look = () => seen.push(...new Set(numbers()));
      const from = watched.map(({ shown }) => shown.length);
      for (let at = 1; at <= 12; at++) {
        await set(at);
        if (at % 3 === 0) await becomesTrue(watched[2]!, PROJECT);
      }
      for (const [at, query] of [TASK, LABEL, PROJECT].entries()) await becomesTrue(watched[at]!, query);
      // Half of a transaction would be two numbers at once, and the older one again among the newer.
      const counts = seen.map((text) => Number(text.split(' ')[1]));
      expect(counts).toEqual([...counts].sort((one, other) => one - other));
      expect(counts.at(-1)).toBe(12);
      // Each shows other data once a transaction, although they show some of the same rows.
      for (const [at, { shown }] of watched.entries()) {
        const other = shown.filter((data, i) => i >= from[at]! && data !== shown[i - 1]);
        expect(other.length).toBeLessThanOrEqual(12);
        // urql says besides, each time, that it looks into its cache again.
        expect(shown.length - from[at]!).toBeLessThanOrEqual(24);
      }
      await sql("update projects set name = 'Analytical Engine' where id = 1");
    }

    test('never show half of a transaction', () => countTogether({ times: PATIENT }));

    test('never show half of a transaction whose messages come apart', () =>
      countTogether({
        times: PATIENT,
        meddle: (sink, stream) => delayed(sink, () => (stream === 1 ? 0 : 4 * stream)),
      }));

    test('never undo what another one shows, even if they are late', async () => {
      const client = await open(ADA, false, {
        times: { gatherMs: 1, togetherMs: 5, catchUpMs: 5_000 },
        meddle: (sink, stream) => delayed(sink, () => (stream === 1 ? 0 : 60)),
      });
      const first = await live(client, '{ tasks { id title } }');
      const lagging = await live(client, '{ tasks(orderBy: [{ position: ASC }]) { id title priority } }');
      const from = [first.shown.length, lagging.shown.length];
      for (let at = 1; at <= 10; at++) {
        await sql(
          `update tasks set title = 'lag ${at}' where id = 1; update tasks set priority = ${at} where id = 2`,
        );
      }
      await becomesTrue(first, '{ tasks { id title } }');
      await becomesTrue(lagging, '{ tasks(orderBy: [{ position: ASC }]) { id title priority } }');
      for (const [at, { shown }] of [first, lagging].entries()) {
        const titles = shown.slice(from[at]).map((data) => titleOf(data, '1') ?? '');
        const counts = titles.flatMap((title) => (title.startsWith('lag ') ? [Number(title.slice(4))] : []));
        expect(counts).toEqual([...counts].sort((one, other) => one - other));
        expect(counts.at(-1)).toBe(10);
      }
    });
  });

  describe('connections', () => {
    const noStale =
      kind.hidesStale ??
      (transport === 'sse' ? 'graphql-sse does not report a broken connection' : undefined);

    test(
      'a cut connection is shown as stale, then as current',
      async () => {
        const client = await open();
        const query = '{ tasks { id title } labels { name } }';
        const watched = await live(client, query);
        await server.stop();
        await waitFor('it is stale', () => watched.stale);
        await sql("update tasks set title = 'missed' where id = 1");
        await server.start();
        await becomesTrue(watched, query);
      },
      noStale,
    );

    test('a cut connection loses nothing', async () => {
      const client = await open();
      const query = '{ tasks { id title } labels { name } }';
      const watched = await live(client, query);
      client.cut();
      await sql(
        "update tasks set title = 'while away' where id = 1; insert into labels (project_id, name) values (1, 'away')",
      );
      await becomesTrue(watched, query);
      await sql("update tasks set title = 'and on' where id = 1; delete from labels where name = 'away'");
      await becomesTrue(watched, query);
    });

    test('a restart of the server loses nothing', async () => {
      const client = await open();
      const query = '{ tasks(orderBy: [{ priority: DESC }]) { id title comments { body } } }';
      const watched = await live(client, query);
      await server.stop();
      await sql(`update tasks set title = 'during the restart', priority = 12 where id = 6;
        insert into comments (task_id, author_id, body) values (6, 1, 'nobody listened')`);
      await server.start();
      await becomesTrue(watched, query);
      await sql("update tasks set title = 'after it' where id = 6");
      await becomesTrue(watched, query);
    });
  });

  describe('own writes', () => {
    const LIST = '{ tasks(where: { project: { id: { eq: "1" } } }) { id title status } }';
    const CREATE =
      'mutation ($title: String!) { createTask(values: { projectId: "1", title: $title }) { id title status } }';
    const RENAME = 'mutation ($id: ID!, $set: TaskSet!) { updateTask(id: $id, set: $set) { id title } }';

    test('a created row appears once', async () => {
      const client = await open();
      const watched = await live(client, LIST);
      for (const title of ['own one', 'own two', 'own three']) await client.mutate(CREATE, { title });
      await becomesTrue(watched, LIST);
      for (const shown of watched.shown as { tasks: { id: string }[] }[]) {
        const ids = shown.tasks.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
      }
    });

    test('an optimistic change is shown at once and is never undone', async () => {
      const client = await open(ADA, true);
      const watched = await live(client, LIST);
      const from = watched.shown.length;
      await sql("update tasks set title = 'plain' where id = 1");
      await becomesTrue(watched, LIST);
      const changed = client.mutate(RENAME, { id: '1', set: { title: 'optimistic' } });
      await waitFor('it is expected', () => titleOf(watched.data, '1') === 'optimistic');
      await sql("update tasks set title = 'somebody else' where id = 2");
      await changed;
      await becomesTrue(watched, LIST);
      const titles = watched.shown.slice(from).map((data) => titleOf(data, '1'));
      const distinct = titles.filter((title, at) => title !== titles[at - 1]);
      expect(distinct.slice(distinct.indexOf('plain'))).toEqual(['plain', 'optimistic']);
    });

    test('an optimistic change that the server refuses is undone', async () => {
      const client = await open(GRACE, true);
      const query = '{ tasks(where: { project: { id: { eq: "3" } } }) { id title } }';
      const watched = await live(client, query);
      expect(await client.mutate(RENAME, { id: '9', set: { title: 'not mine' } })).toMatchObject({
        updateTask: null,
      });
      expect(titleOf(watched.shown.at(-1), '9')).toBe('Wire the drums');
      await becomesTrue(watched, query, {}, GRACE);
    });
  });
}

/** Each message comes so much later; their order stays. */
function delayed(sink: StreamSink, delayMs: () => number): StreamSink {
  return {
    ...sink,
    next: (result) => void setTimeout(() => sink.next(result), delayMs()),
    error: (error) => sink.error(error),
    complete: () => sink.complete(),
  };
}

function titleOf(data: unknown, wanted: string): string | undefined {
  const { tasks } = data as { tasks: { id: string; title: string }[] };
  return tasks.find(({ id }) => id === wanted)?.title;
}
