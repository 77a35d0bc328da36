import { covers, isVisible, type Snapshot } from '../../log/snapshot.js';
import type { LoggedTransaction } from '../../log/types.js';

/** Estimated; past it less is remembered than there might be. */
const MAX_BYTES = 8 * 1024 ** 2;

interface Remembered {
  readonly transaction: LoggedTransaction;
  readonly bytes: number;
}

/**
 * The transactions that the feed brought last, so that whoever comes back after a short while costs
 * no reading of the log, however many come back at once.
 */
export class RecentTransactions {
  #transactions: Remembered[] = [];
  /** When each of them was logged. */
  readonly #loggedAt = new Map<bigint, string>();
  readonly #maxChanges: number;
  /** Everything since is remembered. */
  #start: Snapshot;
  #changes = 0;
  #bytes = 0;

  constructor(start: Snapshot, maxChanges: number) {
    this.#start = start;
    this.#maxChanges = maxChanges;
  }

  add(transaction: LoggedTransaction): void {
    const bytes = bytesOf(transaction);
    this.#transactions.push({ transaction, bytes });
    this.#loggedAt.set(transaction.xid, transaction.loggedAt);
    this.#changes += transaction.changes.length;
    this.#bytes += bytes;
    if (this.#changes > this.#maxChanges || this.#bytes > MAX_BYTES) this.#forget();
  }

  /**
   * Transactions that a position has not seen, in the feed's order; `null` if they are no longer in
   * memory, or if only the log knows whether the position is one of its own.
   */
  since(position: Snapshot): readonly LoggedTransaction[] | null {
    if (!covers(position, this.#start) || !this.#isOfThis(position)) return null;
    return this.#transactions
      .filter(({ transaction }) => !isVisible(position, transaction.xid))
      .map(({ transaction }) => transaction);
  }

  /** By numbers alone a position of before the server was set back looks like one of now. */
  #isOfThis({ anchor }: Snapshot): boolean {
    const start = this.#start.anchor;
    if (!anchor) return !start && !this.#transactions[0]?.transaction.cursor.anchor;
    if (start?.xid === anchor.xid) return start.loggedAt === anchor.loggedAt;
    return this.#loggedAt.get(anchor.xid) === anchor.loggedAt;
  }

  /** Down to half, so that it is not done for each transaction. */
  #forget(): void {
    let from = 0;
    while (this.#changes > this.#maxChanges / 2 || this.#bytes > MAX_BYTES / 2) {
      const { transaction, bytes } = this.#transactions[from]!;
      this.#changes -= transaction.changes.length;
      this.#bytes -= bytes;
      this.#loggedAt.delete(transaction.xid);
      from++;
    }
    if (from === 0) return;
    this.#start = this.#transactions[from - 1]!.transaction.cursor;
    this.#transactions = this.#transactions.slice(from);
  }
}

function bytesOf({ changes }: LoggedTransaction): number {
  let bytes = 100;
  for (const change of changes) {
    for (const cells of [change.old, change.new]) {
      if (cells) for (const cell of cells) bytes += 24 + (cell?.length ?? 0);
    }
  }
  return bytes;
}
