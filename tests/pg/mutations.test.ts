import { defineRelations, sql } from 'drizzle-orm';
import { bigint, integer, numeric, pgTable, primaryKey, text, timestamp, varchar } from 'drizzle-orm/pg-core';
import { type ExecutionResult, graphql } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import { buildSchema } from '../../src/graphql/build-schema.js';
import type { RivuletContext } from '../../src/graphql/execute/context.js';
import type { QueryLimits } from '../../src/graphql/schema/query-limits.js';
import { readModel } from '../../src/model/read.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import type { Policies } from '../../src/policy/rules.js';
import { createDatabase } from '../support/database.js';
import { examplePolicies, exampleTables, exampleModel as model } from '../support/example.js';
import { waitFor } from '../support/wait-for.js';

const tables = `${exampleTables()};
  create table notes (
    scope text, nr bigint, slug varchar(5) unique, rating numeric(4, 1) check (rating < 100), by_user integer,
    double_nr bigint generated always as (nr * 2) stored, created text, updated timestamptz, hushed text,
    primary key (scope, nr)
  );
  create table tallies (id integer primary key generated always as identity);
  create function shout() returns trigger language plpgsql as
    $$ begin new.hushed = coalesce(new.hushed, 'from trigger'); return new; end $$;
  create trigger shout before insert on notes for each row execute function shout();
`;
const database = await createDatabase({ setup: tables });
const { db } = database;

beforeEach(async () => {
  await database.script(`
    truncate users, projects, notes, tallies restart identity cascade;
    insert into users (name, email) values ('ada', 'a@x'), ('grace', 'g@x'), ('alan', 'l@x');
    insert into projects (name, owner_id) values ('one', 1), ('two', 2);
    insert into members (project_id, user_id, role) values (1, 1, 'owner'), (1, 3, 'viewer'), (2, 2, 'owner'), (2, 1, 'viewer');
    insert into tasks (project_id, title, priority) select 1 + n / 4, 'task ' || n, n from generate_series(1, 6) n;
    insert into labels (project_id, name) values (1, 'bug');
    insert into comments (task_id, author_id, body) values (1, 1, 'mine'), (1, 3, 'not mine');
  `);
});

const notes = pgTable(
  'notes',
  {
    scope: text('scope').$default(() => 'made'),
    nr: bigint('nr', { mode: 'bigint' }).$defaultFn(() => 9007199254740993n),
    slug: varchar('slug', { length: 5 }),
    rating: numeric('rating', { precision: 4, scale: 1 }),
    byUser: integer('by_user'),
    doubleNr: bigint('double_nr', { mode: 'bigint' }).generatedAlwaysAs(sql`nr * 2`),
    created: text('created').default('unused in Drizzle'),
    updated: timestamp('updated', { withTimezone: true }).$onUpdate(
      () => new Date('2026-01-02T03:04:05.678Z'),
    ),
    hushed: text('hushed'),
  },
  (table) => [primaryKey({ columns: [table.scope, table.nr] })],
);
const tallies = pgTable('tallies', { id: integer('id').primaryKey().generatedAlwaysAsIdentity() });
const notesRelations = defineRelations({ notes, tallies });
const notesModel = readModel(notesRelations);
const openNotes: Policies<{ userId: number }> = {
  notes: {
    read: { OR: [{ byUser: { isNull: true } }, { byUser: { ne: 13 } }] },
    insert: true,
    update: {
      check: { OR: [{ rating: { isNull: true } }, { rating: { lt: '50' } }] },
      columns: ['scope', 'nr', 'slug', 'rating', 'byUser'],
    },
    delete: ({ userId }) => ({ byUser: userId }),
    columns: { hushed: { write: false }, created: { write: ({ userId }) => userId === 1 } },
  },
};

type Json = ReturnType<typeof JSON.parse>;

interface RunOptions {
  readonly policies?: Policies;
  readonly limits?: Partial<QueryLimits>;
  readonly mutationId?: string;
}

