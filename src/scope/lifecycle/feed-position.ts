import type { DecodedCursor } from '../../feed/cursor.js';
import type { Feed, FeedBatch } from '../../feed/types.js';
import { covers, type Snapshot } from '../../log/snapshot.js';
import type { LoggedTransaction } from '../../log/types.js';
import { RecentTransactions } from '../replay/recent-transactions.js';

/** The position up to which transactions were evaluated, and the latest transactions. */
export class FeedPosition {
  readonly #feed: Feed;
  readonly #maxRecentChanges: number;
  #recent: RecentTransactions | null = null;
  /** Epoch of the log that `#recent` belongs to, known since the first cursor. */
  #epoch: string | null = null;
  #position: () => Snapshot;

  constructor(feed: Feed, maxRecentChanges: number) {
    this.#feed = feed;
    this.#maxRecentChanges = maxRecentChanges;
    this.#position = () => feed.position;
  }

  /**
   * Position of the transaction whose evaluation began last. A new subscriber receives the
   * transactions after it.
   */
  get position(): Snapshot {
    return this.#position();
  }

  /** A batch comes; with a `reset`, nothing from before it is of use. */
  begin({ reset, position }: FeedBatch): void {
    if (reset !== null) {
      this.#recent = new RecentTransactions(position, this.#maxRecentChanges);
      this.#epoch = null;
    }
    this.#recent ??= new RecentTransactions(this.position, this.#maxRecentChanges);
  }

  /** The evaluation of one of the batch's transactions begins. */
  add(transaction: LoggedTransaction): void {
    this.#position = () => transaction.cursor;
    this.#recent?.add(transaction);
  }

  /**
   * The whole batch was evaluated. The feed reports no empty reads, and counts this batch as read
   * just after it was handled.
   */
  end({ position }: FeedBatch): void {
    const feed = this.#feed;
    this.#position = () => (covers(feed.position, position) ? feed.position : position);
  }

  /** Transactions after a cursor; `null` if they are no longer in memory. */
  since({ epoch, snapshot }: DecodedCursor): readonly LoggedTransaction[] | null {
    return epoch === this.#epoch ? (this.#recent?.since(snapshot) ?? null) : null;
  }

  /** A cursor of this log was found to be good. */
  isOf(epoch: string): void {
    this.#epoch = epoch;
  }
}
