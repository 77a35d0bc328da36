import { defineRelations, sql } from 'drizzle-orm';
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { graphql } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import { buildSchema } from '../../src/graphql/build-schema.js';
import { readModel } from '../../src/model/read.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import type { Policies } from '../../src/policy/rules.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

const database = await createDatabase({
  setup: `
    create table rooms (id integer primary key, name text);
    create table seats (room_id integer references rooms, user_id integer, grade integer, primary key (room_id, user_id));
    create table notes (
      id integer primary key, room_id integer references rooms, slug text unique, body text check (body <> 'bad'),
      size integer generated always as (length(body)) stored, shout text generated always as (upper(body)) virtual
    );
    create table logs (day integer, room_id integer, line text, primary key (day, room_id)) partition by list (day);
    create table logs_1 partition of logs for values in (1);
    create table logs_2 partition of logs for values in (2);
    create table heard (line text);
    create function moved() returns trigger language plpgsql as
      $$ begin if new.body = 'move me' then new.room_id = 2; end if; return new; end $$;
    create trigger moved before insert or update on notes for each row execute function moved();
    create function hear() returns trigger language plpgsql as
      $$ begin
        insert into heard values (new.body);
        if new.body = 'fail late' then raise exception 'secret of room %', new.room_id; end if;
        return null;
      end $$;
    create trigger hear after insert or update on notes for each row execute function hear();
    create function elsewhere() returns trigger language plpgsql as
      $$ begin
        if new.body = 'elsewhere' then insert into heard values (new.body); return null; end if;
        return new;
      end $$;
    create trigger a_elsewhere before insert on notes for each row execute function elsewhere();
  `,
});
const { db } = database;

beforeEach(() =>
  database.script(`
    truncate rooms, seats, notes, logs, heard cascade;
    insert into rooms values (1, 'mine'), (2, 'not mine'), (3, 'shared');
    insert into seats values (1, 7, 2), (3, 7, 1);
    insert into notes values (1, 1, 'first', 'one'), (2, 2, 'hidden', 'two'), (3, 3, 'third', 'three');
    insert into logs values (1, 1, 'a'), (1, 3, 'b');
    truncate heard;
  `),
);

const rooms = pgTable('rooms', { id: integer('id').primaryKey(), name: text('name') });
const seats = pgTable(
  'seats',
  { roomId: integer('room_id'), userId: integer('user_id'), grade: integer('grade') },
  (table) => [primaryKey({ columns: [table.roomId, table.userId] })],
);
const notes = pgTable('notes', {
  id: integer('id').primaryKey(),
  roomId: integer('room_id'),
  slug: text('slug'),
  body: text('body'),
  size: integer('size').generatedAlwaysAs(sql`length(body)`),
  shout: text('shout').generatedAlwaysAs(sql`upper(body)`),
});
const logs = pgTable(
  'logs',
  { day: integer('day'), roomId: integer('room_id'), line: text('line') },
  (table) => [primaryKey({ columns: [table.day, table.roomId] })],
);
const relations = defineRelations({ rooms, seats, notes, logs }, (r) => ({
  seats: { room: r.one.rooms({ from: r.seats.roomId, to: r.rooms.id }) },
  notes: { room: r.one.rooms({ from: r.notes.roomId, to: r.rooms.id }) },
  logs: { room: r.one.rooms({ from: r.logs.roomId, to: r.rooms.id }) },
  rooms: {
    seats: r.many.seats({ from: r.rooms.id, to: r.seats.roomId }),
    logs: r.many.logs({ from: r.rooms.id, to: r.logs.roomId }),
  },
}));
const model = readModel(relations);

const seated = { room: { seats: { userId: 7 } } };
const ruling: Policies = {
  rooms: { read: true },
  seats: { read: true, insert: { room: { seats: { userId: 7, grade: 2 } } } },
  notes: {
    read: true,
    insert: seated,
    update: { check: seated, columns: ['id', 'roomId', 'slug', 'body'] },
    delete: seated,
  },
  logs: {
    read: true,
    insert: { room: { logs: { line: 'a' } } },
    update: { check: { room: { logs: { line: 'a' } } }, columns: ['roomId', 'line'] },
  },
};

interface Answer {
  readonly data: unknown;
  readonly code?: unknown;
  readonly text: string;
}

async function run(mutation: string, policies: Policies = ruling): Promise<Answer> {
  const schema = buildSchema({ model, policies, limits: {} });
  const contextValue = { database: db, rights: resolveRights(model, policies, {}), user: {} };
  const answer = await graphql({ schema, source: `mutation { ${mutation} }`, contextValue });
  const error = answer.errors?.[0];
  return {
    data: JSON.parse(JSON.stringify(answer.data ?? null)),
    ...(error && { code: error.extensions.code ?? error.message }),
    text: JSON.stringify(answer),
  };
}

const codeOf = async (mutation: string, policies?: Policies) => (await run(mutation, policies)).code;
const rows = (text: string) => database.query(text);
const note = (values: string) => `createNote(values: { ${values} }) { id }`;

