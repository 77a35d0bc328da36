import { covers, isVisible, type Snapshot } from '../log/snapshot.js';

/** Rows that were read ahead of the log: transactions that the reading saw are not told again for them. */
export class ReadAhead {
  readonly #readAt = new Map<string, Snapshot>();

  note(key: string, snapshot: Snapshot): void {
    this.#readAt.set(key, snapshot);
  }

  /** True when the row was read with what this transaction did to it. */
  includes(key: string, xid: bigint): boolean {
    const snapshot = this.#readAt.get(key);
    return snapshot !== undefined && isVisible(snapshot, xid);
  }

  /** Forgets what the log has caught up with. */
  advance(position: Snapshot): void {
    for (const [key, snapshot] of this.#readAt) if (covers(position, snapshot)) this.#readAt.delete(key);
  }

  clear(): void {
    this.#readAt.clear();
  }
}
