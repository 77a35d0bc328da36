import { afterEach, describe, expect, test } from 'vitest';
import {
  apolloLists,
  type ListClient,
  type ListKind,
  type ListOptions,
  type Shown,
  urqlLists,
} from '../support/client-lists.js';
import { serveForClients } from '../support/client-server.js';
import { plain } from '../support/client-under-test.js';
import { waitFor } from '../support/wait-for.js';

const server = await serveForClients();
const sql = (text: string) => server.database.script(text);

for (const kind of [urqlLists, apolloLists]) describe(kind.name, () => manualStreams(kind));

function manualStreams(kind: ListKind): void {
  const opened: ListClient[] = [];
  const open = async (options: Partial<ListOptions> = {}): Promise<ListClient> => {
    const client = kind.open({ server, token: await server.token(1), ...options });
    opened.push(client);
    return client;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((client) => client.close()));
    await waitFor('no stream is left', () => server.subscriptions() === 0);
  });

  async function shown(client: ListClient, query: string): Promise<Shown> {
    const watched = client.watch(query);
    await waitFor('an answer', () => watched.data !== undefined && watched.data !== null);
    return watched;
  }

  async function following(client: ListClient, subscription: string) {
    const before = server.subscriptions();
    const followed = client.follow(subscription);
    await waitFor('its stream', () => server.subscriptions() > before);
    return followed;
  }

  async function becomesTrue(watched: Shown, query: string): Promise<void> {
    const expected = await server.fresh(1, query);
    await waitFor('the query shows the truth', () => {
      expect(plain(watched.data)).toEqual(expected);
      return true;
    });
  }

  /** Some queries stay true through a change; resolves to what had to be asked for again. */
  async function stayTrue(queries: readonly string[], subscription: string, change: string) {
    const client = await open();
    const watched: Shown[] = [];
    for (const query of queries) watched.push(await shown(client, query));
    const { messages } = await following(client, subscription);
    const asked = client.requests.length;
    const from = watched.map((each) => each.shown.length);
    await sql(change);
    await waitFor('the message', () => messages.length > 0);
    for (const [at, query] of queries.entries()) await becomesTrue(watched[at]!, query);
    expect(client.problems).toEqual([]);
    for (const [at, each] of watched.entries()) {
      expect(each.shown.slice(from[at]).every((data) => data !== undefined && data !== null)).toBe(true);
    }
    return { client, watched, messages, asked: client.requests.slice(asked) };
  }

  const WHOLE =
    'subscription { taskChanges { changes { kind key node { id title status priority position projectId assigneeId } } } }';
  const OPEN =
    '{ tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }]) { id title status priority } }';
  const DONE =
    '{ tasks(where: { status: { eq: done } }, orderBy: [{ position: ASC }]) { id title position } }';
  const FIRST = '{ tasks(orderBy: [{ position: ASC }], limit: 3) { id title position } }';
  const PROJECT =
    '{ project(id: "1") { id name tasks(orderBy: [{ priority: ASC }]) { id title priority } } }';

  test('a new row lands in every list that its columns decide, without a request', async () => {
    const { asked, messages } = await stayTrue(
      [OPEN, DONE, FIRST, PROJECT],
      WHOLE,
      "insert into tasks (project_id, title, status, priority, position) values (1, 'new', 'doing', 7, 0.5)",
    );
    expect(asked).toEqual([]);
    // Nothing is shown that was not asked for.
    const { taskChanges } = plain(messages[0]) as { taskChanges: { changes: object[] } };
    expect(Object.keys(taskChanges.changes[0]!).sort()).toEqual(['key', 'kind', 'node']);
  });

  test('a row that stops matching one list and starts to match another moves', async () => {
    const { asked } = await stayTrue(
      [OPEN, DONE],
      WHOLE,
      "update tasks set status = 'done' where title = 'new'",
    );
    expect(asked).toEqual([]);
  });

  test('a deleted row is gone from every list, without a request', async () => {
    const { asked } = await stayTrue([OPEN, DONE, PROJECT], WHOLE, "delete from tasks where title = 'new'");
    expect(asked).toEqual([]);
  });

  test('a window that lost a row is asked for, once', async () => {
    const { asked } = await stayTrue([FIRST], WHOLE, 'update tasks set position = 90 where id = 1');
    expect(asked).toHaveLength(1);
    await sql('update tasks set position = 1 where id = 1');
  });

  test('what the message does not carry is asked for and not invented', async () => {
    const { asked } = await stayTrue(
      [OPEN, PROJECT],
      'subscription { taskChanges { changes { node { title } } } }',
      "insert into tasks (project_id, title, status) values (1, 'unknown', 'todo')",
    );
    expect(asked).toHaveLength(2);
    await sql("delete from tasks where title = 'unknown'");
  });

  test('names of its own', async () => {
    const { asked } = await stayTrue(
      [OPEN, DONE],
      `subscription {
         all: taskChanges { what: changes { how: kind at: key ...Row } }
       }
       fragment Row on TaskChange { row: node { key: id name: title s: status p: priority place: position } }`,
      "update tasks set status = 'done', title = 'by alias' where id = 2",
    );
    expect(asked).toEqual([]);
    await sql("update tasks set status = 'todo' where id = 2");
  });

  test('who leaves a filtered stream is not gone: it may be elsewhere', async () => {
    const { asked, watched } = await stayTrue(
      [
        '{ tasks(where: { status: { eq: doing } }) { id title status } }',
        DONE,
        '{ task(id: "1") { id status } }',
      ],
      'subscription { taskChanges(where: { status: { eq: doing } }) { changes { kind key node { id title status } } } }',
      "update tasks set status = 'done' where id = 1",
    );
    // The stream's own set needs no request.
    expect(asked).toHaveLength(2);
    expect(plain(watched[2]!.data)).toEqual({ task: { id: '1', status: 'done' } });
    await sql("update tasks set status = 'doing' where id = 1");
  });

  test('a row that may not be seen any more is gone', async () => {
    const client = await open();
    const query = '{ tasks(orderBy: [{ id: ASC }]) { id title } }';
    const watched = await shown(client, query);
    const { messages } = await following(client, WHOLE);
    const asked = client.requests.length;
    await sql('delete from members where project_id = 2 and user_id = 1');
    await waitFor('the message', () => messages.length > 0);
    await becomesTrue(watched, query);
    expect(client.requests.length).toBe(asked);
    await sql("insert into members (project_id, user_id, role) values (2, 1, 'editor')");
    await becomesTrue(watched, query);
  });

  test('related rows and who belongs to whom', async () => {
    const RELATED = `subscription { taskChanges {
      changes { key kind node { id title } }
      related {
        comments { changes { kind key node { id body taskId createdAt } } links { kind parent child } }
        labels { changes { kind key node { id name } } links { kind parent child } }
      } } }`;
    const queries = [
      '{ task(id: "2") { id title comments { id body } labels { id name } } }',
      '{ labels(orderBy: [{ id: ASC }]) { id name tasks { id title } } }',
    ];
    const first = await stayTrue(
      queries,
      RELATED,
      "insert into comments (task_id, author_id, body) values (2, 1, 'told'); insert into task_labels (task_id, label_id) values (2, 1)",
    );
    expect(first.asked).toEqual([]);
    const second = await stayTrue(
      queries,
      RELATED,
      "delete from comments where body = 'told'; delete from task_labels where task_id = 2 and label_id = 1",
    );
    expect(second.asked).toEqual([]);
  });

  test('rows of a junction', async () => {
    const { asked } = await stayTrue(
      ['{ tasks(orderBy: [{ id: ASC }], limit: 4) { id labels { id name } } labels { id tasks { id } } }'],
      'subscription { taskLabelChanges { changes { kind key op } } }',
      'insert into task_labels (task_id, label_id) values (4, 1)',
    );
    expect(asked).toEqual([]);
    await sql('delete from task_labels where task_id = 4 and label_id = 1');
  });

  test('a filter through relations is asked for when what it reads changed', async () => {
    const { asked } = await stayTrue(
      ['{ tasks(where: { project: { archived: { eq: true } } }) { id title } }', OPEN],
      'subscription { projectChanges { changes { kind key node { id archived } } } }',
      'update projects set archived = true where id = 1',
    );
    expect(asked).toHaveLength(1);
    await sql('update projects set archived = false where id = 1');
  });

  test('pages of a connection are asked for when their rows may be others', async () => {
    const PAGE =
      '{ tasksConnection(where: { status: { eq: doing } }, first: 5) { totalCount nodes { id title } } }';
    const { asked } = await stayTrue([PAGE], WHOLE, "update tasks set status = 'doing' where id = 6");
    expect(asked).toHaveLength(1);
    const other = await stayTrue([PAGE], WHOLE, "update tasks set title = title || '.' where id = 6");
    expect(other.asked).toEqual([]);
    await sql("update tasks set status = 'todo' where id = 6");
  });

  test('a single row comes and goes', async () => {
    const ONE = '{ task(id: "700") { id title } }';
    const client = await open();
    const watched = client.watch(ONE);
    await waitFor('an answer', () => plain(watched.data) !== undefined);
    const { messages } = await following(client, WHOLE);
    const asked = client.requests.length;
    await sql("insert into tasks (id, project_id, title) overriding system value values (700, 1, 'here')");
    await waitFor(
      'it is there',
      () => expect(plain(watched.data)).toEqual({ task: { id: '700', title: 'here' } }) ?? true,
    );
    await sql('delete from tasks where id = 700');
    await waitFor('it is gone', () => expect(plain(watched.data)).toEqual({ task: null }) ?? true);
    expect(messages).toHaveLength(2);
    expect(client.requests.length).toBe(asked);
  });

  test('a list that nobody shows is true when it is shown again', async () => {
    await sql("insert into tasks (project_id, title, position) values (1, 'to go', 0.1)");
    const client = await open();
    const stopped = await shown(client, OPEN);
    const window = await shown(client, FIRST);
    stopped.stop();
    window.stop();
    const { messages } = await following(client, WHOLE);
    const asked = client.requests.length;
    await sql(
      "update tasks set position = 0.25, title = title || '.' where id = 5; delete from tasks where title = 'to go'",
    );
    await waitFor('the message', () => messages.length > 0);
    await becomesTrue(client.watch(OPEN), OPEN);
    expect(client.requests.length).toBe(asked);
    // The window is filled up by the network.
    await becomesTrue(client.watch(FIRST), FIRST);
    expect(client.requests.length).toBe(asked + 1);
  });

  test('an answer that was asked for before a message is told of it', async () => {
    let hold: Promise<void> | undefined;
    const client = await open({ beforeAnswer: async () => hold });
    const { messages } = await following(client, WHOLE);
    let release = () => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const asked = client.requests.length;
    const watched = client.watch(OPEN);
    await waitFor('it was asked', () => client.requests.length > asked);
    // The server has answered from before the change; the answer is still on its way.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await sql("insert into tasks (project_id, title, status) values (1, 'overtook', 'doing')");
    await waitFor('the message', () => messages.length > 0);
    hold = undefined;
    release();
    await becomesTrue(watched, OPEN);
    expect(client.requests.length).toBe(asked + 1);
  });

  test('a reset has everything of its tables asked for', async () => {
    const { asked } = await stayTrue(
      [
        '{ tasks(limit: 3) { id comments { id body } } }',
        '{ comments { id body } }',
        '{ users { id name } }',
      ],
      'subscription { commentChanges { reset changes { kind key } } }',
      'truncate comments',
    );
    expect(asked).toHaveLength(2);
  });
}
