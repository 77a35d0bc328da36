import type { DatabaseLogger } from '../database/types.js';
import type { FeedBatch, FeedListener } from './types.js';

/** The listeners of a feed. One that rejects is logged; the others and the feed go on. */
export class FeedListeners {
  readonly #listeners = new Set<{ listener: FeedListener }>();
  readonly #log: DatabaseLogger | undefined;

  constructor(log?: DatabaseLogger) {
    this.#log = log;
  }

  /** The same function twice is called twice. */
  add(listener: FeedListener): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Resolves when every listener has settled. */
  async tell(batch: FeedBatch): Promise<void> {
    await Promise.all([...this.#listeners].map((entry) => this.#tellOne(entry.listener, batch)));
  }

  async #tellOne(listener: FeedListener, batch: FeedBatch): Promise<void> {
    try {
      await listener(batch);
    } catch (error) {
      this.#log?.error(
        { error: error instanceof Error ? error.stack : String(error) },
        'a feed listener failed',
      );
    }
  }
}
