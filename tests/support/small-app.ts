import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { type Client, createClient } from 'graphql-ws';
import pino from 'pino';
import WebSocket from 'ws';
import { readModel } from '../../src/model/read.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer, type RivuletServer, type ServerOptions } from '../../src/server/server.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { atEnd } from './at-end.js';
import { waitFor } from './wait-for.js';

/**
 * An application of two tables that everybody may read, for faults that need no rights: `counters` is what the fault concerns, `others` what
 * must not suffer from it.
 */
const columns = { id: integer().primaryKey(), version: integer().notNull(), body: text() };
const counters = pgTable('counters', columns);
const others = pgTable('others', columns);
const relations = defineRelations({ counters, others });

export const smallConfig = defineConfig({
  relations,
  policies: { counters: { read: () => true }, others: { read: () => true } },
}) as RivuletConfig;
export const smallModel = readModel(relations);

/** Both tables, watched, with `rows` rows each. */
export const smallSetup = (rows: number) => `
  create table counters (id int primary key, version int not null, body text);
  create table others (id int primary key, version int not null, body text);
  ${watchSql(watchPlanOf(smallConfig, smallModel))};
  insert into counters select i, 0, '' from generate_series(1, ${rows}) i;
  insert into others select i, 0, '' from generate_series(1, ${rows}) i;`;

export type SmallTable = 'counters' | 'others';

export interface SmallChange {
  readonly kind: 'ENTER' | 'UPDATE' | 'LEAVE';
  readonly key: string;
  readonly node: { readonly version: number; readonly body?: string | null } | null;
}

export interface SmallMessage {
  readonly cursor: string;
  readonly reset: string | null;
  readonly changes: readonly SmallChange[];
  /** When it came, by `performance.now()`. */
  readonly at: number;
}

/** One subscription, of which everything is kept. */
export interface Follower {
  readonly messages: readonly SmallMessage[];
  readonly changes: readonly SmallChange[];
  readonly resets: readonly string[];
  /** What ended it; `null` while it goes on. */
  readonly end: unknown;
  /** Waits until a row's version was told. */
  heard(key: number | string, version: number, timeoutMs?: number): Promise<void>;
  /** Once; resolves when the server serves it no more. */
  stop(): Promise<void>;
}

export interface SmallApp {
  readonly server: RivuletServer;
  readonly logged: readonly string[];
  /** The rows of a table, and the cursor of the answer. */
  fetch(table: SmallTable): Promise<{ readonly rows: readonly object[]; readonly cursor: string }>;
  /** Resolves when as many subscriptions are being served. */
  subscribed(count: number): Promise<void>;
  /** Subscribes to a table over a WebSocket; resolves once the server follows. One at a time. `body`: ask for it too. */
  follow(table: SmallTable, options?: FollowOptions): Promise<Follower>;
}

export interface FollowOptions {
  readonly after?: string;
  readonly body?: boolean;
}

export const SMALL_SECRET = 'a secret of the tests, long enough for HS256';

/** For the calling test, or outside of one for its file. */
export async function serveSmallApp(
  url: string,
  config: Partial<RivuletConfig> = {},
  options: ServerOptions = {},
): Promise<SmallApp> {
  const logged: string[] = [];
  const server = await createServer(
    { ...smallConfig, ...config },
    {
      environment: {},
      databaseUrl: url,
      port: 0,
      secret: SMALL_SECRET,
      logger: pino({ level: 'debug' }, { write: (line) => logged.push(line) }),
      ...options,
    },
  );
  const clients: Client[] = [];
  let open = 0;
  /** Followers come and go one after the other, so that they can be counted. */
  const served = (count: number) =>
    waitFor(`${count} subscriptions`, () => server.scopes.status().subscribers === count, 20_000);
  atEnd(async () => {
    await Promise.all(clients.map((client) => client.dispose()));
    await server.stop(1_000);
  });
  const token = await signToken(SMALL_SECRET, '1', 36_000);
  const authorization = `Bearer ${token}`;
  return {
    server,
    logged,
    fetch: async (table) => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ query: `{ ${table}(limit: 1000) { id version body } }` }),
      });
      const { data, errors, extensions } = (await response.json()) as {
        data: Record<SmallTable, object[]>;
        errors?: unknown;
        extensions: { rivulet: { cursor: string } };
      };
      if (errors) throw new Error(JSON.stringify(errors));
      return { rows: data[table], cursor: extensions.rivulet.cursor };
    },
    subscribed: async (count) => {
      await served(count);
    },
    follow: async (table, { after, body = false } = {}) => {
      const client = createClient({
        url: server.url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: { authorization },
      });
      clients.push(client);
      const follower = followWith(client, table, after, body, async () => {
        await client.dispose();
        await served(--open);
      });
      await served(++open);
      return follower;
    },
  };
}

function followWith(
  client: Client,
  table: SmallTable,
  after: string | undefined,
  body: boolean,
  stop: () => Promise<void>,
): Follower {
  const field = table === 'counters' ? 'counterChanges' : 'otherChanges';
  const messages: SmallMessage[] = [];
  const versions = new Map<string, number>();
  let end: unknown = null;
  client.subscribe<Record<string, Omit<SmallMessage, 'at'>>>(
    {
      query: `subscription ($after: String) { ${field}(after: $after) {
        cursor reset changes { kind key node { version ${body ? 'body' : ''} } } } }`,
      variables: { after },
    },
    {
      next: ({ data, errors }) => {
        if (!data) {
          end = errors;
          return;
        }
        const message = { ...data[field]!, at: performance.now() };
        messages.push(message);
        for (const { key, node } of message.changes) if (node) versions.set(key, node.version);
      },
      error: (error) => {
        end = error;
      },
      complete: () => {
        end ??= 'complete';
      },
    },
  );
  return {
    messages,
    get changes() {
      return messages.flatMap(({ changes }) => changes);
    },
    get resets() {
      return messages.flatMap(({ reset }) => (reset === null ? [] : [reset]));
    },
    get end() {
      return end;
    },
    heard: async (key, version, timeoutMs) => {
      await waitFor(
        `version ${version} of row ${key} is told`,
        () => {
          if (end !== null) throw new Error('the subscription ended', { cause: end });
          return (versions.get(String(key)) ?? -1) >= version;
        },
        timeoutMs,
      );
    },
    stop,
  };
}
