import { afterEach, describe, expect, test } from 'vitest';
import { comments, members, projects, tasks, users } from '../../schema/index.js';
import { watchers } from '../../src/index.js';
import { rivuletConfig, startRivulet } from '../support/rivulet.js';
import { waitFor } from '../support/wait-for.js';

/**
 * Everything that EctoSync and EctoWatch do for a subscriber, one entry a row of their table. Each runs against a database and reads its
 * changes from the log.
 */
const { rivulet, database, start } = await startRivulet();
const { query } = database;
const open: AsyncIterator<unknown>[] = [];

/** Ends with its test. (Rows are written with the feed caught up: a stream begins where the log has been read to.) */
function follow<M>(stream: AsyncIterableIterator<M>): () => Promise<M> {
  open.push(stream);
  return async () => (await stream.next()).value;
}

const insertTask = async (projectId: number, title = 'task'): Promise<string> => {
  const [row] = await query(
    'insert into tasks (project_id, title) values ($1::text::integer, $2) returning id::text',
    String(projectId),
    title,
  );
  await rivulet.feed.catchUp();
  return row![0]!;
};

const insertComment = async (taskId: string, body = 'comment'): Promise<string> => {
  const [row] = await query(
    'insert into comments (task_id, author_id, body) values ($1::text::integer, 1, $2) returning id::text',
    taskId,
    body,
  );
  await rivulet.feed.catchUp();
  return row![0]!;
};

const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

afterEach(async () => {
  for (const stream of open.splice(0)) await stream.return?.();
  expect(rivulet.scopes.status()).toEqual({ scopes: 0, liveQueries: 0, subscribers: 0 });
});

