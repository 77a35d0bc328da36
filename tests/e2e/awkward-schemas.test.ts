import { defineRelations } from 'drizzle-orm';
import { customType, integer, json, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { createClient } from 'graphql-ws';
import pino from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type ChangeInput, sync } from '../../client/core/index.js';
import { createRivulet } from '../../src/index.js';
import { readModel } from '../../src/model/read.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { describeConfig } from '../../src/server/engine/describe-config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer } from '../../src/server/server.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { apolloClient } from '../support/client-apollo.js';
import type { ClientServer } from '../support/client-server.js';
import { plain } from '../support/client-under-test.js';
import { urqlClient } from '../support/client-urql.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

const of = (sqlType: string) => customType<{ data: string }>({ dataType: () => sqlType });
const events = pgTable('events', {
  id: integer().primaryKey(),
  body: jsonb().notNull(),
  raw: json().notNull(),
  flat: integer().array(),
  grid: integer().array('[][]'),
  docs: jsonb().array(),
});
const orders = pgTable('orders', { tenantId: integer(), id: integer(), note: text() }, (t) => [
  primaryKey({ columns: [t.tenantId, t.id] }),
]);
const lines = pgTable('lines', { id: integer().primaryKey(), tenantId: integer(), orderId: integer() });
const people = pgTable('people', { email: of('citext')().primaryKey(), name: text() });
const mails = pgTable('mails', { id: integer().primaryKey(), sender: of('citext')(), note: text() });
const things = pgTable('things', {
  id: integer().primaryKey(),
  tree: of('ltree')(),
  range: of('int4range')(),
  pos: of('posint')(),
  pair: of('pair')(),
  doc: of('xml')(),
  free: of('shape')(),
});
const relations = defineRelations({ events, orders, lines, people, mails, things }, (r) => ({
  orders: {
    lines: r.many.lines({ from: [r.orders.tenantId, r.orders.id], to: [r.lines.tenantId, r.lines.orderId] }),
  },
  people: { mails: r.many.mails({ from: r.people.email, to: r.mails.sender }) },
  mails: { from: r.one.people({ from: r.mails.sender, to: r.people.email }) },
}));
const all = { read: true, insert: true, update: true, delete: true };
const config = defineConfig({
  relations,
  policies: { events: all, orders: all, lines: all, people: all, mails: all, things: all },
}) as RivuletConfig;
const model = readModel(relations);
const database = await createDatabase({
  setup: `create extension citext; create extension ltree; create domain posint as int check (value > 0);
    create type pair as (a int, b text); create domain shape as polygon;
    create table events (id int primary key, body jsonb not null, raw json not null, flat int[], grid int[][], docs jsonb[]);
    create table orders (tenant_id int, id int, note text, primary key (tenant_id, id));
    alter table orders rename tenant_id to "tenantId";
    create table lines (id int primary key, "tenantId" int, "orderId" int);
    create table people (email citext primary key, name text);
    create table mails (id int primary key, sender citext, note text);
    create table things (id int primary key, tree ltree, range int4range, pos posint, pair pair, doc xml, free shape);
    ${watchSql(watchPlanOf(config, model))}`,
});
const SECRET = 'a secret of the schema tests, long enough for HS256';
const server = await createServer(config, {
  environment: {},
  mode: 'development',
  databaseUrl: database.url,
  port: 0,
  secret: SECRET,
  logger: pino({ level: 'silent' }),
});
const token = await signToken(SECRET, '1', 3_600);
const { manifest } = await describeConfig(config);
const served = {
  manifest,
  url: server.url,
  webSocketUrl: server.url.replace('http', 'ws'),
} as unknown as ClientServer;
const clients = [urqlClient, apolloClient].map((kind) => ({
  kind: kind.name,
  client: kind.open({ server: served, token }),
}));
const streams = createClient({
  url: served.webSocketUrl,
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  connectionParams: { authorization: `Bearer ${token}` },
});
afterAll(async () => {
  for (const { client } of clients) await client.close();
  await streams.dispose();
  await server.stop(500);
});

interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
  readonly data?: any;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly unknown[];
    readonly extensions?: { readonly code?: string; readonly field?: string };
  }[];
}

async function ask(query: string, variables = {}): Promise<Answer> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

