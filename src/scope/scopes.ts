import { RivuletError } from '../errors.js';
import type { Feed, FeedBatch } from '../feed/types.js';
import { filterKey } from '../filter/normalize.js';
import { relationPaths } from '../filter/paths.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import type { Model } from '../model/types.js';
import { planKey, relatedKey } from '../query/plan-key.js';
import type { SelectPlan, SelectResult } from '../query/types.js';
import type { Asker, Evaluator } from './evaluation.js';
import { Group } from './group.js';
import { LiveQuery, type RunSelect } from './live-query.js';
import { type NetChanges, netChanges } from './net.js';
import { Outbox } from './outbox.js';
import { RowScope } from './row-scope.js';
import { NOTHING_RELATED } from './scope.js';
import { SetScope } from './set-scope.js';
import type {
  ChangeSpec,
  RelatedMessages,
  RelatedSpec,
  ScopeMessage,
  Scopes,
  ScopesStatus,
} from './types.js';

export interface ScopesOptions {
  readonly model: Model;
  readonly feed: Feed;
  readonly evaluator: Evaluator;
  readonly run: RunSelect;
  /** Whether changes of a table are logged; a scope that depends on one that is not is refused. Default: all are. */
  readonly isWatched?: (table: string) => boolean;
  /** Told of errors that end a scope or a live query. */
  readonly onError: (error: unknown) => void;
  /** Keys that one scope may keep; default 100,000. */
  readonly maxScopeKeys?: number;
  /** Changes that may wait for one subscriber before they are replaced by a reset; default 1,000. */
  readonly maxQueuedChanges?: number;
}

/**
 * Follows the feed for everybody. Transactions are judged one at a time; for each, everything that Postgres must decide for
 * all scopes is asked in one statement.
 */
export function createScopes(options: ScopesOptions): Scopes {
  return new FeedScopes(options);
}

