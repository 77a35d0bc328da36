import { getEventListeners } from 'node:events';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, test } from 'vitest';
import { comments, projects, tasks, users } from '../../schema/index.js';
import { relations } from '../../schema/relations.js';
import { createApi } from '../../src/api/create-api.js';
import type { RivuletApi } from '../../src/api/types.js';
import type { Database } from '../../src/database/types.js';
import { createCursorCodec } from '../../src/feed/cursor.js';
import { definePolicies } from '../../src/index.js';
import { rivuletConfig, startRivulet } from '../support/rivulet.js';
import { waitFor } from '../support/wait-for.js';

const { rivulet, database, db, start } = await startRivulet();
const { query } = database;
const NOBODY = { scopes: 0, liveQueries: 0, subscribers: 0 };
const open: AsyncIterator<unknown>[] = [];

function opened<S extends AsyncIterator<unknown>>(stream: S): S {
  open.push(stream);
  return stream;
}

async function nextOf<M>(stream: AsyncIterator<M>): Promise<M> {
  const { value, done } = await stream.next();
  if (done) throw new Error('the stream has ended');
  return value;
}

async function newTask(values: Partial<typeof tasks.$inferInsert> = {}) {
  const [task] = await db
    .insert(tasks)
    .values({ projectId: 1, title: 'a task', ...values })
    .returning();
  await rivulet.feed.catchUp();
  return task!;
}

const isLive = async () => (await rivulet.subscriptions()).every(({ state }) => state === 'live');
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

afterEach(async () => {
  for (const stream of open.splice(0)) await stream.return?.();
  expect(rivulet.scopes.status()).toEqual(NOBODY);
});

describe('a message', () => {
  test('carries rows as Drizzle reads them, with what `with` loads', async () => {
    const given = {
      comments: { with: { author: true } },
      labels: true,
      project: true,
      assignee: true,
    } as const;
    const stream = opened(rivulet.changes(tasks, { with: given }));
    const task = await newTask({
      assigneeId: 2,
      description: null,
      dueOn: '2026-02-03',
      estimate: '12.50',
      meta: { deep: [1, 'a', null] },
      position: 0.1,
    });
    const find = () => db.query.tasks.findFirst({ where: { id: task.id }, with: given });
    expect((await nextOf(stream)).changes).toEqual([
      {
        kind: 'ENTER',
        op: 'INSERT',
        key: String(task.id),
        node: await find(),
        previous: null,
        changedColumns: [],
      },
    ]);
    await db.insert(comments).values({ taskId: task.id, authorId: 2, body: 'a comment' });
    const commented = await nextOf(stream);
    expect(commented.changes).toEqual([]);
    const found = await find();
    expect(commented.related.comments.changes[0]!.node).toEqual(found!.comments[0]);
    await db.update(tasks).set({ title: 'renamed' }).where(eq(tasks.id, task.id));
    const [change] = (await nextOf(stream)).changes;
    expect(change).toEqual({
      kind: 'UPDATE',
      op: 'UPDATE',
      key: String(task.id),
      node: await find(),
      previous: task,
      changedColumns: ['title', 'updatedAt'],
    });
  });

  test('is one object for all who hear the same, and nobody can change it for the others', async () => {
    const [one, two] = [opened(rivulet.changes(tasks)), opened(rivulet.changes(tasks))];
    await newTask();
    const message = await nextOf(one);
    expect(await nextOf(two)).toBe(message);
    expect(() => {
      message.changes[0]!.node!.title = 'mine';
    }).toThrow(TypeError);
  });

  test('is not shared by those whose rights are not the same', async () => {
    const where = { project: { members: { userId: 1 } } };
    const server = opened(rivulet.changes(tasks, { where }));
    const client = opened(rivulet.changes(tasks, { as: { userId: 1 } }));
    expect(rivulet.scopes.status().scopes).toBe(1);
    await newTask();
    const [all, hers] = [await nextOf(server), await nextOf(client)];
    expect(hers).toEqual({ ...all, cursor: hers.cursor });
    await query('delete from members where project_id = 1 and user_id = 1');
    try {
      expect(await rivulet.get(all.changes[0]!)).toMatchObject({ title: 'a task' });
      expect(await rivulet.get(hers.changes[0]!)).toBeNull();
    } finally {
      await query("insert into members values (1, 1, 'owner')");
    }
  });

  test('for a context has no hidden column, and says nothing of its changes', async () => {
    const policies = definePolicies<typeof relations, { readonly userId: number }>(relations, {
      tasks: { read: true, columns: { estimate: { read: false } } },
      projects: { read: ({ userId }) => ({ ownerId: userId }) },
    });
    const other = await start({ ...rivuletConfig, policies: policies as typeof rivuletConfig.policies });
    try {
      const stream = other.changes(tasks, { as: { userId: 3 }, with: { project: true } });
      const task = await newTask({ estimate: '1.00' });
      const entered = (await nextOf(stream)).changes[0]!;
      expect(entered.node).not.toHaveProperty('estimate');
      expect(entered.node).toMatchObject({ title: 'a task', project: null });
      expect(await other.get(entered)).not.toHaveProperty('estimate');
      await query('update tasks set estimate = 2 where id = $1::text::integer', String(task.id));
      await query(
        'update tasks set estimate = 3, priority = 3 where id = $1::text::integer',
        String(task.id),
      );
      const [updated] = (await nextOf(stream)).changes;
      expect(updated).toMatchObject({ kind: 'UPDATE', changedColumns: ['priority'] });
      expect(updated!.previous).not.toHaveProperty('estimate');
      expect(codeOf(() => other.changes(tasks, { as: {}, columns: ['estimate'] }))).toBe('COLUMN_FORBIDDEN');
      expect(codeOf(() => other.changes(tasks, { as: {}, where: { estimate: '1' } }))).toBe(
        'COLUMN_FORBIDDEN',
      );
      expect(codeOf(() => other.changes(users, { as: {} }))).toBe('CHANGES_UNKNOWN_TABLE');
      expect(codeOf(() => other.changes(tasks, { as: {}, with: { comments: true } }))).toBe(
        'CHANGES_UNKNOWN_RELATION',
      );
      await stream.return?.();
    } finally {
      await other.stop();
    }
  });

  test('a context that is undefined is nobody, not the server', async () => {
    const nobody = opened(rivulet.changes(users, { as: undefined as unknown }));
    const server = opened(rivulet.changes(users));
    expect(await rivulet.subscriptions(users)).toMatchObject([{ where: false }, { where: true }]);
    await nobody.return?.();
    await server.return?.();
  });
});

