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

for (const kind of [urqlLists, apolloLists]) describe(kind.name, () => cachedLists(kind));

function cachedLists(kind: ListKind): void {
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

  async function live(client: ListClient, query: string): Promise<Shown> {
    const before = server.subscriptions();
    const watched = client.watch(query, { live: true });
    await waitFor('an answer', () => watched.data !== undefined && watched.data !== null);
    await waitFor('its stream', () => server.subscriptions() > before);
    return watched;
  }

  async function becomesTrue(watched: Shown, query: string): Promise<void> {
    const expected = await server.fresh(1, query);
    await waitFor('the query shows the truth', () => {
      expect(plain(watched.data)).toEqual(expected);
      return true;
    });
  }

  /** How often the data was another since then. */
  const rendered = ({ shown: all }: Shown, from: number) =>
    all.slice(from).filter((data, at) => data !== all[from + at - 1]).length;
  const ids = ({ data }: Shown) => (plain(data) as { tasks: { id: string }[] }).tasks.map(({ id }) => id);
  const DOING =
    '{ tasks(where: { status: { eq: doing } }, orderBy: [{ priority: DESC }]) { id title priority } }';
  const DONE = '{ tasks(where: { status: { eq: done } }) { id title status } }';
  const PROJECT = '{ project(id: "1") { id tasks(orderBy: [{ position: ASC }]) { id title position } } }';
  const ALL = '{ tasks(orderBy: [{ id: ASC }]) { id title status priority position projectId assigneeId } }';

  describe('what live queries hear', () => {
    test('keeps the lists of queries that are not live, without a request', async () => {
      const client = await open();
      const queries = [DOING, DONE, PROJECT];
      const watched: Shown[] = [];
      for (const query of queries) watched.push(await shown(client, query));
      const all = await live(client, ALL);
      const asked = client.requests.length;
      const from = watched.map((each) => each.shown.length);
      await sql(`insert into tasks (project_id, title, status, priority) values (1, 'heard', 'doing', 5);
        update tasks set status = 'done', priority = 3 where id = 1`);
      await becomesTrue(all, ALL);
      for (const [at, query] of queries.entries()) await becomesTrue(watched[at]!, query);
      expect(client.requests.slice(asked)).toEqual([]);
      // One transaction is one rendering.
      for (const [at, each] of watched.entries()) expect(rendered(each, from[at]!)).toBe(1);
      await sql("delete from tasks where title = 'heard'; update tasks set status = 'doing' where id = 1");
      for (const [at, query] of queries.entries()) await becomesTrue(watched[at]!, query);
      expect(client.requests.slice(asked)).toEqual([]);
      expect(client.problems).toEqual([]);
    });

    test('two filters together tell what each alone would not', async () => {
      const client = await open();
      const first = await live(client, DOING);
      const second = await live(client, DONE);
      const watched = await shown(client, ALL);
      await sql("update tasks set status = 'done' where id = 1");
      await becomesTrue(first, DOING);
      await becomesTrue(second, DONE);
      await becomesTrue(watched, ALL);
      await sql("update tasks set status = 'doing' where id = 1");
      await becomesTrue(watched, ALL);
      expect(client.problems).toEqual([]);
    });

    test('what they do not carry is asked for, once a query', async () => {
      const client = await open();
      const watched = await shown(client, PROJECT);
      const titles = await live(client, '{ tasks { id title } }');
      const asked = client.requests.length;
      await sql("insert into tasks (project_id, title) values (1, 'not whole'), (1, 'nor this')");
      await becomesTrue(watched, PROJECT);
      await becomesTrue(titles, '{ tasks { id title } }');
      expect(client.requests.length).toBe(asked + 1);
      await sql("delete from tasks where title in ('not whole', 'nor this')");
      await becomesTrue(watched, PROJECT);
      expect(client.requests.length).toBe(asked + 1);
    });
  });

  describe('what own mutations are answered', () => {
    const CREATE = `mutation ($title: String!) {
      createTask(values: { projectId: "1", title: $title, status: doing, priority: 4 }) {
        id title status priority position projectId assigneeId
      } }`;

    test('a new row is in the lists, without a live query and without a request', async () => {
      const client = await open();
      const watched = await shown(client, DOING);
      const project = await shown(client, PROJECT);
      const asked = client.requests.length;
      await client.mutate(CREATE, { title: 'made here' });
      await becomesTrue(watched, DOING);
      await becomesTrue(project, PROJECT);
      expect(client.requests.slice(asked)).toEqual([]);
      await client.mutate(
        'mutation { updateTasks(where: { title: { eq: "made here" } }, set: { status: done }) { status } }',
      );
      await becomesTrue(watched, DOING);
      await client.mutate('mutation { deleteTasks(where: { title: { eq: "made here" } }) { title } }');
      await becomesTrue(project, PROJECT);
      expect(client.requests.slice(asked)).toEqual([]);
      expect(client.problems).toEqual([]);
    });

    test('an update moves a row, and nothing but what was asked for is shown of the answer', async () => {
      const client = await open();
      const doing = await shown(client, DOING);
      const done = await shown(client, DONE);
      const asked = client.requests.length;
      const answer = await client.mutate(
        'mutation { updateTask(id: "1", set: { status: done }) { title status } }',
      );
      expect(Object.keys(plain((answer as { updateTask: object }).updateTask) as object)).toEqual([
        'title',
        'status',
      ]);
      await becomesTrue(doing, DOING);
      await becomesTrue(done, DONE);
      expect(client.requests.slice(asked)).toEqual([]);
      await client.mutate('mutation { updateTask(id: "1", set: { status: doing }) { id status priority } }');
      await becomesTrue(doing, DOING);
      await becomesTrue(done, DONE);
      expect(client.requests.slice(asked)).toEqual([]);
    });

    test('a deleted row is gone', async () => {
      await sql(
        "insert into tasks (id, project_id, title, status) overriding system value values (800, 1, 'to go', 'doing')",
      );
      const client = await open();
      const doing = await shown(client, DOING);
      const one = await shown(client, '{ task(id: "800") { id title project { id } } }');
      const project = await shown(client, PROJECT);
      const asked = client.requests.length;
      await client.mutate('mutation { deleteTask(id: "800") { id } }');
      await becomesTrue(doing, DOING);
      await becomesTrue(project, PROJECT);
      await waitFor('it is gone', () => (plain(one.data) as { task: unknown }).task === null);
      expect(client.requests.slice(asked)).toEqual([]);
    });

    test('a pair is there from both ends', async () => {
      const client = await open();
      const query =
        '{ tasks(orderBy: [{ id: ASC }], limit: 3) { id labels { id name } } labels(orderBy: [{ id: ASC }]) { id name tasks { id } } }';
      const watched = await shown(client, query);
      const asked = client.requests.length;
      await client.mutate(
        'mutation { createTaskLabel(values: { taskId: "2", labelId: "1" }) { id taskId labelId } }',
      );
      await becomesTrue(watched, query);
      await client.mutate('mutation { deleteTaskLabel(id: "2:1") { id } }');
      await becomesTrue(watched, query);
      expect(client.requests.slice(asked)).toEqual([]);
    });

    test('a changed key is another row', async () => {
      const client = await open();
      const query = '{ project(id: "1") { id members { id role } people { id name } } }';
      const watched = await shown(client, query);
      await client.mutate(
        'mutation { updateMember(id: "1:3", set: { userId: "2" }) { id role userId projectId } }',
      );
      await becomesTrue(watched, query);
      await client.mutate('mutation { updateMember(id: "1:2", set: { userId: "3" }) { id } }');
      await becomesTrue(watched, query);
    });

    test('together with a live query it is shown once, and at once', async () => {
      const client = await open();
      const all = await live(client, ALL);
      const doing = await shown(client, DOING);
      for (const title of ['once one', 'once two', 'once three']) await client.mutate(CREATE, { title });
      await becomesTrue(all, ALL);
      await becomesTrue(doing, DOING);
      for (const each of [...all.shown, ...doing.shown]) {
        const found = (each as { tasks?: { id: string }[] } | undefined)?.tasks?.map(({ id }) => id) ?? [];
        expect(new Set(found).size).toBe(found.length);
      }
      await sql("delete from tasks where title like 'once%'");
      await becomesTrue(doing, DOING);
      expect(client.problems).toEqual([]);
    });

    test('what is expected of a mutation never goes back', async () => {
      const client = await open({ optimistic: true });
      const all = await live(client, ALL);
      const done = await shown(client, DONE);
      const from = done.shown.length;
      await client.mutate(
        'mutation ($id: ID!, $set: TaskSet!) { updateTask(id: $id, set: $set) { id status } }',
        {
          id: '1',
          set: { status: 'done' },
        },
      );
      await becomesTrue(done, DONE);
      await becomesTrue(all, ALL);
      const has = done.shown.slice(from).map((data) => ids({ data } as Shown).includes('1'));
      expect(has.slice(has.indexOf(true))).not.toContain(false);
      await sql("update tasks set status = 'doing' where id = 1");
      await becomesTrue(done, DONE);
    });
  });

  // Apollo's cache gets the documents as they are: who selects no order column has the list asked for.
  if (kind === urqlLists) {
    test('what a list is ordered by need not be shown', async () => {
      const client = await open();
      const query =
        'query ($by: OrderDirection = DESC) { tasks(where: { status: { eq: doing } }, orderBy: [{ priority: $by }, { title: ASC }]) { called: title } }';
      const watched = await shown(client, query);
      const asked = client.requests.length;
      await client.mutate(
        'mutation { updateTask(id: "2", set: { status: doing, priority: 8 }) { id title status priority } }',
      );
      await becomesTrue(watched, query);
      const { tasks } = plain(watched.data) as { tasks: object[] };
      expect(Object.keys(tasks[0]!)).toEqual(['called']);
      await client.mutate(
        'mutation { updateTask(id: "2", set: { status: todo, priority: 0 }) { id title status priority } }',
      );
      await becomesTrue(watched, query);
      expect(client.requests.slice(asked)).toEqual([]);
      expect(client.problems).toEqual([]);
    });
  }

  describe('a row that is cached', () => {
    test('is found by its key without a request, and its missing columns are asked for', async () => {
      const client = await open();
      await shown(client, ALL);
      const asked = client.requests.length;
      const known = '{ task(id: "2") { id title status } }';
      await becomesTrue(client.watch(known), known);
      expect(client.requests.slice(asked)).toEqual([]);
      const more = '{ task(id: "2") { id title createdAt } }';
      await becomesTrue(client.watch(more), more);
      expect(client.requests.length).toBe(asked + 1);
      const nobody = '{ task(id: "99999") { id title } }';
      await becomesTrue(client.watch(nobody), nobody);
      const { task } = (await server.fresh(1, '{ task(id: "3") { nodeId } }')) as {
        task: { nodeId: string };
      };
      const before = client.requests.length;
      const named = `{ node(nodeId: "${task.nodeId}") { ... on Task { id title } } }`;
      await becomesTrue(client.watch(named), named);
      expect(client.requests.length).toBe(before);
    });
  });
}
