/** Thrown in place of work that nobody waits for any more. */
export class AbandonedWork extends Error {
  override readonly name = 'Unwanted';
}

/**
 * Lets so much work at a time ask the database, first come first served. Work that is not wanted
 * any more when its turn comes is passed over: a crowd that came and went leaves nothing to be
 * done.
 */
export class WorkSemaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** Resolves as `work` does; rejects with `Unwanted` where that was not begun. */
  async pass<T>(isWanted: () => boolean, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (!isWanted()) throw new AbandonedWork();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