describe('a filter', () => {
  test("takes Drizzle's values", async () => {
    const stream = opened(
      rivulet.changes(tasks, {
        where: { createdAt: { gt: new Date('2030-01-01T00:00:00Z') }, meta: { isNotNull: true } },
      }),
    );
    await newTask({ meta: 1, createdAt: new Date('2029-01-01T00:00:00Z') });
    const task = await newTask({ meta: 1, createdAt: new Date('2031-01-01T00:00:00Z') });
    expect((await nextOf(stream)).changes).toMatchObject([{ key: String(task.id) }]);
  });

  test('of a relation decides what is loaded and what is told', async () => {
    const task = await newTask();
    const where = { body: { like: 'loud%' } } as const;
    const stream = opened(
      rivulet.changes(tasks, { rows: task, with: { comments: { where, with: { author: true } } } }),
    );
    await db.insert(comments).values({ taskId: task.id, authorId: 1, body: 'quiet' });
    const [loud] = await db
      .insert(comments)
      .values({ taskId: task.id, authorId: 1, body: 'loud' })
      .returning();
    const { related } = await nextOf(stream);
    expect(related.comments.changes).toMatchObject([
      { kind: 'ENTER', key: String(loud!.id), node: { author: { id: 1 } } },
    ]);
    await db.update(comments).set({ body: 'calm' }).where(eq(comments.id, loud!.id));
    expect((await nextOf(stream)).related.comments).toMatchObject({
      changes: [{ kind: 'LEAVE', op: null }],
      links: [{ kind: 'LEAVE', parent: String(task.id), child: String(loud!.id) }],
    });
  });
});