describe('T33: the row that a policy decides on', () => {
  test('is the one that a BEFORE trigger makes of it', async () => {
    expect(await codeOf(note('id: 9, roomId: 1, body: "move me"'))).toBe('WRITE_FORBIDDEN');
    expect(await codeOf('updateNote(id: 1, set: { body: "move me" }) { id }')).toBe('WRITE_FORBIDDEN');
    expect(await rows("select 1::text from notes where body = 'move me'")).toEqual([]);
  });

  test('has its generated columns, stored and virtual', async () => {
    const policies: Policies = {
      ...ruling,
      notes: { read: true, insert: { size: 3, shout: 'NEW' }, update: { size: { lte: 5 } } },
    };
    expect((await run(note('id: 9, body: "new"'), policies)).data).toEqual({ createNote: { id: '9' } });
    expect(await codeOf(note('id: 10, body: "old"'), policies)).toBe('WRITE_FORBIDDEN');
    expect(await codeOf('updateNote(id: 1, set: { body: "longer" }) { id }', policies)).toBe(
      'WRITE_FORBIDDEN',
    );
  });

  test('may be in a partition, and move to another', async () => {
    expect(await codeOf('createLog(values: { day: 2, roomId: 1, line: "a" }) { id }')).toBeUndefined();
    expect(await codeOf('createLog(values: { day: 1, roomId: 2, line: "a" }) { id }')).toBe(
      'WRITE_FORBIDDEN',
    );
    expect(await codeOf('updateLog(id: "1:1", set: { roomId: 3 }) { id }')).toBe('WRITE_FORBIDDEN');
    expect(await rows('select row(day, room_id)::text from logs order by 1')).toEqual([
      ['(1,1)'],
      ['(1,3)'],
      ['(2,1)'],
    ]);
  });

  test('is refused where a trigger put it elsewhere', async () => {
    expect(await codeOf(note('id: 9, roomId: 1, body: "elsewhere"'))).toBe('WRITE_FORBIDDEN');
    expect(await rows('select line::text from heard')).toEqual([]);
  });
});

describe('T33: what is refused', () => {
  test('leaves nothing behind, and no AFTER trigger saw it', async () => {
    expect(await codeOf(note('id: 9, roomId: 2, body: "x"'))).toBe('WRITE_FORBIDDEN');
    expect(await codeOf(note('id: 9, roomId: 2, body: "fail late"'))).toBe('WRITE_FORBIDDEN');
    expect(await rows('select line::text from heard')).toEqual([]);
    expect(await rows('select id::text from notes order by id')).toEqual([['1'], ['2'], ['3']]);
  });

  test.each([
    ['a taken key', 'id: 2, roomId: 2'],
    ['a taken value', 'id: 9, roomId: 2, slug: "first"'],
    ['a missing parent', 'id: 9, roomId: 99'],
    ['a broken rule', 'id: 9, roomId: 2, body: "bad"'],
    ['nothing else', 'id: 9, roomId: 2'],
  ])('is refused alike with %s', async (_name, values) => {
    const plain = await run(note('id: 10, roomId: 2'));
    expect(plain.code).toBe('WRITE_FORBIDDEN');
    expect((await run(note(values))).text).toBe(plain.text);
    const batch = await run(`createNotes(values: [{ id: 11, roomId: 1 }, { ${values} }]) { id }`);
    expect(batch.code).toBe('WRITE_FORBIDDEN');
  });

  test.each([
    ['a taken value', 'roomId: 2, slug: "hidden"'],
    ['a missing parent', 'roomId: 99'],
    ['a taken key', 'roomId: 2, id: 2'],
  ])('of an update is refused alike with %s', async (_name, set) => {
    const plain = await run('updateNote(id: 1, set: { roomId: 2 }) { id }');
    expect(plain.code).toBe('WRITE_FORBIDDEN');
    expect((await run(`updateNote(id: 1, set: { ${set} }) { id }`)).text).toBe(plain.text);
  });

  test('is refused with a taken value where the policy reads what only the database fills in', async () => {
    const policies: Policies = { ...ruling, notes: { read: true, insert: { NOT: { size: 3 } } } };
    expect(await codeOf(note('id: 9, slug: "first", body: "abc"'), policies)).toBe('WRITE_FORBIDDEN');
    expect(await codeOf(note('id: 9, slug: "new", body: "abc"'), policies)).toBe('WRITE_FORBIDDEN');
  });
});

test('T33: who may write a row like this hears of the constraint', async () => {
  expect(await codeOf(note('id: 2, roomId: 1'))).toBe('CONSTRAINT_UNIQUE');
  expect(await codeOf(note('id: 9, roomId: 1, body: "bad"'))).toBe('CONSTRAINT_CHECK');
  expect(await codeOf('updateNote(id: 1, set: { slug: "hidden" }) { id }')).toBe('CONSTRAINT_UNIQUE');
});

describe('T33: an update that waits for a lock', () => {
  const late = 'updateNote(id: 1, set: { body: "late" }) { id }';

  async function meanwhile(change: string): Promise<Answer> {
    const other = database.connect({ max: 1 });
    let answer: Promise<Answer> | undefined;
    await other.transaction(async (tx) => {
      await tx.script(change);
      answer = run(late);
      await waitFor('the update waits for the lock', async () => {
        const waiting = await rows(
          "select 1::text from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        );
        return waiting.length > 0;
      });
    });
    return answer!;
  }

  test('evaluates its policy on the version that it updates', async () => {
    expect((await meanwhile('update notes set room_id = 2 where id = 1')).data).toEqual({ updateNote: null });
  });

  test('and on the rights as they are then: a row that comes with a withdrawn right stays as it is', async () => {
    const change = 'delete from seats where room_id = 3; update notes set room_id = 3 where id = 1';
    expect((await meanwhile(change)).data).toEqual({ updateNote: null });
    expect(await rows('select body::text from notes where id = 1')).toEqual([['one']]);
  });
});
