import type { Model } from '../../../shared/model/types.js';
import { codedError } from '../../database/errors.js';
import { isPassing, type RetryOptions, untilAnswered } from '../../database/retry.js';
import type { Database } from '../../database/types.js';
import { createLogFeed } from '../../feed/log-feed.js';
import { createLogHistory } from '../../feed/log-history.js';
import { createLogPages } from '../../feed/log-pages.js';
import { NotifyQueue } from '../../feed/notify-queue.js';
import type { Feed } from '../../feed/types.js';
import { rowCapOf } from '../../graphql/plan/plan-limits.js';
import { type LogRetention, startRetention } from '../../log/retention.js';
import { runSelect } from '../../query/select.js';
import { createEvaluator, type RetryPassing } from '../../scope/evaluate/batch-evaluator.js';
import { createScopes } from '../../scope/lifecycle/scopes.js';
import type { ScopeRegistry } from '../../scope/messages/types.js';
import { SchemaWatch } from '../../watch/schema-watch.js';
import type { WatchPlan } from '../../watch/types.js';
import type { ServerLimits } from './config.js';
import type { ServerLogger } from './logger.js';
import type { ServerSettings } from './settings.js';
import { isWatchedBy, modelNamesOf, schemaCheckOf } from './watch-plan.js';

export interface LiveServicesOptions {
  /** The pool of the feed alone, so that it never waits for other work: see `LIVE_POOL`. */
  readonly feedDatabase: Database;
  /** The pool of evaluations and replays: see `SCOPE_POOL`. */
  readonly database: Database;
  /** For the queries of live queries, which may take as long as a client's query does. */
  readonly queries: Database;
  readonly model: Model;
  readonly plan: WatchPlan;
  readonly limits: ServerLimits;
  readonly retention: ServerSettings['retention'];
  readonly pollMs: number | undefined;
  readonly schemaPollMs: number | undefined;
  readonly logger: ServerLogger;
}

/**
 * Connection options of the feed's pool. It reads each second at least, so that 3 seconds of
 * silence are noticed within 4; a statement that needs longer gets it at its second try.
 */
export const LIVE_POOL = { max: 2, connectTimeoutMs: 5_000, silenceMs: 3_000 };

/**
 * Work that waits for a locked table releases its connection meanwhile, and tries again later. One
 * connection is for work that all groups wait for, two for groups that begin or are behind, and two
 * for owners of many filters.
 */
export const SCOPE_POOL = { ...LIVE_POOL, max: 5, lockTimeoutMs: 500 };

/** The services behind subscriptions. */
export interface LiveServices {
  readonly feed: Feed;
  readonly scopes: ScopeRegistry;
  readonly notifyQueue: NotifyQueue;
  readonly schemaWatch: SchemaWatch;
  /** Ends every subscription and the feed. */
  stop(): Promise<void>;
}

const UNINDEXED =
  'subscriptions with this filter are evaluated for every change of the table: it has no equality condition';

/**
 * Starts following the change log. Its statements are retried for as long as Postgres is
 * unreachable.
 */
export async function startLiveServices(options: LiveServicesOptions): Promise<LiveServices> {
  const { feedDatabase, database, model, plan, limits, retention, logger } = options;
  const stopping = new AbortController();
  const retrying: RetryOptions = {
    signal: stopping.signal,
    onRetry: (error, waitMs) =>
      logger.warn({ err: error, waitMs }, 'the database is away; subscriptions wait'),
  };
  const retry: RetryPassing = (work) => untilAnswered(work, retrying);
  const { maxTransactionRows } = limits;
  const feed = createLogFeed({
    database: feedDatabase,
    model,
    pollMs: options.pollMs,
    maxTransactionRows,
    log: logger,
  });
  const history = createLogHistory(model, { maxTransactionRows });
  const schemaWatch = new SchemaWatch({ database, plan, model, everyMs: options.schemaPollMs, log: logger });
  const scopes = createScopes({
    model,
    database,
    feed,
    history,
    pages: createLogPages(model, { maxTransactionRows }),
    retry,
    evaluator: createEvaluator({ database, model, history, retry }),
    run: (select, { owner, cancellation, isRefresh }) =>
      untilAnswered(
        () => {
          const rowCap = rowCapOf([select], limits.maxTotalRows);
          return runSelect(options.queries, model, select, rowCap, { shared: true, owner, cancellation });
        },
        {
          ...retrying,
          // One that was answered before waits for a lock, or a server that is busy: that passes.
          isPassing: (error) =>
            isPassing(error) || (isRefresh && codedError(error)?.code === 'QUERY_TIMEOUT'),
        },
      ),
    isWatched: isWatchedBy(plan, model),
    schema: schemaCheckOf(schemaWatch, model),
    onError: (error) => logger.error({ err: error }, 'a subscription failed'),
    onUnindexed: (table, filter) => logger.warn({ table, filter }, UNINDEXED),
    maxScopeKeys: limits.maxScopeKeys,
    maxQueuedChanges: limits.maxQueuedChanges,
    maxQueuedBytes: limits.maxQueuedBytes,
    maxRecentChanges: limits.maxRecentChanges,
  });
  schemaWatch.onRefused = (tables) => void scopes.lose(modelNamesOf(model, tables));
  const notifyQueue = new NotifyQueue({ database, log: logger });
  let trimming: LogRetention | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await trimming?.stop();
    await notifyQueue.stop();
    await schemaWatch.stop();
    await scopes.stop();
    await feed.stop();
  };
  try {
    await feed.start();
    await schemaWatch.start();
  } catch (error) {
    await stop();
    throw error;
  }
  notifyQueue.start();
  if (retention !== null) {
    const keep = { ...retention, maxAgeSeconds: retention.maxAgeHours * 3_600 };
    trimming = startRetention({ database, keep, everyMs: retention.everySeconds * 1_000, log: logger });
  }
  return { feed, scopes, notifyQueue, schemaWatch, stop };
}
