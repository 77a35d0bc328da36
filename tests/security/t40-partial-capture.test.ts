import { defineRelations } from 'drizzle-orm';
import { integer, type PgTable, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import pino from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createRivulet,
  defineConfig,
  definePolicies,
  type RivuletConfig,
  watchers,
} from '../../src/index.js';
import { readModel } from '../../src/model/read.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { atEnd } from '../support/at-end.js';
import { createDatabase } from '../support/database.js';

const people = pgTable('people', { id: integer().primaryKey(), name: text(), team: text() });
const posts = pgTable('posts', {
  id: integer().primaryKey(),
  title: text(),
  name: text(),
  authorId: integer('author_id'),
});
const comments = pgTable('comments', {
  id: integer().primaryKey(),
  postId: integer('post_id'),
  body: text(),
});
const readers = pgTable(
  'readers',
  { postId: integer('post_id').notNull(), personId: integer('person_id').notNull(), state: text() },
  (table) => [primaryKey({ columns: [table.postId, table.personId] })],
);
const relations = defineRelations({ people, posts, comments, readers }, (r) => ({
  posts: {
    author: r.one.people({ from: r.posts.authorId, to: r.people.id }),
    comments: r.many.comments({ from: r.posts.id, to: r.comments.postId }),
    readers: r.many.readers({ from: r.posts.id, to: r.readers.postId }),
    people: r.many.people({
      from: r.posts.id.through(r.readers.postId),
      to: r.people.id.through(r.readers.personId),
    }),
  },
  comments: { post: r.one.posts({ from: r.comments.postId, to: r.posts.id }) },
}));

const READABLE = { read: true } as const;
const policiesOf = (rules: object) =>
  definePolicies<typeof relations, null>(relations, {
    people: READABLE,
    posts: READABLE,
    comments: READABLE,
    readers: READABLE,
    ...rules,
  });

/** Labels of each table that name a column on which nothing here depends. */
const LABELS = (list: ReturnType<typeof watchers>) =>
  list
    .and(posts, { label: 'retitled', columns: ['title'] })
    .and(people, { label: 'moved', columns: ['team'] })
    .and(readers, { label: 'shared', columns: ['postId'] })
    .and(comments, { label: 'commented', columns: ['postId'] });

const DECLARED = {
  'beside the defaults': LABELS(watchers.defaults()),
  'by labels only': LABELS(watchers(posts, { label: 'any', columns: ['title'] })),
};

const ledger = { sqlName: 'ledger', columns: ['note', 'amount'], key: ['id'] };
const database = await createDatabase({
  setup: `
    create table people (id int primary key, name text, team text);
    create table posts (id int primary key, title text, name text, author_id int);
    create table comments (id int primary key, post_id int, body text);
    create table readers (post_id int, person_id int, state text, primary key (post_id, person_id));
    create table ledger (id int primary key, note text, amount int);
    insert into people values (1, 'ada', 'a');`,
});

async function start(policies: ReturnType<typeof policiesOf>, list: RivuletConfig['watchers']) {
  const config = defineConfig({ relations, policies, watchers: list! }) as unknown as RivuletConfig;
  await database.script(watchSql(watchPlanOf(config, readModel(relations))));
  await database.script(`delete from comments; delete from posts; delete from readers;
    insert into posts values (1, 'a title', 'public', 1);
    insert into comments values (1, 1, 'a secret'); insert into readers values (1, 1, 'on');
    update people set name = 'ada'`);
  const rivulet = await createRivulet(config as never, {
    environment: {},
    databaseUrl: database.url,
    logger: pino({ level: 'silent' }),
    pollMs: 20,
  });
  atEnd(() => rivulet.stop());
  return rivulet as unknown as Awaited<ReturnType<typeof createRivulet<null, typeof relations>>>;
}

const open: AsyncIterator<unknown>[] = [];
afterEach(async () => {
  for (const stream of open.splice(0)) await stream.return?.();
});

