import { RivuletError } from '../../../shared/errors.js';
import type { Model } from '../../../shared/model/types.js';
import { createApi } from '../../api/create-api.js';
import { withPlainTables } from '../../api/plain-tables.js';
import type { KnownRelations } from '../../api/schema-types.js';
import type { RivuletApi } from '../../api/types.js';
import { connect } from '../../database/connect.js';
import { codedError } from '../../database/errors.js';
import { isNotReady, untilAnswered } from '../../database/retry.js';
import type { Database } from '../../database/types.js';
import { type CursorCodec, createCursorCodec } from '../../feed/cursor.js';
import type { NotifyQueue } from '../../feed/notify-queue.js';
import type { Feed } from '../../feed/types.js';
import { readModel, type SchemaRelations } from '../../model/read.js';
import { checkPolicies } from '../../policy/check.js';
import type { PolicyFault } from '../../policy/resolve-rights.js';
import type { ScopeRegistry } from '../../scope/messages/types.js';
import { fillColumnFacts } from '../../watch/column-facts.js';
import type { SchemaWatch } from '../../watch/schema-watch.js';
import type { WatchPlan } from '../../watch/types.js';
import type { RivuletConfig } from './config.js';
import { LIVE_POOL, SCOPE_POOL, startLiveServices } from './live-services.js';
import { createLogger, type ServerLogger } from './logger.js';
import { type EnvironmentVariables, resolveSettings, type ServerSettings } from './settings.js';
import { assertWatched, changeLogSecret, watchPlanOf } from './watch-plan.js';

export interface RivuletOptions {
  /** Environment variables, which win over the configuration. @default process.env */
  readonly environment?: EnvironmentVariables;
  readonly databaseUrl?: string;
  readonly logger?: ServerLogger;
  /** Milliseconds between two reads of the feed without a notification. @default 1000 */
  readonly pollMs?: number;
}

/** A configuration at work without a server: change streams and rows for this process. */
export interface Rivulet<TRelations extends SchemaRelations = SchemaRelations>
  extends RivuletApi<KnownRelations<TRelations>> {
  readonly model: Model;
  readonly database: Database;
  readonly feed: Feed;
  readonly scopes: ScopeRegistry;
  /** Ends every stream, then the feed and the pool. Twice is fine. */
  stop(): Promise<void>;
}

/**
 * Starts what `createServer` starts, without listening: connects and follows the change log.
 * Applies no migrations. Rejects, with nothing left open, with the coded error of what is wrong.
 */
export async function createRivulet<TContext, TRelations extends SchemaRelations>(
  config: RivuletConfig<TContext, TRelations>,
  options: RivuletOptions = {},
): Promise<Rivulet<TRelations>> {
  const untyped = config as RivuletConfig as RivuletConfig<unknown, TRelations>;
  const settings = resolveSettings(untyped, options.environment ?? process.env, 'production');
  const model = readModel(config.relations, { names: config.names });
  const { api, database, feed, scopes, close } = await openRivulet({
    config: untyped,
    settings: { ...settings, databaseUrl: options.databaseUrl ?? settings.databaseUrl },
    model,
    plan: watchPlanOf(untyped, model),
    pollMs: options.pollMs,
    logger: options.logger ?? createLogger(settings.logLevel),
  });
  let stopping: Promise<void> | undefined;
  return { ...api, model, database, feed, scopes, stop: () => (stopping ??= close()) };
}

/** A server that starts waits so long for a database that is starting, too, or recovers. */
const DATABASE_STARTS_WITHIN_MS = 60_000;

/**
 * Past this a request's connection is given up, so that links that died under requests do not keep
 * the pool.
 */
const REQUEST_SILENCE_MS = 60_000;

export interface OpenOptions<TRelations extends SchemaRelations> {
  readonly config: RivuletConfig<unknown, TRelations>;
  readonly settings: ServerSettings;
  readonly model: Model;
  readonly plan: WatchPlan;
  readonly pollMs: number | undefined;
  readonly schemaPollMs?: number | undefined;
  readonly logger: ServerLogger;
  readonly onStatement?: OnStatement | undefined;
}