const rows: readonly (readonly [original: string, check: () => Promise<void>])[] = [
  [
    'watchers(schema): INSERT, UPDATE, DELETE of a table',
    async () => {
      const next = follow(rivulet.changes(projects));
      await query("insert into projects (name, owner_id) values ('new', 1)");
      await query("update projects set name = 'newer' where name = 'new'");
      await query("delete from projects where name = 'newer'");
      expect([...(await next()).changes, ...(await next()).changes, ...(await next()).changes]).toMatchObject(
        [
          { kind: 'ENTER', op: 'INSERT', node: { name: 'new' }, previous: null, changedColumns: [] },
          {
            kind: 'UPDATE',
            op: 'UPDATE',
            node: { name: 'newer' },
            previous: { name: 'new' },
            changedColumns: ['name'],
          },
          { kind: 'LEAVE', op: 'DELETE', node: null, previous: { name: 'newer' } },
        ],
      );
    },
  ],
  [
    'watchers(list, schema, opts): adds to a list, merging what overlaps',
    async () => {
      const id = await insertTask(1);
      const next = follow(rivulet.changes<typeof tasks.$inferSelect>('moved', { rows: id }));
      await query("update tasks set title = 'not counted' where id = $1::text::integer", id);
      await query("update tasks set status = 'doing' where id = $1::text::integer", id);
      await query('update tasks set project_id = 2 where id = $1::text::integer', id);
      expect((await next()).changes).toMatchObject([{ changedColumns: ['status'] }]);
      expect((await next()).changes).toMatchObject([{ changedColumns: ['projectId'] }]);
    },
  ],
  [
    "assocs: also watches every association's table, with the join tables of many-to-many",
    async () => {
      const list = watchers(projects, { with: { tasks: { comments: true, labels: true } } });
      const other = await start({ ...rivuletConfig, watchers: list });
      try {
        const stream = other.changes(projects, { with: { tasks: { comments: true, labels: true } } });
        await stream.return?.();
        expect(codeOf(() => other.changes(projects, { with: { members: true } }))).toBe('TABLE_NOT_WATCHED');
        expect(codeOf(() => other.changes(users))).toBe('TABLE_NOT_WATCHED');
      } finally {
        await other.stop();
      }
    },
  ],
  [
    'extra_columns: columns that travel with the event',
    async () => {
      const next = follow(rivulet.changes('audit'));
      await query(`insert into audit ("No.", extra) values (1, 'travels')`);
      expect((await next()).changes).toMatchObject([{ node: { extra: 'travels' } }]);
    },
  ],
  [
    'trigger_columns: only updates of these count',
    async () => {
      const id = await insertTask(1);
      const next = follow(rivulet.changes('moved', { rows: id }));
      await query("update tasks set title = 'not counted', priority = 7 where id = $1::text::integer", id);
      await query("update tasks set status = 'done' where id = $1::text::integer", id);
      expect((await next()).changes).toMatchObject([
        { kind: 'UPDATE', changedColumns: ['status'], node: { priority: 7 } },
      ]);
    },
  ],
  [
    'label: a name of its own, subscribed by that name',
    async () => {
      const next = follow(rivulet.changes('any task'));
      const id = await insertTask(1, 'by label');
      expect((await next()).changes).toMatchObject([{ kind: 'ENTER', key: id, node: { title: 'by label' } }]);
    },
  ],
  [
    'a table with no schema',
    async () => {
      const next = follow(rivulet.changes('audit', { where: { note: { like: 'a%' } } }));
      await query(`insert into audit ("No.", note) values (2, 'passed over')`);
      await query(
        `insert into audit ("No.", note, amount, tags) values (9007199254740993, 'a', 1.50, '{x,"y z"}')`,
      );
      await query(`update audit set note = 'b' where "No." = 9007199254740993`);
      const [entered] = (await next()).changes;
      expect(entered).toMatchObject({
        kind: 'ENTER',
        key: '9007199254740993',
        node: {
          'No.': 9007199254740993n,
          note: 'a',
          at: new Date('2026-01-02T03:04:05Z'),
          amount: '1.50',
          tags: '{x,"y z"}',
          extra: null,
        },
      });
      expect((await next()).changes).toMatchObject([{ kind: 'LEAVE', op: null, key: '9007199254740993' }]);
      expect(await rivulet.get(entered!)).toMatchObject({ note: 'b' });
      expect(await rivulet.subscriptions('audit', 2)).toEqual([]);
      expect(await rivulet.subscriptions('audit')).toMatchObject([{ table: 'public.audit', subscribers: 1 }]);
    },
  ],
  [
    'unknown schema, column, association: an error that names it',
    async () => {
      const untyped = rivulet.changes as (...args: unknown[]) => unknown;
      expect(() => untyped('nope')).toThrow(/nope.*moved, any task, audit/);
      expect(() => untyped(tasks, { columns: ['nope'] })).toThrow(/nope.*title/);
      expect(() => untyped(tasks, { with: { comments: { nope: true } } })).toThrow(
        /with\.comments\.nope.*author/,
      );
      expect(() => untyped(tasks, { where: { nope: 1 } })).toThrow(/where\.nope/);
    },
  ],
  [
    'start-up check of installed triggers',
    async () => {
      const ghost = watchers({ sqlName: 'audit', columns: ['note', 'nope'], key: ['No.'] });
      await expect(start({ ...rivuletConfig, watchers: ghost })).rejects.toMatchObject({
        code: 'WATCHERS_DRIFTED',
      });
    },
  ],
  [
    'subscribe(Schema, :inserted)',
    async () => {
      const next = follow(rivulet.changes(tasks, { ops: ['INSERT'], where: { projectId: 1 } }));
      const first = await insertTask(1, 'first');
      await query("update tasks set title = 'not told' where id = $1::text::integer", first);
      await query('delete from tasks where id = $1::text::integer', first);
      const second = await insertTask(1, 'second');
      expect((await next()).changes).toMatchObject([{ op: 'INSERT', key: first }]);
      expect((await next()).changes).toMatchObject([{ op: 'INSERT', key: second }]);
    },
  ],
  [
    'subscribe(struct), subscribe([structs]): updates and deletes of these rows',
    async () => {
      const [first, second, third] = [await insertTask(1), await insertTask(1), await insertTask(1)];
      const one = follow(rivulet.changes(tasks, { rows: { id: Number(first), title: 'as loaded' } }));
      const two = follow(rivulet.changes(tasks, { rows: [first, Number(second)] }));
      await query("update tasks set title = 'x' where id = $1::text::integer", third);
      await query("update tasks set title = 'x' where id = $1::text::integer", second);
      await query('delete from tasks where id = $1::text::integer', first);
      expect((await two()).changes).toMatchObject([{ kind: 'UPDATE', key: second }]);
      expect((await two()).changes).toMatchObject([{ kind: 'LEAVE', op: 'DELETE', key: first }]);
      expect((await one()).changes).toMatchObject([{ kind: 'LEAVE', op: 'DELETE', key: first }]);
      const member = follow(rivulet.changes(members, { rows: [{ projectId: 2, userId: 2 }, '1:1'] }));
      await query("update members set role = 'viewer' where project_id = 2 and user_id = 1");
      await query("update members set role = 'editor' where user_id = 2");
      expect((await member()).changes).toMatchObject([
        { kind: 'UPDATE', key: '2:2', node: { role: 'editor' } },
      ]);
    },
  ],
  [
    "subscribe({Schema, :updated}, {:role_id, 7}): by an association's column",
    async () => {
      const id = await insertTask(1);
      const next = follow(rivulet.changes(comments, { ops: ['UPDATE'], where: { taskId: Number(id) } }));
      const comment = await insertComment(id);
      await insertComment(await insertTask(1));
      await query("update comments set body = 'edited'");
      const { changes } = await next();
      expect(changes).toMatchObject([{ kind: 'UPDATE', key: comment, node: { body: 'edited' } }]);
    },
  ],
  [
    "assocs on subscribe: the row's graph",
    async () => {
      const id = await insertTask(1, 'with a graph');
      const comment = await insertComment(id);
      const next = follow(
        rivulet.changes(tasks, { rows: id, with: { comments: { author: true }, labels: true } }),
      );
      await query("update comments set body = 'edited' where id = $1::text::integer", comment);
      const edited = await next();
      expect(edited.changes).toEqual([]);
      expect(edited.related.comments).toMatchObject({
        changes: [
          {
            kind: 'UPDATE',
            key: comment,
            node: { body: 'edited', author: { name: 'ada' } },
            previous: { body: 'comment' },
            changedColumns: ['body'],
          },
        ],
        links: [],
      });
      await query('insert into task_labels values ($1::text::integer, 1)', id);
      expect((await next()).related.labels).toMatchObject({
        changes: [{ kind: 'ENTER', key: '1', node: { name: 'bug' } }],
        links: [{ kind: 'ENTER', parent: id, child: '1' }],
      });
      await query("update users set name = 'Ada' where id = 1");
      expect((await next()).related.comments.related.author.changes).toMatchObject([
        { kind: 'UPDATE', key: '1', node: { name: 'Ada' }, previous: { name: 'ada' } },
      ]);
    },
  ],
  [
    'rows inserted into the graph are subscribed automatically, with their nested associations',
    async () => {
      const next = follow(rivulet.changes(projects, { rows: 3, with: { tasks: { comments: true } } }));
      const id = await insertTask(3, 'inserted');
      expect((await next()).related.tasks).toMatchObject({
        changes: [{ kind: 'ENTER', op: 'INSERT', key: id, node: { title: 'inserted', comments: [] } }],
        links: [{ kind: 'ENTER', parent: '3', child: id }],
      });
      const comment = await insertComment(id, 'nested');
      expect((await next()).related.tasks.related.comments).toMatchObject({
        changes: [{ kind: 'ENTER', key: comment, node: { body: 'nested' } }],
        links: [{ kind: 'ENTER', parent: id, child: comment }],
      });
    },
  ],
  [
    'a row that moved to another parent leaves the one and arrives at the other as inserted',
    async () => {
      const id = await insertTask(1, 'on the move');
      const one = follow(rivulet.changes(projects, { rows: 1, with: { tasks: true } }));
      const two = follow(rivulet.changes(projects, { rows: 2, with: { tasks: true } }));
      const both = follow(rivulet.changes(projects, { rows: [1, 2], with: { tasks: true } }));
      await query('update tasks set project_id = 2 where id = $1::text::integer', id);
      expect((await one()).related.tasks).toMatchObject({
        changes: [{ kind: 'LEAVE', key: id, node: null }],
        links: [{ kind: 'LEAVE', parent: '1', child: id }],
      });
      expect((await two()).related.tasks).toMatchObject({
        changes: [{ kind: 'ENTER', key: id, node: { title: 'on the move' } }],
        links: [{ kind: 'ENTER', parent: '2', child: id }],
      });
      expect((await both()).related.tasks).toMatchObject({
        changes: [{ kind: 'UPDATE', key: id, changedColumns: ['projectId'] }],
        links: [
          { kind: 'LEAVE', parent: '1', child: id },
          { kind: 'ENTER', parent: '2', child: id },
        ],
      });
    },
  ],
  [
    'subscribing twice is one subscription',
    async () => {
      const options = { where: { projectId: 1 }, with: { comments: true } } as const;
      const first = follow(rivulet.changes(tasks, options));
      const second = follow(rivulet.changes(tasks, options));
      expect(rivulet.scopes.status()).toMatchObject({ scopes: 1, subscribers: 2 });
      await insertTask(1);
      expect(await first()).toBe(await second());
    },
  ],
  [
    'subscriptions(watcher, id), subscribed?, unsubscribe',
    async () => {
      const id = await insertTask(1);
      const stream = rivulet.changes(tasks, { where: { projectId: 1 } });
      const mine = { table: 'tasks', where: { projectId: { eq: 1 } }, subscribers: 1 };
      expect(await rivulet.subscriptions(tasks, id)).toMatchObject([mine]);
      await waitFor('it is live', async () => (await rivulet.subscriptions(tasks))[0]!.state === 'live');
      expect(await rivulet.subscriptions(tasks, id)).toMatchObject([mine]);
      expect(await rivulet.subscriptions(tasks, await insertTask(2))).toEqual([]);
      await stream.return?.();
      expect(await rivulet.subscriptions(tasks, id)).toEqual([]);
    },
  ],
  [
    'get(event): the row, loaded once per event, shared by all',
    async () => {
      const mine = follow(rivulet.changes(tasks, { where: { projectId: 1 } }));
      const other = follow(rivulet.changes(tasks, { ops: ['INSERT'] }));
      const id = await insertTask(1, 'to be read');
      const [row, same] = await Promise.all([
        rivulet.get((await mine()).changes[0]!),
        rivulet.get((await other()).changes[0]!),
      ]);
      expect(row).toMatchObject({ id: Number(id), title: 'to be read' });
      expect(same).toBe(row);
    },
  ],
  [
    "the writer's own event is known by its mutation id",
    async () => {
      const next = follow(rivulet.changes(tasks));
      await database.db.transaction(async (tx) => {
        await tx.script("set local rivulet.mutation_id = 'mine'");
        await tx.script("insert into tasks (project_id, title) values (1, 'mine')");
      });
      expect((await next()).transaction).toMatchObject({ mutationId: 'mine' });
    },
  ],
  [
    'authorization',
    async () => {
      const next = follow(rivulet.changes(tasks, { as: { userId: 2 }, with: { project: true } }));
      await insertTask(1, 'not hers');
      const id = await insertTask(2, 'hers');
      expect((await next()).changes).toMatchObject([
        { kind: 'ENTER', key: id, node: { project: { name: 'two' } } },
      ]);
      await query('delete from members where project_id = 2 and user_id = 2');
      const { changes } = await next();
      expect(changes).toContainEqual({
        kind: 'LEAVE',
        op: null,
        key: id,
        node: null,
        previous: null,
        changedColumns: [],
      });
      expect(await rivulet.get(changes[0]!)).toBeNull();
      await query("insert into members (project_id, user_id, role) values (2, 2, 'viewer')");
      expect((await next()).changes.map(({ kind }) => kind)).toContain('ENTER');
    },
  ],
];

describe('what the original does', () => {
  test.each(rows)('%s', (_original, check) => check());
});
