import { defineRelations } from 'drizzle-orm';
import { integer, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { type Client, createClient } from 'graphql-ws';
import pino from 'pino';
import WebSocket from 'ws';
import { readModel } from '../../src/model/read.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer, type RivuletServer } from '../../src/server/server.js';
import { install } from '../../src/watch/install.js';
import { atEnd } from './at-end.js';
import type { TestDatabase } from './database.js';

/** An application whose table `things` is altered under a running server. `v` is another number at each write. */
const mood = pgEnum('mood', ['fine', 'low']);
const owners = pgTable('owners', { id: integer().primaryKey(), name: text() });
const things = pgTable('things', {
  id: integer().primaryKey(),
  v: integer().notNull(),
  a: text(),
  n: integer(),
  at: timestamp(),
  mood: mood(),
  ownerId: integer('owner_id'),
});
const relations = defineRelations({ things, owners }, (r) => ({
  things: { owner: r.one.owners({ from: r.things.ownerId, to: r.owners.id }) },
}));
export const alteredConfig = defineConfig({
  relations,
  policies: { things: { read: () => true }, owners: { read: () => true } },
}) as RivuletConfig;
export const alteredModel = readModel(relations);
export const alteredPlan = watchPlanOf(alteredConfig, alteredModel);

export const THINGS = `create table things (id int primary key, v int not null, a text, n int, at timestamp, mood mood, owner_id int)`;

/** The table as the schema says it, whatever it was before; with the rows that fit. */
export const MEND = `do $$ begin
  if to_regclass('things') is null and to_regclass('items') is not null then alter table items rename to things; end if;
  drop table if exists items;
  if to_regtype('mood') is null then alter type mood2 rename to mood; end if;
  if to_regclass('things') is null then ${THINGS}; end if;
end $$;
create temp table kept as select * from things;
drop table things;
alter type mood rename to mood_before;
create type mood as enum ('fine', 'low');
${THINGS};
insert into things (id, v) select id, max(v) from kept group by id;
drop table kept;
drop type mood_before cascade;`;

export async function createAltered(database: TestDatabase): Promise<void> {
  await database.script(`create type mood as enum ('fine', 'low'); ${THINGS};
    create table owners (id int primary key, name text); insert into owners values (1, 'ada'), (2, 'grace');
    insert into things select i, 0, 'a', i, '2026-01-02T03:04:05', 'fine', 1 + i % 2 from generate_series(1, 6) i`);
  await install(database.db, alteredPlan);
}

export interface AlteredApp {
  readonly server: RivuletServer;
  /** What was logged, as JSON lines. */
  readonly logged: readonly string[];
  readonly client: Client;
  /** A query's answer and its cursor; rejects with its errors. */
  query(document: string): Promise<{ readonly data: unknown; readonly cursor: string }>;
  warnings(): Promise<readonly string[]>;
}

const SECRET = 'a secret of the tests, long enough for HS256';

/** For the calling test, or outside of one for its file. */
export async function serveAltered(
  url: string,
  options: { readonly config?: RivuletConfig; readonly schemaPollMs?: number } = {},
): Promise<AlteredApp> {
  const logged: string[] = [];
  const server = await createServer(
    { ...(options.config ?? alteredConfig), server: { metrics: { port: 0 } } },
    {
      environment: {},
      databaseUrl: url,
      port: 0,
      secret: SECRET,
      ...(options.schemaPollMs !== undefined && { schemaPollMs: options.schemaPollMs }),
      logger: pino({ level: 'debug' }, { write: (line) => logged.push(line) }),
    },
  );
  const authorization = `Bearer ${await signToken(SECRET, '1', 36_000)}`;
  const client = createClient({
    url: server.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazyCloseTimeout: 60_000,
    connectionParams: { authorization },
  });
  atEnd(async () => {
    await client.dispose();
    await server.stop(1_000);
  });
  return {
    server,
    logged,
    client,
    query: async (query) => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ query }),
      });
      const { data, errors, extensions } = (await response.json()) as {
        data: unknown;
        errors?: unknown;
        extensions: { rivulet: { cursor: string } };
      };
      if (errors) throw new Error(JSON.stringify(errors));
      return { data, cursor: extensions.rivulet.cursor };
    },
    warnings: async () => {
      const response = await fetch(new URL('/ready', server.metricsUrl!));
      return ((await response.json()) as { warnings: string[] }).warnings;
    },
  };
}