/** The answers of a subscription. A change stream brings all that is committed from the call on, however late the server begins it. */
async function follow(query: string) {
  await server.feed.catchUp();
  const { subscribers } = server.scopes.status();
  const after = `after: "${server.cursor()}"`;
  const answers: Answer[] = [];
  streams.subscribe(
    {
      query: query.replace(/(\w+Changes)(\()?/, (_, name, open) => `${name}(${after}${open ? ', ' : ')'}`),
    },
    {
      next: (answer) => answers.push(answer as Answer),
      error: (error) => answers.push({ errors: error as never }),
      complete: () => {},
    },
  );
  await waitFor('it began', () => server.scopes.status().subscribers > subscribers || answers.length > 0);
  return answers;
}

async function watchLive(query: string) {
  const lives = clients.map(({ kind, client }) => ({ kind, live: client.watch(query) }));
  await waitFor('all are shown', () => lives.every(({ live }) => live.data !== undefined));
  return {
    /** Each shows what the network says. */
    agree: async (what = '') => {
      const { data, errors } = await ask(query);
      // An answer with an error is data and an error, or, where the client's policy for errors is so (Apollo's), the error alone.
      const isRefused = ({ error }: { readonly error: unknown }) => errors !== undefined && Boolean(error);
      for (const { kind, live } of lives) {
        await waitFor(
          `${what} ${kind} shows ${JSON.stringify(data)}, not ${JSON.stringify(plain(live.data))}`,
          () => isRefused(live) || JSON.stringify(plain(live.data)) === JSON.stringify(data),
        );
      }
      return data;
    },
  };
}

describe("JSON's null in a column that cannot be NULL", () => {
  test('is shown as null, is told, is followed by live queries and comes back when it is written', async () => {
    const query = '{ events(where: { id: { lt: 10 } }, orderBy: [{ id: ASC }]) { id body raw docs } }';
    await database.script(`insert into events (id, body, raw) values (1, '{"a":1}', '[]')`);
    const live = await watchLive(query);
    const told = await follow(
      'subscription { eventChanges(where: { id: { lt: 10 } }) { changes { key node { id body raw docs } previous { body } } } }',
    );
    await database.script(
      `insert into events (id, body, raw, docs) values (2, 'null', 'null', array['null', null, '[null]']::jsonb[]); update events set body = 'null' where id = 1`,
    );
    const row = { id: '2', body: null, raw: null, docs: [null, null, [null]] };
    expect((await ask(query)).data.events[1]).toEqual(row);
    await waitFor('the event came', () => told.length > 0);
    expect(told.map(({ errors }) => errors)).toEqual(told.map(() => undefined));
    expect(told.flatMap(({ data }) => data.eventChanges.changes).find(({ key }) => key === '2').node).toEqual(
      row,
    );
    await live.agree();
    const set = 'mutation ($set: EventSet!) { updateEvent(id: 1, set: $set) { body raw } }';
    expect((await ask(set, { set: { body: { b: 1 }, raw: null } })).data.updateEvent).toEqual({
      body: { b: 1 },
      raw: null,
    });
    expect((await ask(set, { set: { body: null } })).data.updateEvent).toEqual({ body: null, raw: null });
    const made = await ask('mutation { createEvent(values: { id: 3, body: null, raw: null }) { id body } }');
    expect(made.data.createEvent).toEqual({ id: '3', body: null });
    expect(await database.query('select body::text, raw::text from events where id in (1, 3)')).toEqual([
      ['null', 'null'],
      ['null', 'null'],
    ]);
    await live.agree();
    expect((await ask('{ events(where: { body: { isNull: true } }) { id } }')).data.events).toEqual([]);
    const missing = await ask('mutation { createEvent(values: { id: 4, raw: 1 }) { id } }');
    expect(missing.errors?.[0]?.extensions?.code).toBe('CONSTRAINT_NOT_NULL');
  });
});

describe('an array of other dimensions than the schema declares', () => {
  const cases = [
    ['flat', '{{1,2},{3,4}}', undefined],
    ['flat', '[0:1]={7,8}', [7, 8]],
    ['flat', '[-2:0]={7,NULL,8}', [7, null, 8]],
    ['flat', '{}', []],
    ['grid', '{1,2}', undefined],
    ['grid', '{{{1}}}', undefined],
    ['grid', '[2:2][5:6]={{1,NULL}}', [[1, null]]],
    ['grid', '{}', []],
    ['docs', '{{"[1]"}}', undefined],
    ['docs', '{"[[1]]",NULL}', [[[1]], null]],
  ] as const;
  test.each(cases)(
    '%s = %s: query, event and live clients have the value, or null with a code',
    async (column, literal, value) => {
      const query = `{ events(where: { id: { gte: 10 } }, orderBy: [{ id: ASC }]) { id ${column} } }`;
      await database.script(
        `delete from events where id >= 10; insert into events (id, body, raw) values (10, '1', '1')`,
      );
      const live = await watchLive(query);
      const told = await follow(
        `subscription { eventChanges(where: { id: { eq: 11 } }) { changes { node { ${column} } } } }`,
      );
      await database.query(
        `insert into events (id, body, raw, ${column}) values (11, '1', '1', $1::text::${column === 'docs' ? 'jsonb[]' : 'int[]'})`,
        literal,
      );
      const answer = await ask(query);
      await waitFor('the event came', () => told.length > 0);
      expect(answer.data.events).toEqual([
        { id: '10', [column]: null },
        { id: '11', [column]: value ?? null },
      ]);
      expect(told[0]!.data.eventChanges.changes).toEqual([{ node: { [column]: value ?? null } }]);
      for (const { errors } of [answer, told[0]!]) {
        if (value === undefined)
          expect(errors).toMatchObject([{ extensions: { code: 'VALUE_NOT_SHOWN', field: column } }]);
        else expect(errors).toBeUndefined();
      }
      await live.agree();
      const predicate = await ask(
        `{ events(where: { id: { gte: 10 }, ${column}: { isNotNull: true } }) { id } }`,
      );
      expect(predicate.data.events).toEqual([{ id: '11' }]);
    },
  );
});

describe('a composite key with a column `id`', () => {
  test('the column is `idColumn` wherever GraphQL names it, and `id` is the row’s key', async () => {
    await database.script(
      `insert into orders ("tenantId", id, note) values (1, 5, 'a'), (2, 5, 'b'), (1, 6, 'c'); insert into lines values (1, 1, 5)`,
    );
    const query =
      '{ orders(where: { idColumn: { in: [5, 7] } }, orderBy: [{ idColumn: DESC }, { tenantId: ASC }]) { id idColumn tenantId note lines { id } } }';
    const live = await watchLive(query);
    expect((await ask(query)).data.orders).toEqual([
      { id: '1:5', idColumn: '5', tenantId: '1', note: 'a', lines: [{ id: '1' }] },
      { id: '2:5', idColumn: '5', tenantId: '2', note: 'b', lines: [] },
    ]);
    const told = await follow(
      'subscription { orderChanges { changes { key changedColumns node { id idColumn note } previous { idColumn note } } } }',
    );
    const updated = await ask('mutation { updateOrder(id: "1:5", set: { note: "z" }) { id note } }');
    expect(updated.data.updateOrder).toEqual({ id: '1:5', note: 'z' });
    const created = await ask(
      'mutation { createOrder(values: { tenantId: 1, idColumn: 7, note: "n" }) { id idColumn } }',
    );
    expect(created.data.createOrder).toEqual({ id: '1:7', idColumn: '7' });
    await database.script(`insert into lines values (2, 1, 7)`);
    await live.agree();
    const changes = () => told.flatMap(({ data }) => data.orderChanges.changes);
    await waitFor('both are told', () => changes().length === 2);
    expect(changes()[0]).toEqual({
      key: '1:5',
      changedColumns: ['note'],
      node: { id: '1:5', idColumn: '5', note: 'z' },
      previous: { idColumn: '5', note: 'a' },
    });
    expect((await ask('{ order(id: "1:7") { idColumn } }')).data.order).toEqual({ idColumn: '7' });
    expect((await ask('{ orders(where: { id: { eq: 5 } }) { id } }')).errors).toBeDefined();
  });

  test('server code and `sync` keep Drizzle’s name', async () => {
    const rivulet = await createRivulet(config as never, {
      environment: {},
      databaseUrl: database.url,
      logger: pino({ level: 'silent' }),
      pollMs: 20,
    });
    const stream = rivulet.changes(orders as never, { where: { id: 50 } } as never);
    const first = stream.next();
    await rivulet.feed?.catchUp?.();
    await database.script(`insert into orders ("tenantId", id, note) values (9, 50, 'x')`);
    const message = (await first).value as unknown as ChangeInput;
    const value = sync([{ tenantId: 8, id: 50, note: 'w' }], message, {
      manifest,
      table: 'orders',
      follows: 'table',
      where: { idColumn: { eq: 50 } },
    });
    expect(value).toEqual([
      { tenantId: 8, id: 50, note: 'w' },
      { tenantId: 9, id: 50, note: 'x' },
    ]);
    await stream.return?.();
    await rivulet.stop();
  });
});

describe('a key that PostgreSQL finds equal in another spelling', () => {
  test('the row stays the same one for filters and relations, and its id is the text of now', async () => {
    await database.script(
      `insert into people values ('Ada@x', 'Ada'); insert into mails values (1, 'ADA@X', 'm')`,
    );
    const lives = [
      await watchLive('{ people(orderBy: [{ email: ASC }]) { id email name mails { id } } }'),
      await watchLive('{ mails(orderBy: [{ id: ASC }]) { id sender from { id name } } }'),
      await watchLive('{ person(id: "ada@X") { id name } }'),
      await watchLive('{ people(where: { email: { in: ["ADA@x"] } }) { id name } }'),
    ];
    const steps = [
      `update people set email = 'ada@X'`,
      `update people set name = 'A'`,
      `update mails set sender = 'ada@x'`,
      `begin; update people set email = 'B@x'; update people set email = 'ADA@x', name = 'back'; commit`,
      `insert into people values ('bob@x', 'Bob'); insert into mails values (2, 'BOB@X', '')`,
      `update people set email = 'eve@x' where name = 'back'`,
      `delete from people where email = 'EVE@X'`,
    ];
    for (const step of steps) {
      await database.script(step);
      for (const [at, live] of lives.entries()) await live.agree(`${step} ${at}`);
    }
  });
});

describe('a filter that only PostgreSQL can read', () => {
  const cases = [
    ['{ tree: { eq: "!!bad label!!" } }', 'VALUE_INVALID', 'tree'],
    ['{ NOT: { tree: { in: ["a.b", "!!"] } } }', 'VALUE_INVALID', 'tree'],
    ['{ range: { eq: "garbage" } }', 'VALUE_INVALID', 'range'],
    ['{ pos: { eq: "-5" } }', 'VALUE_INVALID', 'pos'],
    ['{ pos: { like: "5%" } }', 'FILTER_INVALID', 'pos'],
    ['{ free: { eq: "((0,0),(1,1),(2,0))" } }', 'FILTER_INVALID', 'free'],
    ['{ pair: { ilike: "x" } }', 'FILTER_INVALID', 'pair'],
  ] as const;
  test.each(cases)(
    '%s: streams and live queries are refused when they begin, queries with the same code',
    async (where, code, field) => {
      await database.script(
        `insert into things (id, tree, range, pos) values (1, 'a', '[1,2)', 1) on conflict do nothing`,
      );
      const refusal = [{ extensions: { code, field } }];
      expect(
        (await follow(`subscription { thingChanges(where: ${where}) { changes { key } } }`))[0]!.errors,
      ).toMatchObject(refusal);
      expect((await follow(`subscription { things(where: ${where}) { id } }`))[0]!.errors).toMatchObject(
        refusal,
      );
      expect((await ask(`{ things(where: ${where}) { id } }`)).errors).toMatchObject(refusal);
      expect((await ask(`{ thingsConnection(where: ${where}) { nodes { id } } }`)).errors).toMatchObject(
        refusal,
      );
      expect((await ask(`mutation { deleteThings(where: ${where}) { id } }`)).errors).toMatchObject(refusal);
    },
  );

  test('a stream of server code is refused when it begins', async () => {
    const rivulet = await createRivulet(config as never, {
      environment: {},
      databaseUrl: database.url,
      logger: pino({ level: 'silent' }),
      pollMs: 20,
    });
    for (const [where, code] of [
      [{ tree: '!!' }, 'VALUE_INVALID'],
      [{ pos: { like: '5%' } }, 'FILTER_INVALID'],
    ] as const) {
      const stream = rivulet.changes(things as never, { where } as never);
      await expect(stream.next()).rejects.toMatchObject({ code });
      expect(await stream.next()).toEqual({ value: undefined, done: true });
    }
    await rivulet.stop();
  });

  test('an order that there is none of is refused with its field, and is not offered of types known to have none', async () => {
    expect((await ask('{ things(orderBy: [{ free: ASC }]) { id } }')).errors).toMatchObject([
      { extensions: { code: 'ORDER_INVALID', field: 'free' } },
    ]);
    expect((await ask('{ things(orderBy: [{ doc: ASC }]) { id } }')).errors?.[0]?.message).toMatch(
      /"doc" is not defined/,
    );
    expect(
      (await ask('{ things(orderBy: [{ tree: ASC }, { range: DESC }]) { id } }')).errors,
    ).toBeUndefined();
  });

  test('a value that cannot be read is refused with its field when it is written', async () => {
    const made = await ask('mutation { createThing(values: { id: 9, tree: "!!" }) { id } }');
    expect(made.errors).toMatchObject([{ extensions: { code: 'VALUE_INVALID', field: 'tree' } }]);
    const set = await ask('mutation { updateThing(id: 1, set: { range: "no" }) { id } }');
    expect(set.errors).toMatchObject([{ extensions: { code: 'VALUE_INVALID', field: 'range' } }]);
  });

  test('of types that are known to do so nothing is tried: a good filter follows as ever', async () => {
    const told = await follow(
      'subscription { thingChanges(where: { tree: { eq: "a.b" } }) { changes { key kind } } }',
    );
    await database.script(`insert into things (id, tree) values (20, 'a.b'), (21, 'b')`);
    await waitFor('it is told', () => told.length > 0);
    expect(told[0]!.data.thingChanges.changes).toEqual([{ key: '20', kind: 'ENTER' }]);
  });
});
