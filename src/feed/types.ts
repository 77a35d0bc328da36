import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';

/**
 * An ordered stream of committed transactions.
 *
 * Guarantees: every committed transaction with a logged change is delivered once, whole; two
 * transactions that changed the same row arrive in commit order; `position` never goes back. A
 * listener is called with one read's transactions at a time, and not again before its promise is
 * settled; a listener that rejects is told to nobody else and does not stop the feed.
 */
export interface Feed {
  /** Resolves once the first position is known and changes are being watched for. */
  start(): Promise<void>;
  /** Everything up to here has been handed to the listeners. */
  readonly position: Snapshot;
  /** Names the log that `position` is in; another one after a reset because of another log. */
  readonly epoch: string;
  /**
   * Calls `listener` with every batch after the current position. Returns the function that ends
   * it.
   */
  listen(listener: FeedListener): () => void;
  /**
   * Reads now; resolves when everything that had committed before the call has been handed over and
   * handled.
   */
  catchUp(): Promise<void>;
  status(): FeedStatus;
  /** Stops reading; a batch under way is finished first. Twice is fine. */
  stop(): Promise<void>;
}

export interface FeedBatch {
  readonly transactions: readonly LoggedTransaction[];
  /** The position after the batch. */
  readonly position: Snapshot;
  /** Set if the feed had to skip (log lost, another epoch): listeners must start over. */
  readonly reset: string | null;
}

export type FeedListener = (batch: FeedBatch) => void | Promise<void>;

export interface FeedStatus {
  readonly state: 'starting' | 'live' | 'reconnecting' | 'stopped';
  /** Milliseconds since the last read that succeeded; `null` before the first. */
  readonly lastReadAgoMs: number | null;
  /**
   * Milliseconds between logging and hand-over of the newest transaction handed over; `null` before
   * the first.
   */
  readonly lagMs: number | null;
  readonly transactions: number;
  readonly changes: number;
  /** True if NOTIFY wakes the feed; otherwise the clock does. */
  readonly wakeUps: 'off' | 'untested' | 'working' | 'broken';
  /**
   * `asleep`: writers notify, and wake it. `awake`: they need not, it reads every few ms. `clock`:
   * nobody would be heard.
   */
  readonly rest: 'clock' | 'awake' | 'falling asleep' | 'asleep';
  /** Number of times that it fell asleep. */
  readonly naps: number;
  /**
   * Notifications of writers that were heard; what was delivered beside them was not notified, or
   * together.
   */
  readonly rings: number;
  /** Readings of the log, and those of them that found something. */
  readonly readings: number;
  readonly fruitfulReadings: number;
  /** Number of times that the connection that wakes it was lost. */
  readonly reconnects: number;
  readonly error: string | null;
}