async function run(userId: number | null, body: string, options: RunOptions = {}): Promise<ExecutionResult> {
  const isNotes = options.policies?.notes !== undefined;
  const policies = options.policies ?? examplePolicies;
  const schema = buildSchema({ model: isNotes ? notesModel : model, policies, limits: options.limits ?? {} });
  const contextValue: RivuletContext = {
    database: db,
    rights: resolveRights(isNotes ? notesModel : model, policies, { userId }),
    user: { userId },
    mutationId: options.mutationId ?? null,
  };
  return graphql({ schema, source: `mutation { ${body} }`, contextValue });
}

async function ask(userId: number | null, body: string, options: RunOptions = {}): Promise<Json> {
  const result = await run(userId, body, options);
  expect(result.errors).toBeUndefined();
  return JSON.parse(JSON.stringify(result.data));
}

async function failure(userId: number | null, body: string, options: RunOptions = {}): Promise<Json> {
  const { errors } = await run(userId, body, options);
  expect(errors).toHaveLength(1);
  return { message: errors?.[0]?.message, ...errors?.[0]?.extensions };
}

const rows = (text: string) => database.query(text);
const taskCount = async () => Number((await rows('select count(*)::text from tasks'))[0]?.[0]);
const asNotes = { policies: openNotes };

describe('an insert', () => {
  test('answers the new row with its relations', async () => {
    const { createTask } = await ask(
      1,
      'createTask(values: { projectId: 1, title: "new", meta: { a: [1, null] }, estimate: "1.5", dueOn: "2026-02-03" }) { id title status meta estimate dueOn project { name } }',
    );
    expect(createTask).toEqual({
      id: '7',
      title: 'new',
      status: 'todo',
      meta: { a: [1, null] },
      estimate: '1.50',
      dueOn: '2026-02-03',
      project: { name: 'one' },
    });
  });

  test('of several rows keeps their order and gives each its own defaults', async () => {
    const { createTasks } = await ask(
      1,
      'createTasks(values: [{ projectId: 1, title: "b", status: done }, { projectId: 1, title: "a" }, { projectId: 1, title: "c", priority: 5 }]) { title status priority }',
    );
    expect(createTasks).toEqual([
      { title: 'b', status: 'done', priority: 0 },
      { title: 'a', status: 'todo', priority: 0 },
      { title: 'c', status: 'todo', priority: 5 },
    ]);
    expect(await ask(1, 'createTasks(values: []) { id }')).toEqual({ createTasks: [] });
  });

  test('that the policy does not allow writes nothing', async () => {
    const source = (projectId: number) =>
      `createTask(values: { projectId: ${projectId}, title: "x" }) { id }`;
    for (const userId of [null, 3]) {
      expect((await failure(userId, source(1))).code).toBe('WRITE_FORBIDDEN');
    }
    expect((await failure(1, source(2))).code).toBe('WRITE_FORBIDDEN');
    const both = 'createTasks(values: [{ projectId: 1, title: "x" }, { projectId: 2, title: "y" }]) { id }';
    expect((await failure(1, both)).code).toBe('WRITE_FORBIDDEN');
    expect(await taskCount()).toBe(6);
  });

  test('does not tell a row that is not there from one that is not yours', async () => {
    const source = (projectId: number) =>
      `createTask(values: { projectId: ${projectId}, title: "x" }) { id }`;
    expect(await failure(3, source(999))).toEqual(await failure(3, source(2)));
    const move = (projectId: number) => `updateTask(id: 1, set: { projectId: ${projectId} }) { id }`;
    expect(await failure(1, move(999))).toEqual(await failure(1, move(2)));
  });

  test('that could not be read back is refused', async () => {
    expect((await failure(1, 'createNote(values: { nr: "1", byUser: 13 }) { nr }', asNotes)).code).toBe(
      'WRITE_FORBIDDEN',
    );
    expect(await rows('select 1::text from notes')).toEqual([]);
  });

  test('fills in what Drizzle would, and answers what triggers and the database made of it', async () => {
    const { createNote } = await ask(
      1,
      'createNote(values: { rating: "1.25" }) { id scope nr doubleNr rating created updated hushed }',
      asNotes,
    );
    expect(createNote).toEqual({
      id: 'made:9007199254740993',
      scope: 'made',
      nr: '9007199254740993',
      doubleNr: '18014398509481986',
      rating: '1.3',
      created: null,
      updated: '2026-01-02T03:04:05.678Z',
      hushed: 'from trigger',
    });
  });

  test('of a column that may not be written is refused', async () => {
    const source = 'createNote(values: { created: "x" }) { id }';
    expect((await failure(2, source, asNotes)).code).toBe('COLUMN_FORBIDDEN');
    expect((await ask(1, source, asNotes)).createNote.id).toBe('made:9007199254740993');
    expect((await failure(1, 'createNote(values: { hushed: "x" }) { id }', asNotes)).message).toContain(
      'hushed',
    );
  });

  test('with a selection that is refused writes nothing', async () => {
    const policies: Policies = {
      tasks: { read: true, insert: true, columns: { meta: { read: () => false } } },
    };
    const source = 'createTask(values: { projectId: 1, title: "x" }) { id meta }';
    expect((await failure(1, source, { policies })).code).toBe('COLUMN_FORBIDDEN');
    expect(await taskCount()).toBe(6);
  });
});

