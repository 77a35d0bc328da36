import postgres from 'postgres';
import { connect } from '../../src/database/connect.js';
import { readModel } from '../../src/model/read.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { install } from '../../src/watch/install.js';
import { applicationOf, itemsSql, NOTIFY_LEAST_SQL, NOTIFY_ROW_SQL } from '../application/items.js';
import { LIBRARY_SQL, library } from '../application/library.js';
import type { ConnectOptions, LoadApi } from '../load/load-api.js';
import type { TargetApi, TargetOptions, Usage } from '../targets/target-api.js';
import { Child } from './calls.js';
import type { Resources } from './resources.js';

export type TargetKind = 'rivulet' | 'yoga' | 'raw';

export interface StandOptions extends Omit<TargetOptions, 'databaseUrl'> {
  /** The name in the results. */
  readonly subject: string;
  readonly kind: TargetKind;
  readonly rows: number;
  readonly owners?: number;
  readonly subscribers: Subscribers;
}

export type Subscribers = Omit<ConnectOptions, 'url' | 'databaseUrl' | 'query'> & {
  readonly query?: string;
};

/** A subject under load: its database, the process that is measured, and the process of its subscribers. */
export interface Stand {
  readonly subject: string;
  readonly kind: TargetKind;
  readonly url: string;
  readonly databaseUrl: string;
  readonly target: Child<TargetApi>;
  readonly load: Child<LoadApi>;
}

const LIVE_WITHIN_MS = 120_000;

/** With every column, and with what a client needs to resume; by topic where subscribers have one. */
const QUERIES: Readonly<Record<TargetKind, Readonly<Record<'all' | 'topic', string>>>> = {
  rivulet: {
    all: 'subscription { itemChanges { cursor changes { kind key node { id topic owner title body amount } } } }',
    topic:
      'subscription Topic($topic: Int!) { itemChanges(where: { topic: { eq: $topic } }) { cursor changes { kind key node { id topic owner title body amount } } } }',
  },
  yoga: {
    all: 'subscription { itemChanged { id topic owner title body amount } }',
    topic:
      'subscription Topic($topic: Int!) { itemChanged(topic: $topic) { id topic owner title body amount } }',
  },
  raw: { all: 'subscription { itemChanged { id } }', topic: 'subscription { itemChanged { id } }' },
};

/** Makes the database, starts both processes, and resolves when every subscription is live. */
export async function startStand(serverUrl: string, open: Resources, options: StandOptions): Promise<Stand> {
  const { subject, kind, subscribers } = options;
  const databaseUrl = await createDatabase(serverUrl, kind, options.rows, options.owners ?? 1);
  const target = open.add(new Child<TargetApi>('targets/'.concat(kind, '.js')), (child) => child.stop());
  const load = open.add(new Child<LoadApi>('load/load.js'), (child) => child.stop());
  const { matching, maxQueuedChanges, rights, writes, bodies } = options;
  const url = await target.call('start', {
    databaseUrl,
    matching,
    maxQueuedChanges,
    rights,
    writes,
    bodies,
  });
  const stand = { subject, kind, url, databaseUrl, target, load };
  await connectTo(stand, subscribers);
  return stand;
}

/** Resolves when every subscription is live. */
export async function connectTo(stand: Stand, subscribers: Subscribers): Promise<void> {
  const { kind, url, databaseUrl, target, load, subject } = stand;
  const { query, ...rest } = subscribers;
  const topics = rest.topicsPerSocket ?? 0;
  await load.call('connect', {
    ...rest,
    url,
    databaseUrl,
    query: query ?? QUERIES[kind][topics === 0 ? 'all' : 'topic'],
    signIn: rest.signIn ?? (kind === 'rivulet' && topics > 0 ? 'token' : 'plain'),
  });
  await untilLive(target, load, rest.sockets * Math.max(1, topics), subject);
}

/** Closes all sockets; resolves when the target has noticed. */
export async function disconnectFrom({ target, load, subject }: Stand): Promise<void> {
  await load.call('disconnect', undefined);
  await untilLive(target, load, 0, subject);
}

/** A database with the library of the queries; `watched`: as Rivulet needs it. */
export async function createLibrary(serverUrl: string, watched: boolean): Promise<string> {
  const url = await createEmpty(serverUrl, 'library');
  await runScript(url, LIBRARY_SQL);
  if (watched) await installWatchers(url, library);
  return url;
}

/** A database with the table and what the subject captures changes with; `bare`: with nothing. */
export async function createDatabase(
  serverUrl: string,
  kind: TargetKind | 'bare',
  rows: number,
  owners: number,
): Promise<string> {
  const url = await createEmpty(serverUrl, kind);
  await runScript(url, itemsSql(rows, owners));
  if (kind === 'yoga') await runScript(url, NOTIFY_ROW_SQL, false);
  if (kind === 'raw') await runScript(url, NOTIFY_LEAST_SQL, false);
  if (kind === 'rivulet') await installWatchers(url, applicationOf('owner'));
  return url;
}

async function createEmpty(serverUrl: string, kind: string): Promise<string> {
  const name = `bench_${kind}_${process.hrtime.bigint()}`;
  const admin = postgres(serverUrl, { max: 1 });
  await admin.unsafe(`create database ${name}`);
  await admin.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Statement by statement, where some may not be in one transaction. */
async function runScript(url: string, script: string, apart = true): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  for (const statement of apart ? script.split(';') : [script]) {
    if (statement.trim()) await sql.unsafe(statement);
  }
  await sql.end();
}

async function installWatchers(url: string, config: RivuletConfig): Promise<void> {
  const database = connect(url, { max: 1 });
  await install(database, watchPlanOf(config, readModel(config.relations)));
  await database.close();
}

async function untilLive(
  target: Child<TargetApi>,
  load: Child<LoadApi>,
  expected: number,
  subject: string,
): Promise<void> {
  const until = Date.now() + LIVE_WITHIN_MS;
  for (;;) {
    const live = await target.call('subscribers', undefined);
    if (live === expected) return;
    const troubles = await load.call('troubles', undefined);
    if (troubles.length > 0 || Date.now() > until) {
      throw new Error(`${subject}: ${live} of ${expected} subscriptions are live. ${troubles.join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Processor time that the measured process took for `work`. */
export async function metered<T>(
  stand: Stand,
  work: () => Promise<T>,
): Promise<{ result: T; cpuMicros: number; usage: Usage }> {
  const before = await stand.target.call('usage', { collect: false });
  const result = await work();
  const usage = await stand.target.call('usage', { collect: false });
  return { result, cpuMicros: usage.cpuMicros - before.cpuMicros, usage };
}
