import { defineRelations } from 'drizzle-orm';
import { customType, integer, numeric, pgTable, text, varchar } from 'drizzle-orm/pg-core';
import { createClient } from 'graphql-ws';
import pino from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { readModel } from '../../src/model/read.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer } from '../../src/server/server.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';
import { RawEventStream } from '../support/event-stream.js';

const mood = customType<{ data: string }>({ dataType: () => 'mood' });
const span = customType<{ data: string }>({ dataType: () => 'int4range' });
const size = customType<{ data: string }>({ dataType: () => 'shoe_size' });

const shelves = pgTable('shelves', { id: integer().primaryKey(), owner: text() });
const books = pgTable('books', {
  id: integer().primaryKey(),
  owner: text(),
  title: text().notNull(),
  isbn: text(),
  secretIsbn: text('secret_isbn'),
  secretPlace: text('secret_place').notNull().default('somewhere'),
  price: numeric({ precision: 4, scale: 2 }),
  short: varchar({ length: 3 }),
  loan: span(),
  mood: mood(),
  size: size(),
  shelfId: integer('shelf_id'),
});
const relations = defineRelations({ shelves, books });
const config = defineConfig({
  relations,
  policies: {
    shelves: { read: true, delete: true },
    books: {
      read: { owner: 'me' },
      insert: { owner: 'me' },
      update: true,
      delete: true,
      // A client may set what it may not read.
      columns: { secretIsbn: { read: false }, secretPlace: { read: false }, shelfId: { read: false } },
    },
  },
}) as RivuletConfig;
const database = await createDatabase({
  setup: `
    create extension if not exists btree_gist;
    create type mood as enum ('good', 'bad');
    create domain shoe_size as integer constraint secret_domain check (value < 60);
    create table shelves (id integer primary key, owner text);
    create table books (
      id integer constraint secret_pkey primary key, owner text, title text not null,
      isbn text constraint secret_unique unique, secret_isbn text constraint secret_unique_2 unique,
      secret_place text not null default 'somewhere', price numeric(4, 2) constraint secret_check check (price > 0),
      short varchar(3), loan int4range, mood mood, size shoe_size,
      shelf_id integer constraint secret_fkey references shelves,
      constraint secret_exclusion exclude using gist (loan with &&)
    );
    create unique index secret_index on books (lower(title)) where owner = 'unique';
    create table secret_loans (book_id integer constraint secret_loan references books);
    create table secret_marks (shelf_id integer constraint secret_mark references shelves on delete restrict);
    create function secret_rule() returns trigger language plpgsql as $$ begin
      case new.title
        when 'plain' then raise exception 'secret text of %', new.secret_place;
        when 'posing' then raise exception 'secret text' using errcode = '23505', constraint = 'secret_name', table = 'secret_table', column = 'secret_place';
        when 'empty' then raise exception 'secret text' using errcode = '23502', table = 'books', column = 'secret_place';
        when 'data' then raise exception 'secret text' using errcode = '22023';
        when 'zero' then new.price = 1 / (length(new.title) - 4);
        else null;
      end case; return new; end $$;
    create trigger secret_trigger before insert or update on books for each row execute function secret_rule();
    insert into shelves values (1, 'me'), (2, 'other');
    insert into books (id, owner, title, isbn, secret_isbn, loan) values
      (1, 'me', 'seen', 'isbn seen', 's seen', '[1,5)'), (2, 'other', 'unseen', 'isbn unseen', 's unseen', '[10,15)');
    insert into secret_loans values (1);
    insert into secret_marks values (1);
    ${watchSql(watchPlanOf(config, readModel(relations)))};
  `,
});
const logged: string[] = [];
const server = await createServer(config, {
  environment: {},
  mode: 'development',
  databaseUrl: database.url,
  port: 0,
  logger: pino({ level: 'debug' }, { write: (line) => logged.push(line) }),
});
const { url } = server;
const socket = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 });
afterAll(async () => {
  await socket.dispose();
  await server.stop(1_000);
});

interface Answer {
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}
type Send = (query: string) => Promise<Answer>;

const overPost: Send = async (query) => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await response.json()) as Answer;
};
const overSocket: Send = (query) =>
  new Promise((resolve, reject) => {
    socket.subscribe(
      { query },
      { next: (answer) => resolve(answer as unknown as Answer), error: reject, complete: () => {} },
    );
  });
const overEventStream: Send = async (query) => {
  const headers = { 'content-type': 'application/json' };
  const stream = await RawEventStream.open(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data } = await stream.event(1);
  stream.close();
  return data as Answer;
};

