/** The waiting messages of one subscription. */
export interface SendQueue {
  readonly bytes: number;
  /** Makes what waits smaller without losing anything of what it amounts to. */
  coalesce(): void;
  /** Drops the waiting messages, and sends the reader a reset. */
  overflow(): void;
}

/**
 * Bytes that may wait for one peer, over all its subscriptions. Past it the largest queues are
 * coalesced first. If that does not help enough they overflow, the largest first. Sizes are
 * estimates.
 */
export class SendBudget {
  readonly maxBytes: number;
  /** Queues that are not empty. */
  #queues: Set<SendQueue> | null = null;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A queue has `by` bytes more (or, negative, less) than it had. */
  change(queue: SendQueue, by: number): void {
    this.#bytes += by;
    if (queue.bytes > 0) {
      this.#queues ??= new Set();
      this.#queues.add(queue);
    } else this.#queues?.delete(queue);
  }

  /**
   * To be called when a queue has grown. Leaves a quarter free, so that the next message does not
   * begin it all again.
   */
  relieve(): void {
    if (this.#bytes <= this.maxBytes) return;
    const enough = this.maxBytes * 0.75;
    for (const shrink of ['coalesce', 'overflow'] as const) {
      for (const queue of [...(this.#queues ?? [])].sort((a, b) => b.bytes - a.bytes)) {
        queue[shrink]();
        if (this.#bytes <= enough) return;
      }
    }
  }
}
