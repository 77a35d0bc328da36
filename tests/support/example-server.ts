import { drizzle } from 'drizzle-orm/postgres-js';
import { type Client, createClient } from 'graphql-ws';
import pino from 'pino';
import postgres from 'postgres';
import { afterAll } from 'vitest';
import WebSocket, { type ClientOptions } from 'ws';
import config from '../../rivulet.config.js';
import { seed } from '../../schema/seed.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer, type RivuletServer, type ServerOptions } from '../../src/server/server.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase, type TestDatabase } from './database.js';
import { exampleModel, exampleTables } from './example.js';
import { waitFor } from './wait-for.js';

const SECRET = 'a secret of the tests, long enough for HS256';

export interface ExampleServer {
  readonly server: RivuletServer;
  readonly database: TestDatabase;
  /** `http://127.0.0.1:12345/graphql` */
  readonly url: string;
  readonly webSocketUrl: string;
  /** What was logged, as JSON lines. */
  readonly logged: readonly string[];
  /** Of ada (1), grace (2), alan (3), or of nobody in particular; a negative duration has expired. */
  token(userId: number | string, expiresInSeconds?: number): Promise<string>;
  /** POSTs a document as JSON. */
  post(
    query: string,
    options?: PostOptions,
  ): Promise<{ readonly status: number; readonly body: GraphQLAnswer }>;
  /** Resolves when as many subscriptions are being served. */
  subscribed(count: number): Promise<void>;
  /** A stock graphql-ws client; disposed of at the end of the file. */
  client(token: string | null): Client;
  /** A bare socket, open; terminated at the end of the file. */
  socket(options?: ClientOptions, protocols?: string | string[]): WebSocket;
}

export interface PostOptions {
  readonly token?: string;
  readonly variables?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface GraphQLAnswer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: Readonly<Record<string, unknown>>;
  }[];
}

/** The example, seeded, on a database and a port of its own; to be called at the top level of a test file. */
export async function serveExample(
  overrides: Partial<RivuletConfig> = {},
  options: ServerOptions = {},
): Promise<ExampleServer> {
  // Whether the board happens to be built must not matter.
  const served = { ...(config as RivuletConfig), pages: undefined, ...overrides };
  const watchers = watchSql(watchPlanOf(config as RivuletConfig, exampleModel));
  const database = await createDatabase({ setup: `${exampleTables()};\n${watchers}` });
  await seedOnce(database.url);
  const logged: string[] = [];
  const server = await createServer(served, {
    environment: {},
    mode: 'development',
    databaseUrl: database.url,
    port: 0,
    secret: SECRET,
    logger: pino({ level: 'debug' }, { write: (line) => logged.push(line) }),
    ...options,
  });
  const sockets: WebSocket[] = [];
  const clients: Client[] = [];
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.dispose()));
    for (const socket of sockets) socket.terminate();
    await server.stop(1_000);
  });
  const { url } = server;
  const webSocketUrl = url.replace('http', 'ws');
  return {
    server,
    database,
    url,
    webSocketUrl,
    logged,
    token: (userId, expiresInSeconds = 3_600) => signToken(SECRET, String(userId), expiresInSeconds),
    post: (query, postOptions) => post(url, query, postOptions),
    subscribed: async (count) => {
      await waitFor(`${count} subscriptions`, () => server.scopes.status().subscribers === count);
    },
    client: (token) => {
      const client = createClient({
        url: webSocketUrl,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: token === null ? {} : { authorization: `Bearer ${token}` },
      });
      clients.push(client);
      return client;
    },
    socket: (socketOptions, protocols = 'graphql-transport-ws') => {
      const socket = new WebSocket(webSocketUrl, protocols, socketOptions);
      socket.on('error', () => {});
      sockets.push(socket);
      return socket;
    },
  };
}

async function seedOnce(url: string): Promise<void> {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  await seed(drizzle({ client }));
  await client.end();
}

async function post(url: string, query: string, options: PostOptions = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...options.headers,
    },
    body: JSON.stringify({ query, variables: options.variables }),
  });
  return { status: response.status, body: (await response.json()) as GraphQLAnswer };
}
