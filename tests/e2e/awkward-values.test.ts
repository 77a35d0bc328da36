import { defineRelations } from 'drizzle-orm';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import { createClient } from 'graphql-ws';
import pino from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { readModel } from '../../src/model/read.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { describeConfig } from '../../src/server/engine/describe-config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer } from '../../src/server/server.js';
import { quoteLiteral } from '../../src/sql/quote.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { AWKWARD, awkwardSetup, NOT_WRITTEN_BACK } from '../support/awkward-values.js';
import { apolloClient } from '../support/client-apollo.js';
import type { ClientServer } from '../support/client-server.js';
import { plain, type WatchedQuery } from '../support/client-under-test.js';
import { urqlClient } from '../support/client-urql.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

/** The law of values: a query, an event and a live client show the same, and what they show can be written back. */
const names = Object.keys(AWKWARD);
const tables = Object.fromEntries(
  names.map((name) => {
    const { column } = AWKWARD[name]!;
    return [
      `${name}Case`,
      pgTable(`${name}_case`, {
        id: integer().primaryKey(),
        v: column() as never,
        // biome-ignore lint/suspicious/noExplicitAny: the columns come from a table
        vs: (column() as any).array(),
      }),
    ];
  }),
);
// biome-ignore lint/suspicious/noExplicitAny: the tables are made in a loop
const relations = defineRelations(tables as any);
const all = { read: true, insert: true, update: true, delete: true };
const config = defineConfig({
  relations,
  policies: Object.fromEntries(Object.keys(tables).map((name) => [name, all])) as never,
}) as RivuletConfig;
const model = readModel(relations);
const setup = names.map(
  (name) =>
    `create table "${name}_case" (id int primary key, v ${AWKWARD[name]!.sqlType}, vs ${AWKWARD[name]!.sqlType}[]);`,
);
const database = await createDatabase({
  setup: `${awkwardSetup} ${setup.join('\n')} ${watchSql(watchPlanOf(config, model))}`,
});
const SECRET = 'a secret of the value tests, long enough for HS256';
const server = await createServer(config, {
  environment: {},
  mode: 'development',
  databaseUrl: database.url,
  port: 0,
  secret: SECRET,
  logger: pino({ level: 'silent' }),
});
const token = await signToken(SECRET, '1', 3_600);
const served = {
  manifest: (await describeConfig(config)).manifest,
  url: server.url,
  webSocketUrl: server.url.replace('http', 'ws'),
} as unknown as ClientServer;
const clients = [urqlClient, apolloClient].map((kind) => ({
  kind,
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

interface Row {
  readonly id: string;
  readonly v: unknown;
  readonly vs: unknown;
}

async function ask(query: string, variables = {}): Promise<Record<string, readonly Row[]>> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as {
    data: Record<string, readonly Row[]>;
    errors?: unknown;
  };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** A case is followed from before its rows are written. */
function follow(name: string) {
  const { fields } = model.table(`${name}Case`);
  const query = `{ ${fields.many}(orderBy: [{ id: ASC }], limit: 100) { id v vs } }`;
  const told = new Map<string, Row>();
  const errors: unknown[] = [];
  streams.subscribe<Record<string, { changes: { key: string; node: Row | null }[] }>>(
    { query: `subscription { ${fields.one}Changes { changes { key node { id v vs } } } }` },
    {
      next: ({ data, errors: found }) => {
        if (found) errors.push(found);
        for (const { key, node } of data?.[`${fields.one}Changes`]?.changes ?? [])
          if (node) told.set(key, node);
      },
      error: (error) => errors.push(error),
      complete: () => {},
    },
  );
  const lives = clients.map(({ kind, client }) => ({ kind: kind.name, live: client.watch(query) }));
  return { query, many: fields.many, told, errors, lives };
}

const rowsOf = (live: WatchedQuery, many: string): readonly Row[] =>
  (plain(live.data) as Record<string, Row[]> | undefined)?.[many] ?? [];

/** What a client's own cache keeps of an answer: Apollo Client drops properties called `__proto__`, without our plugin as well. */
const KEPT: Readonly<Record<string, (rows: readonly Row[]) => unknown>> = {
  urql: (rows) => rows,
  apollo: (rows) => JSON.parse(JSON.stringify(rows).replaceAll(/"__proto__":1,/g, '')),
};

describe.each(names)('%s', (name) => {
  const { sqlType, values } = AWKWARD[name]!;
  const target = `"${name}_case"`;

  test('is shown alike by query, event and live clients, and again after what was shown is written back', {
    timeout: 60_000,
  }, async () => {
    const case_ = follow(name);
    const { query, many, told, errors, lives } = case_;
    await waitFor('everybody follows', () => {
      return lives.every(({ live }) => live.data !== undefined) && server.scopes.status().subscribers >= 1;
    });
    await waitFor('the stream began', async () => {
      await database.script(
        `insert into ${target} (id) values (0) on conflict (id) do update set v = null, vs = case when ${target}.vs is null then '{}'::${sqlType}[] end`,
      );
      return told.has('0');
    });
    const items = values.map((value) => `${quoteLiteral(value)}::text::${sqlType}`);
    const list = `array[${items.join(', ')}, null]::${sqlType}[]`;
    const tuples = items.map(
      (item, at) => `(${at + 1}, ${item}, ${at === 0 ? list : `array[${item}]`}), (${at + 1001}, null, '{}')`,
    );
    await database.script(`insert into ${target} (id, v, vs) values ${tuples.join(', ')}`);

    const shown = (await ask(query))[many]!;
    const last = String(1000 + values.length);
    await waitFor('the event came', () => told.has(last) || errors.length > 0);
    expect(errors).toEqual([]);
    for (const row of shown) if (row.id !== '0') expect(told.get(row.id)).toEqual(row);
    for (const { kind, live } of lives) {
      await waitFor(`${kind} shows all rows`, () => rowsOf(live, many).length === shown.length);
      expect([kind, rowsOf(live, many)]).toEqual([kind, KEPT[kind]!(shown)]);
    }

    const textsOf = () =>
      database.query(`select id::text, v::text, vs::text from ${target} as t order by t.id`);
    const before = await textsOf();
    const type = model.table(`${name}Case`).typeName;
    for (const { id, v, vs } of shown) {
      await ask(`mutation ($id: ID!, $set: ${type}Set!) { update${type}(id: $id, set: $set) { id } }`, {
        id,
        set: { v, vs },
      });
    }
    expect((await ask(query))[many]).toEqual(shown);
    for (const { kind, live } of lives)
      expect([kind, rowsOf(live, many)]).toEqual([kind, KEPT[kind]!(shown)]);
    const after = await textsOf();
    const known = NOT_WRITTEN_BACK[name] ?? {};
    const others = values.filter((_, at) => before[at + 1]![1] !== after[at + 1]![1]);
    expect(others.sort()).toEqual(Object.keys(known).sort());
    if (others.length === 0) expect(after).toEqual(before);
  });
});