describe('an update', () => {
  test('answers the row as it is then, and null where there is none that may be updated', async () => {
    const set = 'set: { title: "changed", assigneeId: 3, description: null }';
    const answer = await ask(
      1,
      `a: updateTask(id: 1, ${set}) { title assignee { name } } b: updateTask(id: 4, ${set}) { id } c: updateTask(id: 99, ${set}) { id }`,
    );
    expect(answer).toEqual({ a: { title: 'changed', assignee: { name: 'alan' } }, b: null, c: null });
    expect(await ask(3, `updateTask(id: 1, ${set}) { id }`)).toEqual({ updateTask: null });
    expect(await rows("select id::text from tasks where title = 'changed'")).toEqual([['1']]);
  });

  test('of many changes those that may be updated, within the client’s filter', async () => {
    const { updateTasks } = await ask(
      1,
      'updateTasks(where: { priority: { gte: 2 } }, set: { status: done }) { id status }',
    );
    expect(updateTasks).toEqual([
      { id: '2', status: 'done' },
      { id: '3', status: 'done' },
    ]);
  });

  test('sets what Drizzle would on update, but only where something is updated', async () => {
    await ask(1, 'createNote(values: { nr: "1" }) { id }', asNotes);
    await database.script('update notes set updated = null');
    const empty = await ask(1, 'updateNote(id: "made:1", set: {}) { nr updated }', asNotes);
    expect(empty.updateNote).toEqual({ nr: '1', updated: null });
    const { updateNote } = await ask(1, 'updateNote(id: "made:1", set: { slug: "s" }) { updated }', asNotes);
    expect(updateNote.updated).toBe('2026-01-02T03:04:05.678Z');
  });

  test('must satisfy the policy before and after', async () => {
    expect((await failure(1, 'updateTask(id: 1, set: { projectId: 2 }) { id }')).code).toBe(
      'WRITE_FORBIDDEN',
    );
    expect((await failure(1, 'updateTasks(where: {}, set: { projectId: 2 }) { id }')).code).toBe(
      'WRITE_FORBIDDEN',
    );
    expect(await rows('select count(*)::text from tasks where project_id = 1')).toEqual([['3']]);
    await ask(
      1,
      'createNotes(values: [{ nr: "1", rating: "1" }, { nr: "2", rating: "60" }]) { id }',
      asNotes,
    );
    expect((await failure(1, 'updateNote(id: "made:1", set: { rating: "70" }) { id }', asNotes)).code).toBe(
      'WRITE_FORBIDDEN',
    );
    expect(await ask(1, 'updateNote(id: "made:2", set: { rating: "1" }) { id }', asNotes)).toEqual({
      updateNote: null,
    });
  });

  test('that takes the row out of sight is done, and answers null', async () => {
    await ask(1, 'createNote(values: { nr: "1" }) { id }', asNotes);
    const answer = await ask(1, 'updateNote(id: "made:1", set: { byUser: 13 }) { id }', asNotes);
    expect(answer).toEqual({ updateNote: null });
    expect(await rows('select by_user::text from notes')).toEqual([['13']]);
    expect(await ask(1, 'updateNote(id: "made:1", set: { byUser: 1 }) { id }', asNotes)).toEqual({
      updateNote: null,
    });
    expect(await rows('select by_user::text from notes')).toEqual([['13']]);
  });

  test('of a key answers the row under its new key', async () => {
    await ask(1, 'createNote(values: { nr: "1" }) { id }', asNotes);
    const { updateNote } = await ask(
      1,
      'updateNote(id: "made:1", set: { scope: "a:b", nr: "-2" }) { id doubleNr }',
      asNotes,
    );
    expect(updateNote).toEqual({ id: 'a%3Ab:-2', doubleNr: '-4' });
  });

  test('waits for a row that another transaction changes, and judges it as it is then', async () => {
    const other = database.connect({ max: 1 });
    let answer: Promise<Json> | undefined;
    await other.transaction(async (tx) => {
      await tx.query({ text: 'update tasks set project_id = 2 where id = 1', params: [] });
      answer = ask(1, 'updateTask(id: 1, set: { title: "late" }) { id }');
      await waitFor('the update waits for the lock', async () => {
        const waiting = await rows(
          "select 1::text from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        );
        return waiting.length > 0;
      });
    });
    expect(await answer).toEqual({ updateTask: null });
    expect(await rows('select title::text from tasks where id = 1')).toEqual([['task 1']]);
  });
});

describe('a delete', () => {
  test('answers the row as it was, with its relations', async () => {
    const { deleteTask } = await ask(1, 'deleteTask(id: 1) { id title comments { body } }');
    expect(deleteTask).toEqual({
      id: '1',
      title: 'task 1',
      comments: [{ body: 'mine' }, { body: 'not mine' }],
    });
    expect(await rows('select 1::text from tasks where id = 1')).toEqual([]);
    expect(await ask(1, 'deleteTask(id: 1) { id }')).toEqual({ deleteTask: null });
  });

  test('deletes nothing that the policy does not allow', async () => {
    expect(await ask(1, 'a: deleteTask(id: 4) { id } b: deleteComments(where: {}) { body }')).toEqual({
      a: null,
      b: [{ body: 'mine' }],
    });
    expect(await ask(null, 'deleteTasks(where: {}) { id }')).toEqual({ deleteTasks: [] });
    expect(await taskCount()).toBe(6);
  });
});

describe('a bulk write', () => {
  test('of too many rows is refused and undone', async () => {
    const limits = { limits: { maxWrites: 2 } };
    const three = Array(3).fill('{ projectId: 1, title: "x" }').join(', ');
    expect((await failure(1, `createTasks(values: [${three}]) { id }`, limits)).code).toBe('WRITE_TOO_LARGE');
    expect((await failure(1, 'updateTasks(where: {}, set: { title: "x" }) { id }', limits)).code).toBe(
      'WRITE_TOO_LARGE',
    );
    expect((await failure(1, 'deleteTasks(where: {}) { id }', limits)).code).toBe('WRITE_TOO_LARGE');
    expect(await rows("select count(*)::text from tasks where title <> 'x'")).toEqual([['6']]);
    expect(
      (await ask(1, 'deleteTasks(where: { priority: { lt: 3 } }) { id }', limits)).deleteTasks,
    ).toHaveLength(2);
  });
});

describe('a write with more values than a statement can have', () => {
  test('is refused', async () => {
    const policies: Policies = { notes: { read: true, insert: true } };
    const values = Array.from(
      { length: 20_000 },
      (_, n) => `{ scope: "s${n}", nr: "${n}", byUser: ${n + 100_000}, created: "c${n}" }`,
    );
    const options = { policies, limits: { maxWrites: 20_000, maxRows: 20_000 } };
    const result = await failure(1, `createNotes(values: [${values.join(', ')}]) { nr }`, options);
    expect(result.code).toBe('WRITE_TOO_LARGE');
  });
});

describe('a write of one row', () => {
  test('may select as much below it as a query of one row', async () => {
    const selection = '{ comments { author { assignedTasks { comments { id } } } } }';
    await ask(1, `a: updateTask(id: 1, set: { title: "x" }) ${selection} b: deleteTask(id: 1) ${selection}`);
  });
});

describe('a violated constraint', () => {
  test.each([
    ['createNotes(values: [{ nr: "1", slug: "a" }, { nr: "2", slug: "a" }]) { id }', 'CONSTRAINT_UNIQUE'],
    ['createNotes(values: [{ nr: "1" }, { nr: "1" }]) { id }', 'CONSTRAINT_UNIQUE'],
    ['createNote(values: { rating: "500" }) { id }', 'CONSTRAINT_CHECK'],
  ])('is a coded error that does not name it: %s', async (source, code) => {
    const error = await failure(1, source, asNotes);
    expect(error).toMatchObject({ code });
    expect(JSON.stringify(error)).not.toMatch(/_key|_pkey|_check/);
    expect(await rows('select 1::text from notes')).toEqual([]);
  });

  test('of a foreign key, a value that is missing, too long or too large are coded errors too', async () => {
    const missing = await failure(1, 'updateTask(id: 1, set: { title: null }) { id }');
    expect(missing).toMatchObject({ code: 'CONSTRAINT_NOT_NULL', field: 'title' });
    const reference = await failure(1, 'updateTask(id: 1, set: { assigneeId: 99 }) { id }');
    expect(reference).toMatchObject({ code: 'CONSTRAINT_FOREIGN_KEY' });
    expect((await failure(1, 'createNote(values: { slug: "too long" }) { id }', asNotes)).code).toBe(
      'VALUE_TOO_LONG',
    );
    expect((await failure(1, 'createNote(values: { rating: "12345" }) { id }', asNotes)).code).toBe(
      'VALUE_OUT_OF_RANGE',
    );
    expect((await failure(1, 'updateTask(id: 1, set: { projectId: "x" }) { id }')).code).toBe(
      'VALUE_INVALID',
    );
  });

  test('in one field leaves the other fields’ transactions alone', async () => {
    const { data, errors } = await run(
      1,
      'a: updateTask(id: 1, set: { title: "first" }) { title } b: updateTask(id: 2, set: { title: null }) { title } c: updateTask(id: 3, set: { title: "third" }) { title }',
    );
    expect(errors).toHaveLength(1);
    expect(data).toMatchObject({ a: { title: 'first' }, b: null, c: { title: 'third' } });
  });
});

describe('hostile values', () => {
  const hostile = [
    `'; drop table tasks; --`,
    '$1',
    '\\',
    '"',
    `${'x'.repeat(5000)}`,
    '{}',
    'null',
    '\u2028',
    '%s',
  ];
  test.each(hostile)('are stored as they are: %j', async (title) => {
    const { createTask } = await ask(
      1,
      `createTask(values: { projectId: 1, title: ${JSON.stringify(title)} }) { title }`,
    );
    expect(createTask.title).toBe(title);
  });

  test('that cannot be stored are coded errors', async () => {
    const source = `createTask(values: { projectId: 1, title: "a\\u0000b" }) { title }`;
    expect((await failure(1, source)).code).toBe('VALUE_INVALID');
  });
});

describe('the mutation id', () => {
  test('is set for the transaction of the write, and for no other', async () => {
    await database.script(`
      create table seen (id text);
      create function see() returns trigger language plpgsql as
        $$ begin insert into seen values (current_setting('rivulet.mutation_id', true)); return null; end $$;
      create trigger see after insert or update or delete on tasks for each statement execute function see();
    `);
    const id = `it's "mine"`;
    await ask(
      1,
      'createTask(values: { projectId: 1, title: "x" }) { id } updateTask(id: 1, set: { title: "y" }) { id } deleteTask(id: 1) { id }',
      { mutationId: id },
    );
    await Promise.all(
      Array.from({ length: 8 }, () => ask(1, 'updateTask(id: 2, set: { title: "z" }) { id }')),
    );
    const seen = (await rows('select id::text from seen')).map(([value]) => value);
    expect(seen.slice(0, 3)).toEqual([id, id, id]);
    expect(seen).toHaveLength(11);
    for (const value of seen.slice(3)) expect(value || null).toBeNull();
    await database.script('drop trigger see on tasks');
  });
});
