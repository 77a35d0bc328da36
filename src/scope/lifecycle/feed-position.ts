import type { DecodedCursor } from '../../feed/cursor.js';
import type { Feed, FeedBatch } from '../../feed/types.js';
import { covers, type Snapshot } from '../../log/snapshot.js';
import type { LoggedTransaction } from '../../log/types.js';
import { RecentTransactions } from '../replay/recent-transactions.js';

/** Where judging has got to, and what came last. */
export class FeedPosition {
  readonly #feed: Feed;
  readonly #maxRecentChanges: number;
  #recent: RecentTransactions | null = null;
  /** Of the log that `#recent` is of, as soon as somebody's cursor told. */
  #epoch: string | null = null;
  #position: () => Snapshot;

  constructor(feed: Feed, maxRecentChanges: number) {
    this.#feed = feed;
    this.#maxRecentChanges = maxRecentChanges;
    this.#position = () => feed.position;
  }

  /** Of the transaction whose judging began last: who subscribes now is told of those after it. */
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

  /** The judging of one of its transactions begins. */
  add(transaction: LoggedTransaction): void {
    this.#position = () => transaction.cursor;
    this.#recent?.add(transaction);
  }

  /** All of it was judged. The feed tells nobody of readings that found nothing, and counts this batch as read a moment after it was handled. */
  end({ position }: FeedBatch): void {
    const feed = this.#feed;
    this.#position = () => (covers(feed.position, position) ? feed.position : position);
  }

  /** What came after a cursor; `null` where that is not remembered. */
  since({ epoch, snapshot }: DecodedCursor): readonly LoggedTransaction[] | null {
    return epoch === this.#epoch ? (this.#recent?.since(snapshot) ?? null) : null;
  }

  /** A cursor of this log was found to be good. */
  isOf(epoch: string): void {
    this.#epoch = epoch;
  }
}
