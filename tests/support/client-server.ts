import { drizzle } from 'drizzle-orm/postgres-js';
import pino from 'pino';
import postgres from 'postgres';
import { afterAll } from 'vitest';
import type { Manifest } from '../../client/core/index.js';
import config from '../../rivulet.config.js';
import { seed } from '../../schema/seed.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { describeConfig } from '../../src/server/engine/describe-config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer, type RivuletServer } from '../../src/server/server.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase, type TestDatabase } from './database.js';
import { exampleModel, exampleTables } from './example.js';

const SECRET = 'a secret of the client tests, long enough for HS256';

/** The example's server, which can be stopped and started again at the same address. */
export interface ClientServer {
  readonly database: TestDatabase;
  readonly manifest: Manifest;
  readonly url: string;
  readonly webSocketUrl: string;
  /** Of the server that runs now. */
  subscriptions(): number;
  token(userId: number): Promise<string>;
  /** What the network answers, without any client; throws on errors. */
  fresh(userId: number, query: string, variables?: object): Promise<unknown>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** To be called at the top level of a test file. `rows`: SQL instead of the example's seed. */
export async function serveForClients(
  rows?: string,
  overrides: Partial<RivuletConfig> = {},
): Promise<ClientServer> {
  const { policies, ...rest } = config as RivuletConfig;
  const { members } = policies!;
  // Here a client may change a key, so that caches meet one that changed.
  const update = { ...(members!.update as object), columns: ['projectId', 'userId', 'role'] };
  const served = {
    ...rest,
    policies: { ...policies, members: { ...members, update } },
    ...overrides,
  } as RivuletConfig;
  const watchers = watchSql(watchPlanOf(served, exampleModel));
  const database = await createDatabase({ setup: `${exampleTables()};\n${watchers};\n${rows ?? ''}` });
  if (rows === undefined) {
    const client = postgres(database.url, { max: 1, onnotice: () => {} });
    await seed(drizzle({ client }));
    await client.end();
  }
  let server: RivuletServer | undefined;
  let port = 0;
  const start = async (): Promise<void> => {
    server = await createServer(served, {
      environment: {},
      mode: 'development',
      databaseUrl: database.url,
      port,
      secret: SECRET,
      logger: pino({ level: 'silent' }),
    });
    port = server.port;
  };
  const stop = async (): Promise<void> => {
    await server?.stop(500);
    server = undefined;
  };
  await start();
  afterAll(stop);
  const { url } = server!;
  const token = (userId: number) => signToken(SECRET, String(userId), 3_600);
  return {
    database,
    manifest: describeConfig(served).manifest,
    url,
    webSocketUrl: url.replace('http', 'ws'),
    subscriptions: () => server?.scopes.status().subscribers ?? 0,
    token,
    fresh: async (userId, query, variables) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await token(userId)}` },
        body: JSON.stringify({ query: query.replace(' @live', ''), variables }),
      });
      const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    },
    stop,
    start,
  };
}