class FeedScopes implements Scopes {
  readonly #options: ScopesOptions;
  readonly #groups = new Map<string, Group>();
  readonly #liveQueries = new Map<string, LiveQuery>();
  readonly #unlisten: () => void;
  /** What is under way; each step waits for the one before, so that subscribers see one order. */
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ScopesOptions) {
    this.#options = options;
    this.#unlisten = options.feed.listen((batch) => this.#inTurn(() => this.#onBatch(batch)));
  }

  changes(spec: ChangeSpec, signal?: AbortSignal): AsyncIterableIterator<ScopeMessage> {
    const key = specKey(spec);
    let group = this.#groups.get(key);
    const limit = this.#options.maxQueuedChanges ?? 1_000;
    const outbox = new Outbox<ScopeMessage>({
      limit,
      weigh: weightOf,
      overflow: (latest) => ({
        cursor: latest.cursor,
        reset: 'OVERFLOW',
        transaction: null,
        changes: [],
        related: NOTHING_RELATED,
      }),
      onClose: () => {
        signal?.removeEventListener('abort', abort);
        const owner = this.#groups.get(key);
        group?.remove(outbox);
        if (group && group.size === 0 && owner === group) {
          this.#groups.delete(key);
          group.end();
        }
      },
    });
    const abort = () => void outbox.return();
    signal?.addEventListener('abort', abort, { once: true });
    if (this.#stopped || signal?.aborted) {
      outbox.end();
      return outbox;
    }
    if (!group) {
      group = new Group(spec, this.#scopeOf(spec));
      this.#assertWatched(group.scope.tables);
      this.#groups.set(key, group);
      group.add(outbox);
      void this.#start(key, group);
    } else group.add(outbox);
    return outbox;
  }

  live(plan: SelectPlan, signal?: AbortSignal): AsyncIterableIterator<SelectResult> {
    const key = planKey(plan);
    const known = this.#liveQueries.get(key);
    const query =
      known ??
      new LiveQuery(this.#options.model, plan, this.#options.run, (error) => {
        this.#liveQueries.delete(key);
        this.#options.onError(error);
      });
    const outbox = new Outbox<SelectResult>({
      limit: 1,
      weigh: () => 1,
      overflow: (latest) => latest,
      onClose: () => {
        signal?.removeEventListener('abort', abort);
        query.remove(outbox);
        if (query.size === 0 && this.#liveQueries.get(key) === query) {
          this.#liveQueries.delete(key);
          query.end();
        }
      },
    });
    const abort = () => void outbox.return();
    signal?.addEventListener('abort', abort, { once: true });
    if (this.#stopped || signal?.aborted) {
      outbox.end();
      return outbox;
    }
    if (!known) {
      this.#assertWatched(query.tables);
      this.#liveQueries.set(key, query);
    }
    query.add(outbox);
    return outbox;
  }

  status(): ScopesStatus {
    let subscribers = 0;
    for (const group of this.#groups.values()) subscribers += group.size;
    for (const query of this.#liveQueries.values()) subscribers += query.size;
    return { scopes: this.#groups.size, liveQueries: this.#liveQueries.size, subscribers };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    for (const group of [...this.#groups.values()]) group.end();
    for (const query of [...this.#liveQueries.values()]) query.end();
    this.#groups.clear();
    this.#liveQueries.clear();
    await this.#turn;
  }

  /** A change that is not logged would never be told: fail at once rather than go silent. */
  #assertWatched(tables: ReadonlySet<string>): void {
    const { isWatched } = this.#options;
    const missing = [...tables].filter((table) => isWatched && !isWatched(table));
    if (missing.length === 0) return;
    throw new RivuletError(
      'TABLE_NOT_WATCHED',
      `Nothing watches ${missing.join(', ')}, which this subscription depends on`,
    );
  }

  #scopeOf(spec: ChangeSpec) {
    const { model, evaluator, maxScopeKeys = 100_000 } = this.#options;
    return relationPaths(spec.filter).length === 0 && spec.graph.length === 0
      ? new RowScope(spec)
      : new SetScope(model, evaluator, spec, maxScopeKeys);
  }

  async #start(key: string, group: Group): Promise<void> {
    try {
      await group.load();
      await this.#inTurn(async () => {
        for (const transaction of group.takeBacklog()) {
          await this.#judge(transaction, netChanges(transaction), [[key, group]]);
        }
      });
    } catch (error) {
      this.#failGroup(key, group, error);
    }
  }

  async #onBatch(batch: FeedBatch): Promise<void> {
    if (batch.reset !== null) this.#resetAll(batch.position);
    for (const transaction of batch.transactions) {
      const net = netChanges(transaction);
      for (const query of this.#liveQueries.values()) query.onTransaction(transaction.xid, net);
      const touched = [...this.#groups].filter(([, { scope }]) => intersects(scope.tables, net));
      if (touched.length > 0) await this.#judge(transaction, net, touched);
    }
  }

  /** Runs all groups' judging in step, one statement a round, until each has told its subscribers. */
  async #judge(
    transaction: LoggedTransaction,
    net: NetChanges,
    groups: readonly (readonly [string, Group])[],
  ): Promise<void> {
    let round = this.#options.evaluator.round();
    let active = groups.map(([key, group]): Step => {
      const asker = round.asker();
      return { key, group, asker, error: null, judging: group.judge(transaction, net, asker) };
    });
    for (;;) {
      active = active.filter((step) => this.#advance(step));
      if (active.length === 0) return;
      await round.run();
      round = this.#options.evaluator.round();
      for (const step of active) {
        step.error = step.asker.error;
        step.asker = round.asker();
      }
    }
  }

  /** True while the group has asked something more. */
  #advance({ key, group, asker, error, judging }: Step): boolean {
    try {
      if (error) throw error;
      return judging.next(asker).done === false;
    } catch (failure) {
      this.#failGroup(key, group, failure);
      return false;
    }
  }

  #resetAll(position: Snapshot): void {
    for (const [key, group] of [...this.#groups]) {
      group.reset('LOG_LOST', position);
      this.#groups.delete(key);
      group.end();
    }
    for (const query of this.#liveQueries.values()) query.refresh();
  }

  #failGroup(key: string, group: Group, error: unknown): void {
    if (this.#groups.get(key) === group) this.#groups.delete(key);
    group.fail(error);
    this.#options.onError(error);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch((error) => this.#options.onError(error));
    return turn;
  }
}

/** One group's judging of one transaction. */
interface Step {
  readonly key: string;
  readonly group: Group;
  readonly judging: Generator<void, void, Asker>;
  /** For the questions of the round that comes. */
  asker: Asker;
  /** What the round before could not answer. */
  error: unknown;
}

function intersects(tables: ReadonlySet<string>, net: NetChanges): boolean {
  for (const name of net.keys()) if (tables.has(name)) return true;
  return false;
}

/** Equal for specs that may share a scope. */
function specKey(spec: ChangeSpec): string {
  const names = (columns: Iterable<{ readonly name: string }>) =>
    [...columns].map((column) => column.name).sort();
  return JSON.stringify([
    spec.table.name,
    filterKey(spec.filter),
    spec.ops && [...spec.ops].sort(),
    spec.columns && names(spec.columns),
    names(spec.hidden),
    relatedKey(spec.related),
    spec.graph.map(graphKey),
  ]);
}

function graphKey(spec: RelatedSpec): unknown[] {
  return [
    spec.responseKey,
    spec.relation.source,
    spec.relation.name,
    filterKey(spec.filter),
    filterKey(spec.via),
    spec.onSource && filterKey(spec.onSource),
    [...spec.hidden].map((column) => column.name).sort(),
    relatedKey(spec.related),
    spec.graph.map(graphKey),
  ];
}

/** A message counts for as many units as it has changes and links, and at least for one. */
function weightOf(message: {
  readonly changes: readonly unknown[];
  readonly related: RelatedMessages;
}): number {
  let weight = message.changes.length;
  for (const related of message.related.values()) weight += weightOf(related) + related.links.length;
  return Math.max(1, weight);
}
