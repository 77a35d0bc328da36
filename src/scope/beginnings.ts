import type { Database } from '../database/types.js';
import type { DecodedCursor } from '../feed/cursor.js';
import type { History } from '../feed/log-history.js';
import type { LogPages } from '../feed/log-pages.js';
import type { Feed } from '../feed/types.js';
import { covers, type Snapshot } from '../log/snapshot.js';
import { catchUp, roomBeforeBacklog } from './catch-up.js';
import type { Evaluator, Retry } from './evaluation.js';
import type { Group } from './group.js';
import type { Occasion } from './judge.js';
import type { Present } from './present.js';
import { missedSince } from './resume.js';
import type { Subscriber } from './subscriber.js';

export interface BeginningsOptions {
  readonly database: Database;
  readonly feed: Feed;
  readonly history: History;
  readonly pages: LogPages;
  readonly present: Present;
  readonly maxReplayedChanges: number;
  /** For what a group asks before it follows. */
  readonly evaluatorOf: (group: Group) => Evaluator;
  readonly retryOf: (group: Group) => Retry;
  /** From now on what the feed brings waits for the group. */
  readonly follow: (group: Group) => void;
  readonly replay: (occasion: Occasion, group: Group) => Promise<void>;
  /** The group is up with the feed, in its turn; `isExact`: others of its spec may join it. */
  readonly goLive: (group: Group, isExact: boolean) => Promise<void>;
  /** These go on from there in a group of their own. */
  readonly split: (group: Group, subscribers: readonly Subscriber[], after: DecodedCursor) => void;
  readonly onFailure: (group: Group, error: unknown) => void;
}

/** Brings new groups to where the others are: what was missed since a cursor is told, by pages and then from memory, and the scope is loaded. */
export class Beginnings {
  readonly #options: BeginningsOptions;

  constructor(options: BeginningsOptions) {
    this.#options = options;
  }

  /** Resolves when the group is live, or was failed, or is of no use any more. */
  async start(group: Group, cursor: DecodedCursor | undefined): Promise<void> {
    const { feed, present, follow, replay, goLive, onFailure } = this.#options;
    try {
      // A cursor may be ahead of the feed; what the feed brings before it gets there is no news.
      if (cursor && !covers(present.position, cursor.snapshot)) await feed.catchUp();
      const after = cursor && (await this.#catchUp(group, cursor));
      if (!group.isOpen) return;
      follow(group);
      const { position } = present;
      const missed = after && (await this.#missed(group, after, position));
      const isExact = await group.scope.load(missed?.at ?? { position, later: [] });
      const wasReset = cursor !== undefined && !missed;
      if (!isExact && !wasReset) group.reset('TRUNCATED', position);
      if (missed) {
        // Who comes now with the same cursor would miss what is told from here on.
        group.onClose();
        for (const occasion of missed.occasions) {
          await roomBeforeBacklog(group);
          if (!group.isOpen) return;
          await replay(occasion, group);
        }
      }
      await goLive(group, isExact);
    } catch (error) {
      onFailure(group, error);
    }
  }

  /** Tells what was missed as far as that takes pages, and returns where the rest begins; `null` where the subscribers were told of a reset. */
  async #catchUp(group: Group, cursor: DecodedCursor): Promise<DecodedCursor | null> {
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
      onTelling: () => group.onClose(),
      split: (subscribers, snapshot) => split(group, subscribers, { epoch, snapshot }),
    });
    if (caught.kind === 'near') {
      // A group that was dropped meanwhile may be of a log that is no more.
      if (group.isOpen) present.isOf(epoch);
      return { epoch, snapshot: caught.position };
    }
    group.onClose();
    group.reset(caught.reason, present.position);
    return null;
  }

  /** `null` where continuity cannot be had; the subscribers were told. */
  async #missed(group: Group, after: DecodedCursor, position: Snapshot) {
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
