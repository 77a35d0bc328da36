import { RivuletError } from '../../../shared/errors.js';
import type { Model } from '../../../shared/model/types.js';
import type { ResetReason } from '../../../shared/protocol/messages.js';
import type { Database } from '../../database/types.js';
import type { DecodedCursor } from '../../feed/cursor.js';
import type { LogHistory } from '../../feed/log-history.js';
import type { LogPages } from '../../feed/log-pages.js';
import type { Feed, FeedBatch } from '../../feed/types.js';
import { isLocal } from '../../filter/paths.js';
import { formatSnapshot } from '../../log/snapshot.js';
import type { SelectPlan, SelectResult } from '../../query/types.js';
import { DeliveryCounters } from '../delivery/delivery-counters.js';
import type { PushStream } from '../delivery/outbox.js';
import { SendBudget } from '../delivery/send-budget.js';
import { type BatchEvaluator, createEvaluator, type RetryPassing } from '../evaluate/batch-evaluator.js';
import { PATIENCE_MS } from '../evaluate/patience.js';
import { contextsOf, type TransactionContext } from '../evaluate/transaction-context.js';
import { GroupIndex } from '../match/group-index.js';
import { type OnUnindexed, UnindexedFilters } from '../match/unindexed-filters.js';
import { MessageSizes } from '../messages/message-size.js';
import { SharedChanges } from '../messages/shared-changes.js';
import type {
  ChangeSpec,
  FollowOptions,
  ListedScope,
  ScopeMessage,
  ScopeRegistry,
  ScopesFigures,
  ScopesStatus,
} from '../messages/types.js';
import { LiveQueries } from '../views/live-queries.js';
import type { RunSelect } from '../views/live-query.js';
import { RowScope } from '../views/row-scope.js';
import type { Scope } from '../views/scope.js';
import { SetScope } from '../views/set-scope.js';
import { replayKey, specKey } from '../views/spec-key.js';
import { TableGuard, type WatchableOptions } from '../views/table-guard.js';
import { evaluateGroups, evaluateStepsInMemory } from './evaluate-groups.js';
import { FeedPosition } from './feed-position.js';
import { resetMessage, SubscriberGroup } from './group.js';
import { GroupStarter } from './group-starter.js';
import { MAX_LANE_CHANGES, OwnerLanes, SHARED_WEIGHT_PER_OWNER } from './owner-lanes.js';
import { SlowGroups } from './slow-groups.js';
import { ChangeSubscriber, LiveQuerySubscriber, type SubscriberHost } from './subscriber.js';
import { AbandonedWork, WorkSemaphore } from './work-semaphore.js';

export interface ScopesOptions extends WatchableOptions {
  readonly model: Model;
  readonly database: Database;
  readonly feed: Feed;
  readonly history: LogHistory;
  readonly pages: LogPages;
  readonly evaluator: BatchEvaluator;
  readonly run: RunSelect;
  readonly retry: RetryPassing;
  /** Called for errors that end a scope or a live query. */
  readonly onError: (error: unknown) => void;
  readonly onUnindexed?: OnUnindexed;
  /** Keys that one scope may keep; default 100,000. */
  readonly maxScopeKeys?: number;
  /**
   * Changes that may wait for one subscriber before they are coalesced, and then replaced by a
   * reset; default 1,000.
   */
  readonly maxQueuedChanges?: number;
  /**
   * Bytes that may wait, the same, for a subscriber who shares no allowance with others; default 1
   * MiB.
   */
  readonly maxQueuedBytes?: number;
  /** Changes that are replayed for one cursor; past it a reset. Default 100,000. */
  readonly maxReplayedChanges?: number;
  /** Milliseconds for which all scopes wait for the queries of some; default 500. */
  readonly patienceMs?: number;
  /**
   * Conditions of one owner that are evaluated in everybody's statement; who has more follows in a
   * lane of their own. Default 100.
   */
  readonly sharedWeightPerOwner?: number;
  /**
   * Changes that may wait in such a lane; past it its subscribers begin anew, with a reset. Default
   * 10,000.
   */
  readonly maxLaneChanges?: number;
  /**
   * Below this many scopes that differ only in filter values, all of them are evaluated instead of
   * querying which ones the row reaches; default 16.
   */
  readonly fewestReached?: number;
  /**
   * Recent changes kept in memory, so that a client that reconnects soon costs no read of the log;
   * default 5,000.
   */
  readonly maxRecentChanges?: number;
}

/**
 * Follows the feed for all scopes. Transactions are evaluated one at a time. For each, one
 * statement contains everything that Postgres must decide for all scopes.
 */
export function createScopes(options: ScopesOptions): ScopeRegistry {
  return new FeedScopes(options);
}

