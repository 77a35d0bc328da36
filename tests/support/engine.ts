import { afterAll } from 'vitest';
import type { Model } from '../../shared/model/types.js';
import { untilAnswered } from '../../src/database/retry.js';
import type { Database } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import { createLogHistory } from '../../src/feed/log-history.js';
import { createLogPages } from '../../src/feed/log-pages.js';
import type { Feed } from '../../src/feed/types.js';
import { runSelect } from '../../src/query/select.js';
import { createEvaluator, type RetryPassing } from '../../src/scope/evaluate/batch-evaluator.js';
import { createScopes, type ScopesOptions } from '../../src/scope/lifecycle/scopes.js';
import type { ScopeRegistry } from '../../src/scope/messages/types.js';
import type { TestDatabase } from './database.js';
import { waitFor } from './wait-for.js';

/**
 * With `RIVULET_LANES=1` whatever Postgres evaluates for a subscription with an owner follows in a lane; the tests that compare with SELECT hold
 * there as well.
 */
export const lanesOfTests = process.env.RIVULET_LANES ? { sharedWeightPerOwner: 0 } : {};

export interface Engine {
  readonly feed: Feed;
  readonly scopes: ScopeRegistry;
  readonly retry: RetryPassing;
  /** Resolves when everything that had committed before the call was told to everybody. */
  quiet(): Promise<void>;
  /** Errors that ended a scope or a live query. */
  readonly failures: unknown[];
}

/** Feed and scopes on a database whose watchers are installed; stopped at the end of the file. */
export async function startEngine(
  database: TestDatabase,
  model: Model,
  limits: Pick<
    ScopesOptions,
    | 'maxScopeKeys'
    | 'maxQueuedChanges'
    | 'maxQueuedBytes'
    | 'maxReplayedChanges'
    | 'maxRecentChanges'
    | 'patienceMs'
    | 'fewestReached'
    | 'sharedWeightPerOwner'
    | 'maxLaneChanges'
  > = {},
  /** Through which feed and scopes ask. */
  db: Database = database.db,
): Promise<Engine> {
  const stopping = new AbortController();
  const retry: RetryPassing = (work) => untilAnswered(work, { signal: stopping.signal });
  const failures: unknown[] = [];
  const history = createLogHistory(model);
  const feed = createLogFeed({ database: db, model, pollMs: 20 });
  const scopes = createScopes({
    model,
    database: db,
    feed,
    history,
    pages: createLogPages(model),
    evaluator: createEvaluator({ database: db, model, history, retry }),
    run: (plan) => retry(() => runSelect(db, model, plan)),
    retry,
    onError: (error) => failures.push(error),
    ...limits,
  });
  await feed.start();
  afterAll(async () => {
    stopping.abort();
    await scopes.stop();
    await feed.stop();
  });
  const quiet = async (): Promise<void> => {
    await feed.catchUp();
    await waitFor('nobody is behind', () => scopes.figures().behind === 0, 30_000);
  };
  return { feed, scopes, retry, quiet, failures };
}
