import type { Snapshot } from './snapshot.js';

/**
 * The positions within a reading from `since` that ran in `until`, after each transaction that was
 * read, in their order. Everything that ended between the two and is not among `xids` has nothing
 * to tell, so positions neither list it nor count it as read: they stay small however much else was
 * written, and see only what is on disk.
 */
export class ReadPositions {
  readonly #until: Snapshot;
  readonly #xids: BigInt64Array;
  /** The same, by number. */
  readonly #sorted: BigInt64Array;
  /** Transactions below `#end` that are still to come. */
  readonly #open = new Set<bigint>();
  /** Read before their number was passed. */
  readonly #early = new Set<bigint>();
  #passed = 0;
  #end: bigint;
  #at = 0;

  constructor(since: Snapshot, until: Snapshot, xids: BigInt64Array) {
    this.#until = until;
    this.#xids = xids;
    this.#sorted = xids.slice().sort();
    this.#end = since.xmax;
    this.#pass();
  }

  /** Moves on by one transaction, and returns the position after it. */
  next(): Snapshot {
    const xid = this.#xids[this.#at]!;
    this.#at++;
    if (!this.#open.delete(xid)) this.#early.add(xid);
    if (xid >= this.#end) {
      this.#end = xid + 1n;
      this.#pass();
    }
    return this.#position();
  }

  #pass(): void {
    while (this.#passed < this.#sorted.length && this.#sorted[this.#passed]! < this.#end) {
      const xid = this.#sorted[this.#passed]!;
      if (!this.#early.delete(xid)) this.#open.add(xid);
      this.#passed++;
    }
  }

  #position(): Snapshot {
    const xmax = this.#end;
    const xip = new Set(this.#open);
    for (const xid of this.#until.xip) if (xid < xmax) xip.add(xid);
    // A transaction that had not begun at the read has not ended.
    let xmin = xmax;
    for (const xid of xip) if (xid < xmin) xmin = xid;
    return { xmin, xmax, xip };
  }
}