/** Connections for groups that begin, or follow behind. */
const STARTS_AT_ONCE = 2;

/** Connections for owners of many filters. */
const LANES_AT_ONCE = 2;

class FeedScopes implements ScopeRegistry {
  readonly #options: ScopesOptions;
  /** Groups that new subscribers may join, by spec and start. */
  readonly #joinable = new Map<string, SubscriberGroup>();
  readonly #groups = new Set<SubscriberGroup>();
  readonly #groupIndex: GroupIndex<SubscriberGroup>;
  readonly #liveQueries: LiveQueries;
  readonly #watchable: TableGuard;
  readonly #unindexed: UnindexedFilters;
  readonly #tally = new DeliveryCounters();
  readonly #host: SubscriberHost;
  readonly #plain = new SharedChanges();
  readonly #present: FeedPosition;
  readonly #beginnings: GroupStarter;
  readonly #lanes: OwnerLanes;
  readonly #stragglers: SlowGroups;
  readonly #starts = new WorkSemaphore(STARTS_AT_ONCE);
  readonly #unlisten: () => void;
  /** The running work. Each step waits for the one before, so that subscribers see one order. */
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ScopesOptions) {
    this.#options = options;
    this.#present = new FeedPosition(options.feed, options.maxRecentChanges ?? 5_000);
    this.#unindexed = new UnindexedFilters(options.onUnindexed ?? (() => {}));
    this.#watchable = new TableGuard(options);
    this.#liveQueries = new LiveQueries({
      model: options.model,
      run: options.run,
      catchUp: () => options.feed.catchUp(),
      watchable: this.#watchable,
      onMatchable: (matchable) => this.#unindexed.look(matchable),
      onError: options.onError,
    });
    const { database, feed, history, pages, model } = options;
    const { patienceMs = PATIENCE_MS, fewestReached: fewest } = options;
    const evaluator = createEvaluator({ database, model, history, retry: (work) => work() });
    this.#groupIndex = new GroupIndex({ model, evaluator, patienceMs, fewest });
    const onBehind = (group: SubscriberGroup) => this.#groupIndex.lag(group);
    const onBack = (group: SubscriberGroup) => void this.#inTurn(async () => this.#back(group));
    const onFailure = (group: SubscriberGroup, error: unknown) => this.#fail(group, error);
    const lanes = new WorkSemaphore(LANES_AT_ONCE);
    const retry: RetryPassing = (work) => options.retry(() => lanes.pass(() => !this.#stopped, work));
    const laneEvaluator = createEvaluator({ database, model, history, retry });
    this.#lanes = new OwnerLanes({
      maxChanges: options.maxLaneChanges ?? MAX_LANE_CHANGES,
      evaluate: (moment, steps) => evaluateGroups(moment, steps, { evaluator: laneEvaluator, onFailure }),
      onBehind,
      onBack,
      onOverflow: (group) => this.#restart(group, 'OVERFLOW'),
      onFailure,
    });
    this.#stragglers = new SlowGroups({
      patienceMs,
      sharedWeightPerOwner: options.sharedWeightPerOwner ?? SHARED_WEIGHT_PER_OWNER,
      lanes: this.#lanes,
      evaluate: (moment, steps) => evaluateGroups(moment, steps, { evaluator: options.evaluator, onFailure }),
      replay: (context, group) => this.#replay(context, group),
      onBehind,
      onBack,
      onFailure,
    });
    this.#host = {
      tally: this.#tally,
      sizes: new MessageSizes(),
      maxQueuedChanges: options.maxQueuedChanges ?? 1_000,
      drop: (group) => this.#drop(group),
      dropQuery: (query) => {
        this.#liveQueries.forget(query);
        query.end();
      },
    };
    this.#beginnings = new GroupStarter({
      model,
      database,
      feed,
      history,
      pages,
      present: this.#present,
      maxReplayedChanges: options.maxReplayedChanges ?? 100_000,
      evaluatorOf: (group) => this.#evaluatorOf(() => group),
      retryOf: (group) => this.#retryOf(() => group),
      follow: (group) => {
        group.isFollowing = true;
        this.#groupIndex.add(group);
      },
      replay: (context, group) => this.#replay(context, group),
      goLive: (group, isExact) => this.#goLive(group, isExact),
      split: (group, subscribers, after) => this.#split(group.spec, subscribers, after),
      onFailure: (group, error) => this.#fail(group, error),
    });
    this.#unlisten = options.feed.listen((batch) => this.#inTurn(() => this.#onBatch(batch)));
  }

  changes(
    spec: ChangeSpec,
    { after, reset, signal, allowance, owner }: FollowOptions = {},
  ): PushStream<ScopeMessage> {
    const subscriber = new ChangeSubscriber({ ...this.#subscriberOptions(signal, allowance), owner });
    const { outbox } = subscriber;
    if (this.#stopped) outbox.end();
    if (!outbox.isOpen) return outbox;
    try {
      const group = this.#startingAt(spec, after);
      if (reset) outbox.push(resetMessage(reset, this.#present.position));
      subscriber.join(group);
    } catch (error) {
      outbox.end();
      throw error;
    }
    return outbox;
  }

  live(
    plan: SelectPlan,
    { signal, allowance, owner }: Pick<FollowOptions, 'signal' | 'allowance' | 'owner'> = {},
  ): PushStream<SelectResult> {
    const watcher = new LiveQuerySubscriber(this.#subscriberOptions(signal, allowance));
    const { outbox } = watcher;
    if (this.#stopped) outbox.end();
    if (!outbox.isOpen) return outbox;
    try {
      watcher.watch(this.#liveQueries.of(plan, owner));
    } catch (error) {
      outbox.end();
      throw error;
    }
    return outbox;
  }

  lose(tables: ReadonlySet<string>): Promise<void> {
    return this.#inTurn(async () => this.#lose(tables));
  }

  status(): ScopesStatus {
    let subscribers = 0;
    for (const group of this.#groups) subscribers += group.size;
    for (const query of this.#liveQueries.all) subscribers += query.size;
    return { scopes: this.#groups.size, liveQueries: this.#liveQueries.size, subscribers };
  }

  figures(): ScopesFigures {
    let queued = 0;
    for (const group of this.#groups) queued += group.queued;
    for (const query of this.#liveQueries.all) queued += query.queued;
    const { deliveries, resets } = this.#tally;
    return { deliveries, queued, behind: this.#stragglers.size + this.#lanes.size, resets: { ...resets } };
  }

  list(): readonly ListedScope[] {
    return [
      ...[...this.#groups].map((group) => group.list()),
      ...this.#liveQueries.all.map((query) => query.list()),
    ];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    for (const group of [...this.#groups]) group.end();
    for (const query of this.#liveQueries.all) query.end();
    await this.#turn;
    await this.#stragglers.stop();
    await this.#lanes.stop();
  }

  #subscriberOptions(signal: AbortSignal | undefined, allowance: SendBudget | undefined) {
    const own = () => new SendBudget(this.#options.maxQueuedBytes ?? 1024 ** 2);
    return { host: this.#host, signal, allowance: allowance ?? own() };
  }

  #open(spec: ChangeSpec, key: string, after: DecodedCursor | undefined): SubscriberGroup {
    const group: SubscriberGroup = new SubscriberGroup(
      spec,
      this.#scopeOf(spec, () => group),
      this.#plain,
    );
    this.#watchable.assert(group.scope.tables);
    this.#unindexed.look(group.scope.matchable);
    this.#letJoin(group, key);
    this.#groups.add(group);
    void this.#beginnings.start(group, after);
    return group;
  }

  #letJoin(group: SubscriberGroup, key: string): void {
    this.#joinable.set(key, group);
    group.onClose = () => {
      if (this.#joinable.get(key) === group) this.#joinable.delete(key);
    };
  }

  #startingAt(spec: ChangeSpec, after: DecodedCursor | undefined): SubscriberGroup {
    const key = after
      ? `${replayKey(spec)} after ${after.epoch} ${formatSnapshot(after.snapshot)} ${after.snapshot.anchor?.loggedAt}`
      : specKey(spec);
    return this.#joinable.get(key) ?? this.#open(spec, key, after);
  }

  #drop(group: SubscriberGroup): void {
    this.#groups.delete(group);
    this.#groupIndex.remove(group);
    group.onClose();
    group.end();
  }

  #scopeOf(spec: ChangeSpec, group: () => SubscriberGroup): Scope {
    if (isLocal(spec.filter) && spec.graph.length === 0) return new RowScope(spec, this.#plain);
    const { model, maxScopeKeys = 100_000 } = this.#options;
    return new SetScope(model, this.#evaluatorOf(group), spec, maxScopeKeys, this.#plain);
  }

  async #goLive(group: SubscriberGroup, isExact: boolean): Promise<void> {
    await this.#inTurn(async () => {
      for (const context of group.takeBacklog()) await this.#stragglers.evaluate(context, [group]);
      if (group.isLive) this.#groupIndex.settle(group);
      if (isExact) this.#share(group);
    });
  }

  #back(group: SubscriberGroup): void {
    if (!group.isLive) return;
    this.#groupIndex.settle(group);
    this.#share(group);
  }

  #split(spec: ChangeSpec, subscribers: readonly ChangeSubscriber[], after: DecodedCursor): void {
    try {
      const group = this.#startingAt(spec, after);
      for (const subscriber of subscribers) subscriber.join(group);
    } catch (error) {
      for (const { outbox } of subscribers) outbox.fail(error);
    }
  }

  /** Merges the group with the other groups of its spec that are not behind. Call it in turn. */
  #share(group: SubscriberGroup): void {
    if (!group.isLive) return;
    const key = specKey(group.spec);
    const shared = this.#joinable.get(key);
    if (shared === group) return;
    if (shared?.isLive) {
      group.handOver(shared);
      this.#drop(group);
    } else this.#letJoin(group, key);
  }

  async #onBatch(batch: FeedBatch): Promise<void> {
    if (batch.reset !== null) this.#resetAll(batch);
    this.#present.begin(batch);
    for (const context of contextsOf(batch.transactions, batch.position)) {
      const { transaction, net } = context;
      this.#present.add(transaction);
      // At once: who begins to listen after this finds the transaction in what came last.
      const found = this.#groupIndex.find(net);
      const { unreadable, isTooLarge = false } = transaction;
      if (unreadable.size > 0) {
        if (!isTooLarge) await this.#options.schema?.recheck();
        const lost = new Set([...unreadable.keys()].map((table) => table.name));
        this.#lose(lost, isTooLarge ? 'OVERFLOW' : 'SCHEMA_CHANGED');
      }
      this.#liveQueries.onTransaction(transaction.xid, net);
      const touched = await this.#groupIndex.concerned(found, context.moment);
      if (touched.length > 0) await this.#stragglers.evaluate(context, touched);
    }
    this.#present.end(batch);
  }

  /** For a group that is still loading, or behind. */
  async #replay(context: TransactionContext, group: SubscriberGroup): Promise<void> {
    const onFailure = (failed: SubscriberGroup, error: unknown) => this.#fail(failed, error);
    const steps = evaluateStepsInMemory([{ group, context }], true, onFailure);
    const evaluator = this.#evaluatorOf(() => group);
    if (steps.length > 0) await evaluateGroups(context.moment, steps, { evaluator, onFailure });
  }

  #resetAll({ position }: FeedBatch): void {
    for (const group of [...this.#groups]) {
      // A group that is still starting finds out by its own read.
      if (!group.isFollowing) continue;
      group.reset('LOG_LOST', position);
      this.#drop(group);
    }
    for (const query of this.#liveQueries.all) query.refresh();
  }

  #lose(lost: ReadonlySet<string>, reason: ResetReason = 'SCHEMA_CHANGED'): void {
    const isHit = ({ tables }: { readonly tables: ReadonlySet<string> }) =>
      [...lost].some((table) => tables.has(table));
    const groups = [...this.#groups].filter((group) => isHit(group.scope));
    // All of them first, so that none is handed over to another that is lost, too.
    for (const group of groups) {
      this.#groups.delete(group);
      this.#groupIndex.remove(group);
      group.onClose();
    }
    for (const group of groups) this.#begunAnew(group, reason);
    this.#liveQueries.lose(lost);
  }

  /** Continuity is lost for this group alone. */
  #restart(group: SubscriberGroup, reason: ResetReason): void {
    if (!group.isOpen) return;
    this.#groups.delete(group);
    this.#groupIndex.remove(group);
    group.onClose();
    this.#begunAnew(group, reason);
  }

  #begunAnew(group: SubscriberGroup, reason: ResetReason): void {
    group.reset(reason, this.#present.position);
    const refusal = this.#watchable.refusal(group.scope.tables);
    if (refusal) group.fail(refusal);
    else group.handOver(this.#startingAt(group.spec, undefined));
  }

  /**
   * Bounds the queries that groups run before they follow. Leaves one pool connection free for live
   * evaluation.
   */
  #retryOf(group: () => SubscriberGroup): RetryPassing {
    const { retry } = this.#options;
    return (work) => retry(() => this.#starts.pass(() => group().isOpen, work));
  }

  #evaluatorOf(group: () => SubscriberGroup): BatchEvaluator {
    const { database, model, history } = this.#options;
    return createEvaluator({ database, model, history, retry: this.#retryOf(group) });
  }

  #fail(group: SubscriberGroup, error: unknown): void {
    if (error instanceof AbandonedWork) return;
    this.#groups.delete(group);
    this.#groupIndex.remove(group);
    group.onClose();
    if (group.isLive && error instanceof RivuletError && error.code === 'SCOPE_TOO_LARGE') {
      group.reset('TOO_LARGE', this.#present.position);
    }
    group.fail(error);
    if (!this.#stopped) this.#options.onError(error);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch((error) => this.#options.onError(error));
    return turn;
  }
}
