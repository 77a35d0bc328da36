import { type Client, createClient } from 'graphql-ws';
import pino from 'pino';
import { afterAll } from 'vitest';
import WebSocket from 'ws';
import { readModel } from '../../../src/model/read.js';
import { signToken } from '../../../src/server/auth/token-verifier.js';
import { defineConfig, type RivuletConfig } from '../../../src/server/engine/config.js';
import { watchPlanOf } from '../../../src/server/engine/watch-plan.js';
import { createServer, type RivuletServer } from '../../../src/server/server.js';
import { watchSql } from '../../../src/watch/watch-sql.js';
import { ddl as everythingDdl } from '../../property/filter-table.js';
import { createDatabase, type TestDatabase } from '../../support/database.js';
import type { GraphQLAnswer } from '../../support/example-server.js';
import { waitFor } from '../../support/wait-for.js';
import { type SecondContext, secondPolicies, secondRelations } from './relations.js';
import { Stream } from './stream.js';
import { secondDdl } from './tables.js';

const SECRET = 'a secret of the tests, long enough for HS256';

export const secondConfig = defineConfig<SecondContext>({
  relations: secondRelations,
  policies: secondPolicies,
  context: (claims) => {
    const [userId, clearance] = (claims?.sub ?? '').split(' ');
    return { userId: userId || null, hasClearance: clearance === 'cleared' };
  },
}) as RivuletConfig;

export const secondModel = readModel(secondConfig.relations);

export const ANN = '0a0a0a0a-0000-4000-8000-00000000000a';
export const BOB = '0b0b0b0b-0000-4000-8000-00000000000b';
export const CAT = '0c0c0c0c-0000-4000-8000-00000000000c';
/** Past what a JavaScript number holds exactly. */
export const BIG = '9007199254740993';

/** Ann is in `a:1%` and `b`, Bob in `b`, Cat in `c`. */
const ROWS = `
  insert into "Head ""Quarters"""."group" values ('a:1%', 'A'), ('b', 'B'), ('c', 'C');
  insert into "Head ""Quarters"""."User" (id, "Full Name", "E-mail") values
    ('${ANN}', 'Ann', 'ann@example.com'), ('${BOB}', 'Bob', 'bob@example.com'), ('${CAT}', 'Cat', null);
  insert into "grant" values ('a:1%', '${ANN}'), ('b', '${ANN}'), ('b', '${BOB}'), ('c', '${CAT}');
  insert into "friend""ship" values ('${ANN}', '${BOB}'), ('${BOB}', '${CAT}'), ('${CAT}', '${ANN}');
  insert into "Head ""Quarters""".tree values
    ('/', null, 'a:1%', 'root'), ('/:x', '/', 'a:1%', 'x'), ('/:x/50%', '/:x', 'a:1%', 'half'), ('/c', null, 'c', 'theirs');
  insert into "Head ""Quarters"""."Order" ("Group", "No.", "State", "Buyer", "Seller", "select", "cost price") values
    ('a:1%', ${BIG}, 'in progress', '${ANN}', '${BOB}', 'first', 1.50),
    ('a:1%', 2, '2nd try', '${ANN}', '${ANN}', 'second', null),
    ('b', ${BIG}, '', '${BOB}', '${ANN}', 'third', 3),
    ('c', 1, 'true', '${CAT}', '${ANN}', 'theirs', 4);
  insert into products ("ID", name) values (${BIG}, 'pen'), (9007199254740992, 'ink'), (3, 'gone');
  update products set withdrawn = true where "ID" = 3;
  insert into archive.line ("Group", "No.", position, product) values
    ('a:1%', ${BIG}, 1, ${BIG}), ('a:1%', ${BIG}, 2, 9007199254740992), ('a:1%', ${BIG}, 3, 3), ('a:1%', 2, 1, ${BIG}), ('c', 1, 1, ${BIG});
  insert into audits values (1, '${ANN}', 'secret');`;

export interface SecondServer {
  readonly server: RivuletServer;
  readonly database: TestDatabase;
  readonly url: string;
  /** A user's bearer token: `${ANN}`, or `${ANN} cleared` for one with clearance. */
  token(user: string): Promise<string>;
  /** POSTs a document; what the answer says besides data and errors is left out. */
  ask(user: string, query: string, variables?: object): Promise<GraphQLAnswer>;
  /** A stock graphql-ws client; disposed of at the end of the file. */
  client(user: string): Promise<Client>;
  /** Subscribes, and resolves once the server follows. */
  follow(user: string, query: string, variables?: Record<string, unknown>): Promise<Stream>;
  subscribed(count: number): Promise<void>;
}

/** The second application on a database and a port of its own; to be called at the top level of a test file. */
export async function serveSecond(): Promise<SecondServer> {
  const watchers = watchSql(watchPlanOf(secondConfig, secondModel));
  const database = await createDatabase({ setup: `${everythingDdl}\n${secondDdl}\n${watchers}\n${ROWS}` });
  const server = await createServer(secondConfig, {
    environment: {},
    mode: 'development',
    databaseUrl: database.url,
    port: 0,
    secret: SECRET,
    logger: pino({ level: 'silent' }),
  });
  const clients: Client[] = [];
  /** Subscriptions begin one after the other, so that they can be counted. */
  let before: Promise<unknown> = Promise.resolve();
  afterAll(async () => {
    await Promise.all(clients.map((each) => each.dispose()));
    await server.stop(1_000);
  });
  const token = (user: string) => signToken(SECRET, user, 3_600);
  const subscribed: SecondServer['subscribed'] = async (count) => {
    await waitFor(`${count} subscriptions`, () => server.scopes.status().subscribers === count);
  };
  const client: SecondServer['client'] = async (user) => {
    const made = createClient({
      url: server.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${await token(user)}` },
    });
    clients.push(made);
    return made;
  };
  return {
    server,
    database,
    url: server.url,
    token,
    client,
    subscribed,
    ask: async (user, query, variables = {}) => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await token(user)}` },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as GraphQLAnswer;
      return { ...(data === undefined ? {} : { data }), ...(errors ? { errors } : {}) };
    },
    follow: (user, query, variables) => {
      const following = before.then(async () => {
        // A stream begins where the feed is: what was committed before must be behind it.
        await server.feed.catchUp();
        const { subscribers } = server.scopes.status();
        const stream = new Stream(await client(user), query, variables);
        await subscribed(subscribers + 1);
        return stream;
      });
      before = following.catch(() => {});
      return following;
    },
  };
}
