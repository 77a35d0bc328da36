import { defineRelations } from 'drizzle-orm';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import pino from 'pino';
import { afterAll } from 'vitest';
import WebSocket from 'ws';
import { RivuletError } from '../../shared/errors.js';
import { readModel } from '../../src/model/read.js';
import { definePolicies } from '../../src/policy/rules.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer } from '../../src/server/server.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from './database.js';
import { RawEventStream } from './event-stream.js';
import { RawSocket } from './raw-socket.js';
import { SMALL_SECRET } from './small-app.js';
import { waitFor } from './wait-for.js';

/** A session as the application keeps it, outside of the database; changed in place. */
export interface AppSession {
  subject: string;
  role: 'editor' | 'viewer';
  isDisabled?: boolean;
  expiresAt?: Date | number | null;
}

const gauges = pgTable('gauges', { id: integer().primaryKey(), version: integer().notNull() });
const relations = defineRelations({ gauges });
const policies = definePolicies<typeof relations, Partial<AppSession> | null>(relations, {
  gauges: {
    read: (session) => session?.role === 'editor' || (session?.role === 'viewer' && { id: 1 }),
    update: (session) => session?.role === 'editor',
  },
});

const ROWS = 4;
const SETUP = 'create table gauges (id int primary key, version int not null)';

export const CHANGES = 'subscription { gaugeChanges { reset changes { kind key node { version } } } }';
export const LIVE = 'subscription { gauges { id version } }';

/** A version of a row that a subscriber was shown. */
export interface Shown {
  readonly id: string;
  readonly version: number;
}

/** A subscription, over whatever transport. */
export interface Watched {
  /** Everything that came, as text. */
  readonly text: string;
  /** The versions of rows in it, in order. */
  shown(): Shown[];
  /** Its end, as far as the transport says; `null` while it goes on. */
  readonly end: string | null;
  close(): void;
}

export type Watching = (query: string, cookie: string) => Promise<Watched>;

