/** The owner of the server's own work. */
export const NOBODY = '';

export interface QueuedWork {
  /** The owner of the work. */
  readonly owner: string;
  /** It is not wanted any more, and is passed over. */
  readonly isSettled: boolean;
}

/**
 * Work that waits, first come first served for each owner, and owners in turn: one who has a
 * thousand things waiting is served no more often than one who has a single one.
 */
export class FairQueue<T extends QueuedWork> {
  /** Before everybody else's. */
  readonly #first: T[] = [];
  /** In the order in which owners have their turns. */
  readonly #byOwner = new Map<string, T[]>();

  push(item: T): void {
    const own = this.#byOwner.get(item.owner);
    if (own) own.push(item);
    else this.#byOwner.set(item.owner, [item]);
  }

  /** Puts work before that of all owners. */
  pushFirst(item: T): void {
    this.#first.unshift(item);
  }

  has(owner: string): boolean {
    return this.#headOf(owner) !== undefined;
  }

  /** The next work of an owner that may take some. It stays in the queue. */
  next(mayTake: (owner: string) => boolean): T | undefined {
    while (this.#first[0]?.isSettled) this.#first.shift();
    if (this.#first[0] !== undefined) return this.#first[0];
    for (const owner of this.#byOwner.keys()) {
      const head = this.#headOf(owner);
      if (head !== undefined && mayTake(owner)) return head;
    }
    return undefined;
  }

  /** Takes what `next` answered; its owner's turn comes again when all others had theirs. */
  take(item: T): void {
    if (this.#first[0] === item) {
      this.#first.shift();
      return;
    }
    const own = this.#byOwner.get(item.owner);
    if (own?.[0] !== item) throw new TypeError('not the next one');
    own.shift();
    this.#byOwner.delete(item.owner);
    if (own.length > 0) this.#byOwner.set(item.owner, own);
  }

  /** Empties the queue. */
  drain(): readonly T[] {
    const all = [...this.#first.splice(0), ...[...this.#byOwner.values()].flat()];
    this.#byOwner.clear();
    return all.filter(({ isSettled }) => !isSettled);
  }

  #headOf(owner: string): T | undefined {
    const own = this.#byOwner.get(owner);
    while (own?.[0]?.isSettled) own.shift();
    if (own?.length === 0) this.#byOwner.delete(owner);
    return own?.[0];
  }
}
