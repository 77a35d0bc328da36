import type { Model } from '../../../shared/model/types.js';
import type { Database } from '../../database/types.js';
import type { DecodedCursor } from '../../feed/cursor.js';
import type { LogHistory } from '../../feed/log-history.js';
import type { LogPages } from '../../feed/log-pages.js';
import type { Feed } from '../../feed/types.js';
import type { Snapshot } from '../../log/snapshot.js';
import type { BatchEvaluator, RetryPassing } from '../evaluate/batch-evaluator.js';
import type { TransactionContext } from '../evaluate/transaction-context.js';
import { ReplayGuard } from '../replay/replay-guard.js';
import { replayLevels } from '../replay/replay-levels.js';
import { missedSince, type ScopeReplay } from '../replay/resume.js';
import { catchUp, roomBeforeBacklog } from './catch-up.js';
import type { FeedPosition } from './feed-position.js';
import type { SubscriberGroup } from './group.js';
import type { ChangeSubscriber } from './subscriber.js';

export interface BeginningsOptions {
  readonly model: Model;
  readonly database: Database;
  readonly feed: Feed;
  readonly history: LogHistory;
  readonly pages: LogPages;
  readonly present: FeedPosition;
  readonly maxReplayedChanges: number;
  /** Bounds the queries that groups run before they follow. */
  readonly evaluatorOf: (group: SubscriberGroup) => BatchEvaluator;
  readonly retryOf: (group: SubscriberGroup) => RetryPassing;
  /** From now on what the feed brings waits for the group. */
  readonly follow: (group: SubscriberGroup) => void;
  readonly replay: (context: TransactionContext, group: SubscriberGroup) => Promise<void>;
  /** The group is up with the feed, in its turn; `isExact`: others of its spec may join it. */
  readonly goLive: (group: SubscriberGroup, isExact: boolean) => Promise<void>;
  /** These go on from there in a group of their own. */
  readonly split: (
    group: SubscriberGroup,
    subscribers: readonly ChangeSubscriber[],
    after: DecodedCursor,
  ) => void;
  readonly onFailure: (group: SubscriberGroup, error: unknown) => void;
}

/**
 * Brings new groups to the position of the others: delivers the missed changes since a cursor, by
 * pages and then from memory, and loads the scope.
 */
export class GroupStarter {
  readonly #options: BeginningsOptions;

  constructor(options: BeginningsOptions) {
    this.#options = options;
  }

  /** Resolves when the group is live, or was failed, or is of no use any more. */
  async start(group: SubscriberGroup, cursor: DecodedCursor | undefined): Promise<void> {
    const { feed, present, follow, goLive, onFailure } = this.#options;
    try {
      const guard = cursor && this.#guardOf(group);
      // Rights that were withdrawn before the subscriber came are known to the replay. A cursor may
      // also be ahead of the feed.
      if (cursor) await feed.catchUp();
      const after = cursor && (await this.#catchUp(group, cursor, guard));
      // Pages are delivered by the rights of their time: what withdrew them has to be part of the
      // rest.
      if (after && after !== cursor) await feed.catchUp();
      if (!group.isOpen) return;
      follow(group);
      const { position } = present;
      const missed = after && (await this.#missed(group, after, position));
      const isExact = await group.scope.load(missed?.at ?? { position, later: [] });
      const wasReset = cursor !== undefined && !missed;
      if (!isExact && !wasReset) group.reset('TRUNCATED', position);
      if (missed) {
        // A subscriber that comes now with the same cursor would miss the messages from here on.
        group.onClose();
        if (guard) await this.#replayGuarded(group, missed, guard);
        else await this.#replay(group, missed);
      }
      if (!group.isOpen) return;
      await goLive(group, isExact);
    } catch (error) {
      onFailure(group, error);
    }
  }

  #guardOf(group: SubscriberGroup): ReplayGuard | undefined {
    const levels = replayLevels(this.#options.model, group.spec);
    return levels ? new ReplayGuard(group.spec, levels) : undefined;
  }

  async #replay(group: SubscriberGroup, { contexts }: ScopeReplay): Promise<void> {
    for (const context of contexts) {
      await roomBeforeBacklog(group);
      if (!group.isOpen) return;
      await this.#options.replay(context, group);
    }
  }

  /** The deliverable part of an early step is known when the last step is. */
  async #replayGuarded(group: SubscriberGroup, missed: ScopeReplay, guard: ReplayGuard): Promise<void> {
    const { replay, evaluatorOf } = this.#options;
    const steps = await group.collect(async () => {
      for (const context of missed.contexts) if (group.isOpen) await replay(context, group);
    });
    if (!group.isOpen) return;
    const admit = await guard.ofRest(steps, missed.transactions, missed.end, evaluatorOf(group));
    for (const step of steps) {
      const told = admit(step);
      if (!told) continue;
      await roomBeforeBacklog(group);
      if (!group.isOpen) return;
      group.tell(told.context, told.delta);
    }
    // Only where rights follow from what is not logged.
    if (guard.isWaiting) group.reset('RIGHTS_CHANGED', this.#options.present.position);
  }

  /**
   * Tells what was missed as far as that takes pages, and returns where the rest begins; `null`
   * where the subscribers were told of a reset.
   */
  async #catchUp(
    group: SubscriberGroup,
    cursor: DecodedCursor,
    guard: ReplayGuard | undefined,
  ): Promise<DecodedCursor | null> {
    const {
      database,
      pages,
      present,
      maxReplayedChanges: maxChanges,
      evaluatorOf,
      retryOf,
      split,
    } = this.#options;
    if (present.since(cursor)) return cursor;
    const { epoch } = cursor;
    const caught = await catchUp(group, cursor, {
      database,
      pages,
      evaluator: evaluatorOf(group),
      retry: retryOf(group),
      maxChanges,
      guard,
      onTelling: () => group.onClose(),
      split: (subscribers, snapshot) => split(group, subscribers, { epoch, snapshot }),
    });
    if (caught.kind === 'near') {
      // A group that was dropped meanwhile may be of a log that is no more.
      if (group.isOpen) present.isOf(epoch);
      return caught.position === cursor.snapshot ? cursor : { epoch, snapshot: caught.position };
    }
    group.onClose();
    group.reset(caught.reason, present.position);
    return null;
  }

  /** `null` where continuity cannot be had; the subscribers were told. */
  async #missed(group: SubscriberGroup, after: DecodedCursor, position: Snapshot) {
    const { database, history, present, retryOf } = this.#options;
    const missed = await missedSince(after, position, group.scope, {
      database,
      history,
      retry: retryOf(group),
      recent: present.since(after),
    });
    if (missed.kind === 'replay') return missed;
    group.onClose();
    group.reset(missed.reason, position);
    return null;
  }
}