/** Kinds of the next message's changes, of the stream's rows and of those below them. */
async function nextKinds(stream: AsyncIterator<unknown>): Promise<readonly string[]> {
  const { value } = (await stream.next()) as {
    value: { changes: { kind: string }[]; related: Record<string, { changes: { kind: string }[] }> };
  };
  return [value.changes, ...Object.values(value.related).map((each) => each.changes)].flatMap((changes) =>
    changes.map(({ kind }) => kind),
  );
}

const HIDDEN = `update posts set name = 'private'`;

/** What depends on a column that no label names, and the statement by which a row must leave. */
const WAYS: readonly [string, PgTable, { rules?: object; where?: object; with?: object }, string][] = [
  ['a policy on an own column', posts, { rules: { posts: { read: { name: 'public' } } } }, HIDDEN],
  [
    'a policy through a relation',
    comments,
    { rules: { comments: { read: { post: { name: 'public' } } } } },
    HIDDEN,
  ],
  [
    'a policy through a relation of a relation',
    comments,
    { rules: { comments: { read: { post: { author: { name: 'ada' } } } } } },
    `update people set name = 'eve'`,
  ],
  [
    'a policy on the rows of a junction',
    comments,
    { rules: { comments: { read: { post: { readers: { state: 'on' } } } } } },
    `update readers set state = 'off'`,
  ],
  [
    'a policy of a junction',
    posts,
    { rules: { posts: { read: { people: { name: 'ada' } } }, readers: { read: { state: 'on' } } } },
    `update people set name = 'eve'`,
  ],
  ["a client's filter on an own column", posts, { where: { name: 'public' } }, HIDDEN],
  ["a client's filter through a relation", comments, { where: { post: { name: 'public' } } }, HIDDEN],
  [
    'the rows below others, by their policy',
    posts,
    { with: { comments: true }, rules: { comments: { read: { body: 'a secret' } } } },
    `update comments set body = 'another'`,
  ],
  [
    'the rows below others, by a filter',
    posts,
    { with: { comments: { where: { body: 'a secret' } } } },
    `update comments set body = 'another'`,
  ],
];

describe.each(Object.entries(DECLARED))('T40: labels that name some columns, %s', (_, list) => {
  test.each(WAYS)(
    '%s loses its row when a column that no label names changes',
    async (_name, table, way, sql) => {
      const rivulet = await start(policiesOf(way.rules ?? {}), list);
      const options = {
        as: null,
        ...(way.where && { where: way.where }),
        ...(way.with && { with: way.with }),
      };
      const stream = rivulet.changes(
        table as typeof posts,
        options as never,
      ) as unknown as AsyncIterator<unknown>;
      open.push(stream);
      const first = nextKinds(stream);
      await expect
        .poll(async () => (await rivulet.subscriptions()).every(({ state }) => state === 'live'))
        .toBe(true);
      await database.script(sql);
      expect(await first).toEqual(['LEAVE']);
    },
  );

  test('a stream of the label delivers only updates of its columns, by a filter on any column', async () => {
    const rivulet = await start(policiesOf({}), list);
    const stream = rivulet.changes('retitled', {
      where: { name: 'public' },
    }) as unknown as AsyncIterator<unknown>;
    open.push(stream);
    const first = nextKinds(stream);
    await database.script(`update posts set author_id = null; update posts set title = 'another'`);
    expect(await first).toEqual(['UPDATE']);
    const second = nextKinds(stream);
    await database.script(HIDDEN);
    expect(await second).toEqual(['LEAVE']);
  });
});

test('T40: of a table that only labels watch, a filter on a column that is not logged is refused', async () => {
  const list = watchers(ledger, { label: 'noted', columns: ['note'] });
  const rivulet = await start(policiesOf({}), list);
  const changes = (where: Readonly<Record<string, unknown>>) => () => rivulet.changes('noted', { where });
  expect(changes({ amount: 5 })).toThrow(expect.objectContaining({ code: 'CHANGES_INVALID' }));
  const stream = rivulet.changes('noted', { where: { note: 'a' } }) as unknown as AsyncIterator<unknown>;
  open.push(stream);
  const first = nextKinds(stream);
  await database.script(`insert into ledger values (1, 'a', 5)`);
  expect(await first).toEqual(['ENTER']);
});