/** An application with sessions by cookie, whose rights no database knows; to be called at the top level of a test file. */
export async function serveCookieApp(overrides: Partial<RivuletConfig> = {}) {
  const sessions = new Map<string, AppSession>();
  const app = { asked: 0, gate: Promise.resolve() };
  const config = defineConfig<Partial<AppSession> | null>({
    relations,
    policies,
    context: async (_claims, { headers }) => {
      app.asked++;
      const session = sessions.get(/sid=(\w+)/.exec(headers.get('cookie') ?? '')?.[1] ?? '');
      await app.gate;
      if (session?.isDisabled) throw new RivuletError('TOKEN_INVALID', 'this user is disabled');
      return session ?? null;
    },
  }) as RivuletConfig;
  const model = readModel(relations);
  const database = await createDatabase({ setup: `${SETUP};\n${watchSql(watchPlanOf(config, model))}` });
  await database.script(`insert into gauges select i, 0 from generate_series(1, ${ROWS}) i`);
  const server = await createServer(
    { ...config, ...overrides },
    {
      environment: {},
      databaseUrl: database.url,
      port: 0,
      secret: SMALL_SECRET,
      logger: pino({ level: 'silent' }),
      pollMs: 20,
    },
  );
  const writer = database.connect({ max: ROWS, applicationName: 'writer' });
  const counter = { issued: 0 };
  const open: { close(): void }[] = [];
  afterAll(async () => {
    for (const each of open) each.close();
    await server.stop(1_000);
  });
  const headersOf = (cookie: string) => ({ cookie: `sid=${cookie}`, 'x-requested-with': 'test' });
  const kept = <T extends { close(): void }>(watched: T): T => {
    open.push(watched);
    return watched;
  };

  const socket = (cookie: string) =>
    new RawSocket(
      new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws', {
        headers: { ...headersOf(cookie), origin: new URL(server.url).origin },
      }),
    );

  const post = (cookie: string, query: string, more: { headers?: object; extensions?: object } = {}) =>
    fetch(server.url, {
      method: 'POST',
      headers: { ...headersOf(cookie), 'content-type': 'application/json', ...more.headers },
      body: JSON.stringify({ query, extensions: more.extensions }),
    });

  const overSocket: Watching = async (query, cookie) => {
    const raw = await socket(cookie).init();
    let end: string | null = null;
    raw.socket.on('close', (code, reason) => {
      end = `${code} ${reason}`;
    });
    raw.subscribe('1', query);
    return kept({
      get text() {
        return JSON.stringify(raw.received);
      },
      shown: () => shownIn(raw.received),
      get end() {
        return end;
      },
      close: () => raw.socket.terminate(),
    });
  };

  const ofStream = (stream: RawEventStream): Watched =>
    kept({
      get text() {
        return stream.text;
      },
      shown: () => shownIn(stream.events),
      get end() {
        return stream.hasEnded ? (/"code":"(\w+)"/.exec(stream.text)?.[1] ?? 'cut') : null;
      },
      close: () => stream.close(),
    });

  const overEventStream: Watching = async (query, cookie) =>
    ofStream(
      await RawEventStream.open(`${server.url}?query=${encodeURIComponent(query)}`, {
        headers: headersOf(cookie),
      }),
    );

  const overReserved: Watching = async (query, cookie) => {
    const headers = headersOf(cookie);
    const token = await (await fetch(server.url, { method: 'PUT', headers })).text();
    const reserved = { 'x-graphql-event-stream-token': token };
    const stream = await RawEventStream.open(server.url, { headers: { ...headers, ...reserved } });
    await post(cookie, query, { headers: reserved, extensions: { operationId: '1' } });
    return ofStream(stream);
  };

  const transports: Readonly<
    Record<'a WebSocket' | 'an event stream' | 'a reserved event stream', Watching>
  > = {
    'a WebSocket': overSocket,
    'an event stream': overEventStream,
    'a reserved event stream': overReserved,
  };

  return {
    server,
    database,
    sessions,
    app,
    transports,
    socket,
    post,
    writing: () => startWriting(writer, counter),
    subscribed: (count: number) =>
      waitFor(`${count} subscriptions`, () => server.scopes.status().subscribers === count),
  };
}

function shownIn(messages: unknown): Shown[] {
  const found: Shown[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { key, id, node, version } = value as {
      key?: string;
      id?: string;
      node?: { version: number } | null;
      version?: number;
    };
    if (key !== undefined && node) found.push({ id: key, version: node.version });
    else if (id !== undefined && version !== undefined) found.push({ id, version });
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(messages);
  return found;
}

type Connection = ReturnType<Awaited<ReturnType<typeof createDatabase>>['connect']>;

/** Raises versions, each by a transaction of its own, at about `perSecond`; a version that was issued later is a larger one. */
function startWriting(database: Connection, counter: { issued: number }, perSecond = 1_000) {
  const startedAt = performance.now();
  let begun = 0;
  let committed = 0;
  let isOver = false;
  const work = async (id: string): Promise<void> => {
    while (!isOver) {
      if (begun >= ((performance.now() - startedAt) / 1_000) * perSecond) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      begun++;
      const params = [String(++counter.issued), id];
      await database.query({
        text: 'update gauges set version = $1::text::int where id = $2::text::int',
        params,
      });
      committed++;
    }
  };
  const workers = Array.from({ length: ROWS }, (_, at) => work(String(at + 1)));
  return {
    /** The newest version that may be committed by now. */
    get issued() {
      return counter.issued;
    },
    get perSecond() {
      return Math.round(committed / ((performance.now() - startedAt) / 1_000));
    },
    /** Waits until so many more were committed. */
    more: (count: number) => {
      const target = committed + count;
      return waitFor(`${count} more writes`, () => committed >= target, 30_000);
    },
    /** Twice is fine. */
    stop: async () => {
      isOver = true;
      await Promise.all(workers);
    },
  };
}