describe('a subscription ends, and leaves nothing behind,', () => {
  test('when the loop is left', async () => {
    const stream = rivulet.changes(tasks, { with: { comments: true } });
    await newTask();
    for await (const { changes } of stream) {
      expect(changes).toHaveLength(1);
      break;
    }
    expect(rivulet.scopes.status()).toEqual(NOBODY);
  });

  test('when its signal aborts', async () => {
    const abort = new AbortController();
    const stream = rivulet.changes(tasks, { signal: abort.signal, with: { comments: true } });
    const waiting = stream.next();
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    abort.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(rivulet.scopes.status()).toEqual(NOBODY);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });

  test('when its signal has aborted before', async () => {
    const stream = rivulet.changes(tasks, { signal: AbortSignal.abort() });
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(rivulet.scopes.status()).toEqual(NOBODY);
  });

  test('with return(), even while a next() waits, and twice', async () => {
    const { signal } = new AbortController();
    const stream = rivulet.changes(tasks, { signal });
    const waiting = stream.next();
    await stream.return?.();
    await stream.return?.();
    expect(await waiting).toMatchObject({ done: true });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('when it is refused', async () => {
    const { signal } = new AbortController();
    const watched = await start({ ...rivuletConfig, watchers: [{ table: 'tasks' }] });
    try {
      expect(codeOf(() => watched.changes(users, { signal }))).toBe('TABLE_NOT_WATCHED');
      expect(codeOf(() => watched.changes(tasks, { signal, after: 'nonsense' }))).toBe('CURSOR_INVALID');
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      expect(watched.scopes.status()).toEqual(NOBODY);
    } finally {
      await watched.stop();
    }
  });

  test('with the Rivulet that it came from', async () => {
    const other = await start();
    const waiting = other.changes(tasks).next();
    const stopped = Promise.all([other.stop(), other.stop()]);
    expect(codeOf(() => other.changes(tasks))).toBe('RIVULET_STOPPED');
    expect(await waiting).toMatchObject({ done: true });
    await stopped;
    expect(codeOf(() => other.changes(tasks))).toBe('RIVULET_STOPPED');
    await expect(other.subscriptions()).rejects.toMatchObject({ code: 'RIVULET_STOPPED' });
  });
});

describe('a cursor', () => {
  test("of a message resumes after it, with another process's transactions in order", async () => {
    const stream = rivulet.changes(tasks, { with: { comments: true } });
    await newTask({ title: 'first' });
    const { cursor } = await nextOf(stream);
    await stream.return?.();
    const second = await newTask({ title: 'second' });
    await db.insert(comments).values({ taskId: second.id, authorId: 1, body: 'meanwhile' });
    await rivulet.feed.catchUp();
    const resumed = opened(rivulet.changes(tasks, { with: { comments: true }, after: cursor }));
    expect((await nextOf(resumed)).changes).toMatchObject([
      { kind: 'ENTER', node: { title: 'second', comments: [] } },
    ]);
    expect((await nextOf(resumed)).related.comments.changes).toMatchObject([{ node: { body: 'meanwhile' } }]);
  });

  test('of the snapshot in which rows were read starts right after them', async () => {
    await query("insert into tasks (project_id, title) values (1, 'just before')");
    const [row] = await query(
      "select pg_current_snapshot()::text, count(*)::text from tasks where title = 'just before'",
    );
    expect(row![1]).toBe('1');
    const after = rivulet.cursor(row![0]!);
    const stream = opened(rivulet.changes(tasks, { after }));
    await newTask({ title: 'just after' });
    expect((await nextOf(stream)).changes).toMatchObject([{ node: { title: 'just after' } }]);
    expect(codeOf(() => rivulet.cursor('nonsense'))).toBe('CURSOR_INVALID');
    const now = opened(rivulet.changes(tasks, { after: rivulet.cursor() }));
    await newTask({ title: 'later' });
    expect((await nextOf(now)).changes).toMatchObject([{ node: { title: 'later' } }]);
  });
});

describe('get', () => {
  /** The same scopes, on a database that counts what is asked of it. */
  function counting(): {
    readonly api: RivuletApi<typeof relations>;
    readonly asked: string[];
    fail: Error | null;
  } {
    const state = { asked: [] as string[], fail: null as Error | null };
    const counted: Database = {
      ...rivulet.database,
      query: async (statement) => {
        state.asked.push(statement.text);
        if (state.fail) throw state.fail;
        return rivulet.database.query(statement);
      },
    };
    const api = createApi<typeof relations>({
      model: rivulet.model,
      policies: rivuletConfig.policies as never,
      labels: [],
      database: counted,
      scopes: rivulet.scopes,
      feed: rivulet.feed,
      cursors: createCursorCodec('a secret of this test', 'an epoch'),
    });
    return Object.assign(state, { api });
  }

  test('reads what is asked in one turn in one statement a table, and each change once', async () => {
    const { api, asked } = counting();
    const stream = opened(api.changes(tasks));
    const other = opened(api.changes(tasks, { where: { projectId: 1 } }));
    const ofProjects = opened(api.changes(projects));
    await query(`with p as (insert into projects (name, owner_id) values ('p', 1))
      insert into tasks (project_id, title) select 1, 't' || n from generate_series(1, 50) n`);
    const all = await Promise.all([nextOf(stream), nextOf(other)]);
    const [project] = (await nextOf(ofProjects)).changes;
    const rows = await Promise.all(all.flatMap(({ changes }) => changes.map((change) => api.get(change))));
    const read = api.get(project!);
    expect(rows.map((row) => row!.title)).toEqual([...titles(50), ...titles(50)]);
    expect(rows[0]).toBe(rows[50]);
    expect(asked).toHaveLength(1);
    expect(await read).toMatchObject({ name: 'p' });
    expect(asked).toHaveLength(2);
    expect(await api.get(all[0]!.changes[3]!)).toBe(rows[3]);
    expect(asked).toHaveLength(2);
  });

  test('waits for all who go on in one turn, each in a loop of its own', async () => {
    const { api, asked } = counting();
    const listen = async (at: number) => {
      for await (const { changes } of opened(api.changes(tasks))) {
        for (let pause = 0; pause < at; pause++) await null;
        return api.get(changes[at]!);
      }
      return null;
    };
    const rows = Promise.all([listen(0), listen(3), listen(6), listen(6)]);
    await query("insert into tasks (project_id, title) select 1, 't' || n from generate_series(1, 7) n");
    expect((await rows).map((row) => row!.title)).toEqual(['t1', 't4', 't7', 't7']);
    expect(asked).toHaveLength(1);
  });

  test('gives null for a row that is gone, and the row of now for one that left', async () => {
    const stream = opened(rivulet.changes(tasks, { where: { status: 'todo' } }));
    const task = await newTask();
    await nextOf(stream);
    await db.update(tasks).set({ status: 'done' }).where(eq(tasks.id, task.id));
    const [left] = (await nextOf(stream)).changes;
    expect(await rivulet.get(left!)).toEqual(await db.query.tasks.findFirst({ where: { id: task.id } }));
    await db.update(tasks).set({ status: 'todo' }).where(eq(tasks.id, task.id));
    await nextOf(stream);
    await db.delete(tasks).where(eq(tasks.id, task.id));
    const [deleted] = (await nextOf(stream)).changes;
    expect(await rivulet.get(deleted!)).toBeNull();
  });

  test('that failed is tried again when somebody asks again', async () => {
    const counted = counting();
    const stream = opened(counted.api.changes(tasks));
    await newTask();
    const [change] = (await nextOf(stream)).changes;
    counted.fail = new Error('away');
    await expect(Promise.all([counted.api.get(change!), counted.api.get(change!)])).rejects.toThrow('away');
    counted.fail = null;
    expect(await counted.api.get(change!)).toMatchObject({ title: 'a task' });
  });

  test('refuses what is no change', async () => {
    const get = rivulet.get as (change: unknown) => Promise<unknown>;
    await expect(get({ kind: 'ENTER', key: '1' })).rejects.toMatchObject({ code: 'CHANGES_INVALID' });
  });
});

describe('subscriptions', () => {
  test('lists change streams and live queries, as plain data', async () => {
    opened(
      rivulet.changes(tasks, {
        where: {
          OR: [{ status: { in: ['todo', 'done'] } }, { NOT: { title: { ilike: 'a%' } } }],
          project: { archived: false },
        },
        ops: ['UPDATE'],
        columns: ['title'],
        with: { comments: { author: true } },
      }),
    );
    opened(
      rivulet.scopes.live({
        table: rivulet.model.table('users'),
        filter: { kind: 'const', value: true },
        orderBy: [],
        limit: null,
        offset: 0,
        related: [],
      }),
    );
    await waitFor('both are live', isLive);
    const listed = await rivulet.subscriptions();
    expect(structuredClone(listed)).toEqual([
      {
        kind: 'changes',
        table: 'tasks',
        where: {
          AND: [
            { OR: [{ status: { in: ['done', 'todo'] } }, { NOT: { title: { ilike: 'a%' } } }] },
            { project: { archived: { eq: false } } },
          ],
        },
        ops: ['UPDATE'],
        columns: ['title'],
        with: { comments: { author: {} } },
        subscribers: 1,
        state: 'live',
      },
      {
        kind: 'query',
        table: 'users',
        where: true,
        ops: null,
        columns: null,
        with: {},
        subscribers: 1,
        state: 'live',
      },
    ]);
  });

  test('of a row are those that hold it, themselves or below, or would tell of it', async () => {
    const task = await newTask({ title: 'looked for' });
    const [comment] = await db
      .insert(comments)
      .values({ taskId: task.id, authorId: 2, body: 'x' })
      .returning();
    await rivulet.feed.catchUp();
    opened(rivulet.changes(tasks, { where: { title: 'looked for' } }));
    opened(rivulet.changes(tasks, { where: { title: 'another' } }));
    opened(rivulet.changes(tasks, { rows: task, columns: ['status'] }));
    opened(rivulet.changes(projects, { rows: 1, with: { tasks: { comments: true } } }));
    opened(rivulet.changes(projects, { rows: 2, with: { tasks: true } }));
    await waitFor('all are live', isLive);
    const wheres = async (...args: Parameters<typeof rivulet.subscriptions>) =>
      (await rivulet.subscriptions(...args)).map(({ table, where }) => [table, where]);
    const byRows = ['tasks', { id: { eq: task.id } }];
    const byTitle = ['tasks', { title: { eq: 'looked for' } }];
    const above = ['projects', { id: { eq: 1 } }];
    expect(await wheres(tasks, task)).toEqual([byTitle, byRows, above]);
    expect(await wheres(comments, comment)).toEqual([above]);
    expect(await wheres(tasks)).toHaveLength(5);
    expect(await wheres('moved')).toEqual([byRows]);
    expect(await wheres(users)).toEqual([]);
    await db.delete(tasks).where(eq(tasks.id, task.id));
    await waitFor('it is gone', async () => (await wheres(tasks, task)).length === 1);
    expect(await wheres(tasks, task)).toEqual([byRows]);
  });
});

test.each<readonly [string, () => unknown, string]>([
  ['a table of another schema', () => rivulet.changes({} as typeof tasks), 'CHANGES_INVALID'],
  ['rows without their key', () => rivulet.changes(tasks, { rows: { title: 'a' } }), 'CHANGES_INVALID'],
  ['a key that cannot be one', () => rivulet.changes(tasks, { rows: 'x' }), 'KEY_INVALID'],
  ['inserts of given rows', () => rivulet.changes(tasks, { rows: 1, ops: ['INSERT'] }), 'CHANGES_INVALID'],
  ['no operation at all', () => rivulet.changes(tasks, { ops: [] }), 'CHANGES_INVALID'],
  [
    'an operation that is none',
    () => rivulet.changes(tasks, { ops: ['TRUNCATE' as 'DELETE'] }),
    'CHANGES_INVALID',
  ],
  ['no column at all', () => rivulet.changes(tasks, { columns: [] }), 'CHANGES_INVALID'],
  [
    'a column that a label does not count',
    () => rivulet.changes('moved', { columns: ['title'] }),
    'CHANGES_INVALID',
  ],
  [
    'relations beside `where`',
    () => rivulet.changes('moved', { with: { comments: { where: {}, author: true } } }),
    'CHANGES_INVALID',
  ],
  [
    'a relation of a plain table',
    () => rivulet.changes('audit', { with: { tasks: true } }),
    'CHANGES_UNKNOWN_RELATION',
  ],
  ['options that are no object', () => rivulet.changes(tasks, null as never), 'CHANGES_INVALID'],
])('%s is refused at once, with a code', (_what, work, code) => {
  expect(codeOf(work)).toBe(code);
});

test('options of `changes` are refused with all their problems at once', () => {
  const options = { wher: {}, ops: 'INSERT', columns: [1], after: 5, signal: {}, with: [], where: 'x' };
  expect(() => rivulet.changes(tasks, options as never)).toThrow(
    expect.objectContaining({
      code: 'CHANGES_INVALID',
      details: {
        problems: [
          expect.stringMatching(/^wher: there is no such option; there are where, with/),
          'ops: must be a list, not a string',
          'columns[0]: must be a string, not 1',
          'after: must be a string, not 5',
          'signal: must be an AbortSignal, not an object',
          'with: must be an object, not a list',
          'where: must be an object, not "x"',
        ],
      },
    }),
  );
});

function titles(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `t${n + 1}`);
}
