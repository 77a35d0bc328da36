import { createClient } from 'graphql-ws';
import pino from 'pino';
import { afterAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { readModel } from '../../src/model/read.js';
import { signToken } from '../../src/server/auth.js';
import { defineConfig, type RivuletConfig } from '../../src/server/config.js';
import { createServer } from '../../src/server/server.js';
import { watchPlanOf } from '../../src/server/watched.js';
import { install } from '../../src/watch/install.js';
import { createDatabase } from '../support/database.js';
import {
  type SecondContext,
  secondPolicies,
  secondRelations,
  secondTables,
} from '../support/second-schema.js';
import { waitFor } from '../support/wait-for.js';

const SECRET = 'a secret of the tests, long enough for HS256';
const database = await createDatabase({ setup: secondTables });
const config = defineConfig<SecondContext>({
  relations: secondRelations,
  policies: secondPolicies,
  context: (claims) => ({ regions: String(claims?.sub ?? '').split(',') }),
}) as RivuletConfig;
await install(database.db, watchPlanOf(config, readModel(config.relations)));
const server = await createServer(config, {
  environment: {},
  mode: 'development',
  databaseUrl: database.url,
  port: 0,
  secret: SECRET,
  logger: pino({ level: 'silent' }),
});
afterAll(() => server.stop(1_000));
const token = await signToken(SECRET, 'EU: north,US', 3_600);

async function ask(query: string, variables: object = {}) {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

/** Past what a JavaScript number holds exactly. */
const BIG = '9007199254740993';

test('a composite and big key is an id, made by a mutation and found by a query', async () => {
  const created = await ask(
    `mutation ($values: [OrderInsert!]!) { createOrders(values: $values) { id region number note } }`,
    {
      values: [
        { region: 'EU: north', number: BIG, note: 'first' },
        {
          region: 'EU: north',
          number: '2',
          note: 'second',
          replacesRegion: 'EU: north',
          replacesNumber: BIG,
        },
      ],
    },
  );
  expect(created).toEqual({
    data: {
      createOrders: [
        { id: `EU%3A north:${BIG}`, region: 'EU: north', number: BIG, note: 'first' },
        { id: 'EU%3A north:2', region: 'EU: north', number: '2', note: 'second' },
      ],
    },
  });
  const found = await ask(
    'query ($id: ID!) { order(id: $id) { note replacedBy { number replaces { note } } } }',
    {
      id: `EU%3A north:${BIG}`,
    },
  );
  expect(found).toMatchObject({
    data: { order: { note: 'first', replacedBy: [{ number: '2', replaces: { note: 'first' } }] } },
  });
});

test('what a policy hides is not there: a table, a column, a row, a write', async () => {
  const { data } = (await ask('{ __schema { types { name fields { name } } } }')) as {
    data: { __schema: { types: { name: string; fields: { name: string }[] | null }[] } };
  };
  const types = new Map(
    data.__schema.types.map((type) => [type.name, type.fields?.map((field) => field.name)]),
  );
  expect([...types.keys()].filter((name) => /audit/i.test(name))).toEqual([]);
  expect(types.get('Order')).not.toContain('secret');
  expect(types.get('Mutation')?.filter((name) => /oldOrder/i.test(name))).toEqual([]);
  await database.script(`insert into "Head ""Quarters"""."Order" values ('Asia', 1, null, null, 'theirs')`);
  expect(await ask('{ orders(where: { region: { eq: "Asia" } }) { id } }')).toMatchObject({
    data: { orders: [] },
  });
  const refused = await ask(
    'mutation { createOrder(values: { region: "Asia", number: "5", note: "x" }) { id } }',
  );
  expect(refused).toHaveProperty('errors');
});

test('changes of both tables of one name arrive as what they are, and a move to a hidden region is a LEAVE with its key', async () => {
  const client = createClient({
    url: server.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { token },
  });
  const changes = (field: string) =>
    client.iterate({
      query: `subscription { changes: ${field}Changes { changes { kind op key node { note } } } }`,
    });
  const orders = changes('order');
  const oldOrders = changes('oldOrder');
  const first = [orders.next(), oldOrders.next()];
  await waitFor('both are served', () => server.scopes.status().subscribers === 2);
  await database.script(`
    insert into archive."Order" values (${BIG}, 'old');
    insert into "Head ""Quarters"""."Order" values ('US', ${BIG}, null, null, 'new')`);
  const [newOrder, oldOrder] = (await Promise.all(first)).map((result) => result.value);
  const message = (change: object) => ({ data: { changes: { changes: [change] } } });
  expect(newOrder).toEqual(message({ kind: 'ENTER', op: 'INSERT', key: `US:${BIG}`, node: { note: 'new' } }));
  expect(oldOrder).toEqual(message({ kind: 'ENTER', op: 'INSERT', key: BIG, node: { note: 'old' } }));
  await database.script(`update "Head ""Quarters"""."Order" set "Region" = 'Asia' where "Region" = 'US'`);
  expect((await orders.next()).value).toMatchObject(message({ kind: 'LEAVE', key: `US:${BIG}`, node: null }));
  await client.dispose();
});