const book = (values: string) => `mutation { createBook(values: { owner: "me", ${values} }) { id } }`;
const both = (values: string) =>
  `mutation { createBooks(values: [{ id: 8, owner: "me", title: "fine" }, { owner: "me", ${values} }]) { id } }`;

/** By what is violated: the code, and writes of which each but the first meets what the writer cannot see. */
const VIOLATIONS: readonly (readonly [string, string, readonly string[]])[] = [
  ['a key', 'CONSTRAINT_UNIQUE', ['id: 1, title: "x"', 'id: 2, title: "x"']],
  [
    'a unique column, visible or hidden',
    'CONSTRAINT_UNIQUE',
    [
      'id: 9, title: "x", isbn: "isbn seen"',
      'id: 9, title: "x", isbn: "isbn unseen"',
      'id: 9, title: "x", secretIsbn: "s seen"',
      'id: 9, title: "x", secretIsbn: "s unseen"',
    ],
  ],
  [
    'an exclusion constraint',
    'CONSTRAINT_EXCLUSION',
    ['id: 9, title: "x", loan: "[2,3)"', 'id: 9, title: "x", loan: "[12,13)"'],
  ],
  ['a check', 'CONSTRAINT_CHECK', ['id: 9, title: "x", price: "-1"']],
  ['the check of a domain', 'VALUE_INVALID', ['id: 9, title: "x", size: "70"']],
  ['a hidden column that may not be empty', 'CONSTRAINT_NOT_NULL', ['id: 9, title: "x", secretPlace: null']],
  ['a hidden column, said by a trigger', 'CONSTRAINT_NOT_NULL', ['id: 9, title: "empty"']],
  ['a foreign key', 'CONSTRAINT_FOREIGN_KEY', ['id: 9, title: "x", shelfId: 99']],
  ['the label of an enum', 'VALUE_INVALID', ['id: 9, title: "x", mood: "so-so"']],
  ['the text of a type', 'VALUE_INVALID', ['id: 9, title: "x", loan: "nonsense"']],
  ['a length', 'VALUE_TOO_LONG', ['id: 9, title: "x", short: "long"']],
  ['a range', 'VALUE_OUT_OF_RANGE', ['id: 9, title: "x", price: "12345"']],
  ['a trigger that raises', 'INTERNAL', ['id: 9, title: "plain"']],
  ['a trigger that raises data errors', 'INTERNAL', ['id: 9, title: "data"', 'id: 9, title: "zero"']],
  ['a trigger that poses as a constraint', 'CONSTRAINT_UNIQUE', ['id: 9, title: "posing"']],
];

/** The errors, without what is different each time. */
const shownOf = ({ errors }: Answer) => {
  expect(errors).toHaveLength(1);
  const { logId: _logId, ...extensions } = errors![0]!.extensions;
  return { message: errors![0]!.message, extensions };
};

describe.each([
  ['POST', overPost],
  ['a WebSocket', overSocket],
  ['an event stream', overEventStream],
])('T34 over %s: an error reveals no name and no hidden row', (_name, send) => {
  test.each(VIOLATIONS)('of %s', async (_what, code, writes) => {
    const first = shownOf(await send(book(writes[0]!)));
    expect(first.extensions.code).toBe(code);
    for (const values of writes) {
      for (const write of [book(values), both(values)]) {
        const answer = await send(write);
        expect(shownOf(answer)).toEqual(first);
        expect(JSON.stringify(shownOf(answer))).not.toMatch(/secret|books|shelves|somewhere|insert into/i);
      }
    }
    expect(await database.query('select count(*)::text from books')).toEqual([['2']]);
  });

  test('of rows in hidden tables that refer to it', async () => {
    for (const write of ['deleteBook(id: 1) { id }', 'deleteShelf(id: 1) { id }']) {
      const answer = await send(`mutation { ${write} }`);
      expect(shownOf(answer).extensions.code).toBe('CONSTRAINT_FOREIGN_KEY');
      expect(JSON.stringify(answer)).not.toMatch(/secret|loan|mark/);
    }
  });
});

test('a column that its writer may know of is named, and the log names the constraint', async () => {
  const { extensions } = shownOf(
    await overPost('mutation { updateBook(id: 1, set: { title: null }) { id } }'),
  );
  expect(extensions).toMatchObject({ code: 'CONSTRAINT_NOT_NULL', field: 'title' });
  expect(logged.some((line) => line.includes('secret_exclusion'))).toBe(true);
});
