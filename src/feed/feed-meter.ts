import type { FeedBatch, FeedStatus } from './types.js';

/** Counts what a feed did, for its status. */
export class FeedMeter {
  #readAt: number | null = null;
  #lagMs: number | null = null;
  #transactions = 0;
  #changes = 0;
  #readings = 0;
  #fruitfulReadings = 0;

  /** A read succeeded, and found so many transactions. */
  read(found: number): void {
    this.#readAt = performance.now();
    this.#readings++;
    if (found > 0) this.#fruitfulReadings++;
  }

  /** A batch is about to be handed over. */
  handOver(batch: FeedBatch): void {
    const newest = batch.transactions.at(-1);
    // Two clocks, the database's and this machine's: the difference may come out negative.
    if (newest) this.#lagMs = Math.max(0, Date.now() - Date.parse(newest.loggedAt));
    this.#transactions += batch.transactions.length;
    for (const { changes } of batch.transactions) this.#changes += changes.length;
  }

  get figures(): Pick<
    FeedStatus,
    'lastReadAgoMs' | 'lagMs' | 'transactions' | 'changes' | 'readings' | 'fruitfulReadings'
  > {
    return {
      lastReadAgoMs: this.#readAt === null ? null : performance.now() - this.#readAt,
      lagMs: this.#lagMs,
      transactions: this.#transactions,
      changes: this.#changes,
      readings: this.#readings,
      fruitfulReadings: this.#fruitfulReadings,
    };
  }
}