/** Called for each statement that ended, by pool. */
export type OnStatement = (pool: 'requests' | 'live', tookMs: number, ok: boolean) => void;

/** The parts that work for every way in. */
export interface OpenRivulet<TRelations extends SchemaRelations> {
  readonly database: Database;
  readonly feed: Feed;
  readonly scopes: ScopeRegistry;
  readonly notifyQueue: NotifyQueue;
  readonly schemaWatch: SchemaWatch;
  readonly cursors: CursorCodec;
  readonly api: RivuletApi<KnownRelations<TRelations>>;
  /** Called when a policy function fails. */
  readonly onFault: (fault: PolicyFault) => void;
  /** From now on server code cannot begin a change stream; those that run go on until `close`. */
  refuseStreams(): void;
  close(): Promise<void>;
}

export async function openRivulet<TRelations extends SchemaRelations>(
  options: OpenOptions<TRelations>,
): Promise<OpenRivulet<TRelations>> {
  const { config, settings, plan, logger, pollMs, onStatement } = options;
  const { databaseUrl, limits, retention } = settings;
  if (databaseUrl === undefined) throw new RivuletError('DATABASE_NOT_CONFIGURED', 'DATABASE_URL is not set');
  checkPolicies(options.model, config.policies);
  const database = connect(databaseUrl, {
    max: settings.maxConnections,
    silenceMs: Math.max(REQUEST_SILENCE_MS, 2_000 * limits.statementSeconds),
    statementTimeoutMs: 1_000 * limits.statementSeconds,
    maxPerOwner: Math.max(1, Math.floor((settings.maxConnections * limits.poolPercentPerUser) / 100)),
    onStatement: onStatement && ((tookMs, ok) => onStatement('requests', tookMs, ok)),
    log: logger,
  });
  const ofLive = {
    applicationName: 'rivulet live',
    onStatement: onStatement && ((tookMs: number, ok: boolean) => onStatement('live', tookMs, ok)),
    log: logger,
  };
  const feedDatabase = connect(databaseUrl, { ...LIVE_POOL, ...ofLive });
  const liveDatabase = connect(databaseUrl, { ...SCOPE_POOL, ...ofLive });
  const closePools = async (): Promise<void> => {
    await Promise.all([feedDatabase.close(), liveDatabase.close(), database.close()]);
  };
  try {
    await untilAnswered(() => assertWatched(database, plan, options.model, logger), {
      signal: AbortSignal.timeout(DATABASE_STARTS_WITHIN_MS),
      isPassing: isNotReady,
      onRetry: (_error, waitMs) => logger.warn({ waitMs }, 'the database is not ready yet; waiting for it'),
    });
    const model = await withPlainTables(database, options.model, plan);
    await fillColumnFacts(database, model);
    const { feed, scopes, notifyQueue, schemaWatch, stop } = await startLiveServices({
      feedDatabase,
      database: liveDatabase,
      queries: database,
      model,
      plan,
      limits,
      retention,
      pollMs,
      schemaPollMs: options.schemaPollMs,
      logger,
    });
    const secret = settings.auth.secret ?? (await changeLogSecret(database));
    const cursors = createCursorCodec(secret, () => feed.epoch);
    const onFault = ({ table, rule, error }: PolicyFault): void =>
      logger.error({ err: error, table, rule }, 'a policy failed, and denies');
    let isRunning = true;
    const assertRunning = (): void => {
      if (!isRunning)
        throw new RivuletError('RIVULET_STOPPED', 'It was stopped, so nothing can be subscribed');
    };
    const api = createApi<KnownRelations<TRelations>>({
      assertRunning,
      model,
      policies: config.policies,
      labels: plan.labels,
      database,
      scopes,
      feed,
      cursors,
      onFault,
    });
    const refuseStreams = (): void => {
      isRunning = false;
    };
    const close = async (): Promise<void> => {
      refuseStreams();
      await stop();
      await closePools();
    };
    return { database, feed, scopes, notifyQueue, schemaWatch, cursors, api, onFault, refuseStreams, close };
  } catch (error) {
    await closePools();
    throw codedError(error) ?? error;
  }
}
