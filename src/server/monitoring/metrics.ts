import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Database } from '../../database/types.js';
import type { NotifyQueue } from '../../feed/notify-queue.js';
import type { Feed, FeedStatus } from '../../feed/types.js';
import type { ScopeRegistry } from '../../scope/messages/types.js';
import type { SchemaWatch } from '../../watch/schema-watch.js';
import type { OnStatement } from '../engine/rivulet.js';

/**
 * Figures of one server, in Prometheus's text format. Each has a registry of its own: several
 * servers in one process do not mix.
 */
export interface ServerMetrics {
  readonly contentType: string;
  readonly onStatement: OnStatement;
  /** Sets the source of the figures. */
  measure(parts: MeasuredParts): void;
  text(): Promise<string>;
}

export interface MeasuredParts {
  readonly feed: Feed;
  readonly scopes: ScopeRegistry;
  readonly notifyQueue: NotifyQueue;
  readonly schemaWatch: SchemaWatch;
  readonly database: Database;
  readonly sockets: () => number;
  readonly eventStreams: () => number;
}

/** Milliseconds after which figures of the log that the database has not sent are left out. */
const LOG_WITHIN_MS = 2_000;
const STATES: readonly FeedStatus['state'][] = ['starting', 'live', 'reconnecting', 'stopped'];
const RESTS: readonly FeedStatus['rest'][] = ['clock', 'awake', 'falling asleep', 'asleep'];
const STATEMENT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const statements = new Histogram({
    name: 'rivulet_statement_seconds',
    help: 'Statements sent to the database, by pool (requests, live) and outcome.',
    labelNames: ['pool', 'outcome'] as const,
    buckets: STATEMENT_BUCKETS,
    registers,
  });
  return {
    contentType: registry.contentType,
    onStatement: (pool, tookMs, ok) =>
      statements.observe({ pool, outcome: ok ? 'ok' : 'error' }, tookMs / 1_000),
    measure: (parts) => {
      measureFeed(registers, parts.feed);
      measureScopes(registers, parts);
      measureDrifts(registers, parts.schemaWatch);
      measureLog(registers, parts.database);
      gauge(
        registers,
        'rivulet_notify_queue_usage',
        "How full PostgreSQL's queue of notifications is, from 0 to 1.",
        () => parts.notifyQueue.usage,
      );
    },
    text: () => registry.metrics(),
  };
}

function measureFeed(registers: Registry[], feed: Feed): void {
  gauge(registers, 'rivulet_feed_lag_seconds', 'From logging to hand-over of the newest transaction.', () =>
    seconds(feed.status().lagMs),
  );
  gauge(registers, 'rivulet_feed_read_age_seconds', 'Since the log was last read.', () =>
    seconds(feed.status().lastReadAgoMs),
  );
  gauge(
    registers,
    'rivulet_feed_wakeups',
    '1 where notifications wake the feed, 0 where only the clock does.',
    () => Number(feed.status().wakeUps === 'working'),
  );
  counter(
    registers,
    'rivulet_feed_transactions_total',
    'Transactions read from the log.',
    () => feed.status().transactions,
  );
  counter(
    registers,
    'rivulet_feed_changes_total',
    'Changed rows read from the log.',
    () => feed.status().changes,
  );
  new Gauge({
    name: 'rivulet_feed_rest',
    help: 'How the feed waits has 1: awake writers need not notify, asleep they do, by the clock nobody is heard.',
    labelNames: ['rest'],
    registers,
    collect() {
      const { rest } = feed.status();
      for (const each of RESTS) this.set({ rest: each }, Number(each === rest));
    },
  });
  counter(registers, 'rivulet_feed_naps_total', 'Times that the feed fell asleep.', () => feed.status().naps);
  counter(
    registers,
    'rivulet_feed_rings_total',
    "Notifications of writers that were heard; transactions beyond that were not notified, or another session's.",
    () => feed.status().rings,
  );
  new Counter({
    name: 'rivulet_feed_readings_total',
    help: 'Readings of the log, by whether they found anything.',
    labelNames: ['found'],
    registers,
    collect() {
      const { readings, fruitfulReadings } = feed.status();
      this.reset();
      this.inc({ found: 'something' }, fruitfulReadings);
      this.inc({ found: 'nothing' }, readings - fruitfulReadings);
    },
  });
  counter(
    registers,
    'rivulet_listener_reconnects_total',
    'Times that the listening connection was lost.',
    () => feed.status().reconnects,
  );
  new Gauge({
    name: 'rivulet_feed_state',
    help: 'The state that the feed is in has 1.',
    labelNames: ['state'],
    registers,
    collect() {
      const { state } = feed.status();
      for (const each of STATES) this.set({ state: each }, Number(each === state));
    },
  });
}

