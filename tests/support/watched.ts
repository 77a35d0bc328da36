import type { AnyRelations } from 'drizzle-orm';
import type { Model } from '../../shared/model/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import type { Feed, FeedBatch } from '../../src/feed/types.js';
import type { LoggedChange, LoggedTransaction } from '../../src/log/types.js';
import { readModel } from '../../src/model/read.js';
import { defaultWatchers } from '../../src/watch/default-watchers.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import type { WatcherSpec, WatchPlan } from '../../src/watch/types.js';
import type { TestDatabase } from './database.js';

export interface Watched {
  readonly model: Model;
  readonly plan: WatchPlan;
  /** Started, without LISTEN: it reads when asked to (`catchUp`). */
  readonly feed: Feed;
  /** Everything handed over so far. */
  readonly batches: FeedBatch[];
  /** The transactions that were logged since the last call. */
  take(): Promise<readonly LoggedTransaction[]>;
  /** Their changes, as `op table old → new` in the form of a tagged list: `['UPDATE', 'tasks', old, new]`. */
  takeChanges(): Promise<readonly PlainChange[]>;
  stop(): Promise<void>;
}

export type PlainChange = readonly [
  op: string,
  table: string,
  old: LoggedChange['old'],
  next: LoggedChange['new'],
];

/** Installs the watchers of every table (or the given ones) and starts a feed. */
export async function watch(
  database: TestDatabase,
  relations: AnyRelations,
  specs?: readonly WatcherSpec[],
): Promise<Watched> {
  const model = readModel(relations);
  const plan = planWatchers(model, specs ?? defaultWatchers(model, () => true));
  await install(database.db, plan);
  const feed = createLogFeed({ database: database.db, model, listen: false, pollMs: 3_600_000 });
  const batches: FeedBatch[] = [];
  const taken: LoggedTransaction[] = [];
  feed.listen((batch) => {
    batches.push(batch);
    taken.push(...batch.transactions);
  });
  await feed.start();
  const take = async (): Promise<readonly LoggedTransaction[]> => {
    await feed.catchUp();
    return taken.splice(0);
  };
  return {
    model,
    plan,
    feed,
    batches,
    take,
    takeChanges: async () =>
      (await take()).flatMap(({ changes }) =>
        changes.map((change) => [change.op, change.table.name, change.old, change.new] as const),
      ),
    stop: () => feed.stop(),
  };
}