function measureDrifts(registers: Registry[], schemaWatch: SchemaWatch): void {
  new Gauge({
    name: 'rivulet_schema_drifts',
    help: 'Differences between the database and the schema, by effect: changes may go unseen, cannot be read, or none.',
    labelNames: ['effect'],
    registers,
    collect() {
      for (const effect of ['unseen', 'unread', 'none'] as const) {
        this.set({ effect }, schemaWatch.drifts.filter((drift) => drift.effect === effect).length);
      }
    },
  });
}

function measureScopes(registers: Registry[], { scopes, sockets, eventStreams }: MeasuredParts): void {
  gauge(registers, 'rivulet_scopes', 'Sets of rows with subscribers.', () => scopes.status().scopes);
  gauge(
    registers,
    'rivulet_scopes_behind',
    'Sets of rows that wait for the database longer than others do.',
    () => scopes.figures().behind,
  );
  gauge(registers, 'rivulet_live_queries', 'Queries kept answered.', () => scopes.status().liveQueries);
  gauge(registers, 'rivulet_subscribers', 'Subscriptions to either.', () => scopes.status().subscribers);
  gauge(registers, 'rivulet_sockets', 'Open WebSockets.', sockets);
  gauge(registers, 'rivulet_event_streams', 'Open event streams.', eventStreams);
  gauge(
    registers,
    'rivulet_queued_changes',
    'Changes that wait for slow subscribers.',
    () => scopes.figures().queued,
  );
  counter(
    registers,
    'rivulet_deliveries_total',
    'Messages and answers, one for each subscriber.',
    () => scopes.figures().deliveries,
  );
  new Counter({
    name: 'rivulet_resets_total',
    help: 'Resets told to a subscriber, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(scopes.figures().resets)) this.inc({ reason }, count);
    },
  });
}

function measureLog(registers: Registry[], database: Database): void {
  // One question for all figures of one scrape.
  let asked: Promise<LogFigures | null> | null = null;
  const ask = (): Promise<LogFigures | null> => {
    asked ??= logFigures(database).finally(() => {
      asked = null;
    });
    return asked;
  };
  const figures: Readonly<Record<keyof LogFigures, readonly [name: string, help: string]>> = {
    rows: ['rivulet_log_rows', 'Rows of the change log when retention last counted.'],
    bytes: ['rivulet_log_bytes', 'Bytes of the change log as retention counts them.'],
    disk: ['rivulet_log_disk_bytes', 'Bytes of the change log on disk, indexes and free space included.'],
  };
  for (const [key, [name, help]] of Object.entries(figures)) {
    gauge(registers, name, help, async () => (await ask())?.[key as keyof LogFigures] ?? null);
  }
}

interface LogFigures {
  readonly rows: number;
  readonly bytes: number;
  readonly disk: number;
}

async function logFigures(database: Database): Promise<LogFigures | null> {
  const text = `select rows::text, bytes::text, pg_total_relation_size('rivulet.change')::text from rivulet.log`;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), LOG_WITHIN_MS);
  });
  const asked = database.query({ text, params: [] }).then(
    ([row]) => (row ? { rows: Number(row[0]), bytes: Number(row[1]), disk: Number(row[2]) } : null),
    () => null,
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}

/** Leaves out unknown figures (`null`), because an old figure would look like a new one. */
function gauge(
  registers: Registry[],
  name: string,
  help: string,
  read: () => number | null | Promise<number | null>,
): void {
  new Gauge({
    name,
    help,
    registers,
    async collect() {
      const value = await read();
      if (value === null) this.remove();
      else this.set(value);
    },
  });
}

/** A counter whose value another object keeps. */
function counter(registers: Registry[], name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers,
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
