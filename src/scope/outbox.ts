/** How an outbox behaves when its reader is slower than its writer. */
export interface OutboxOptions<T> {
  /** How many units may wait. */
  readonly limit: number;
  /** The units that a value counts for. */
  readonly weigh: (value: T) => number;
  /** Past the limit everything that waits, `latest` included, is replaced by what this returns. */
  readonly overflow: (latest: T) => T;
  /** Told of each value that is pushed while the outbox is open. */
  readonly onPush?: (value: T) => void;
  /** Called once, when the outbox is done, however that came about. */
  readonly onClose: () => void;
}

/**
 * A bounded queue from one writer to one reader, as an async iterator. `return()` ends it even while a `next()` waits.
 * After `end` or `fail` what waits is still delivered first.
 */
export class Outbox<T> implements AsyncIterableIterator<T> {
  readonly #options: OutboxOptions<T>;
  #waiting: T[] = [];
  #weight = 0;
  #readers: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = [];
  #end: { readonly error: unknown } | 'done' | null = null;
  #closed = false;

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#end === null;
  }

  /** Units that wait to be read. */
  get weight(): number {
    return this.#weight;
  }

  push(value: T): void {
    if (this.#end) return;
    this.#options.onPush?.(value);
    const reader = this.#readers.shift();
    if (reader) {
      reader.resolve({ value, done: false });
      return;
    }
    this.#waiting.push(value);
    this.#weight += this.#options.weigh(value);
    if (this.#weight > this.#options.limit && this.#waiting.length > 1) {
      this.#waiting = [this.#options.overflow(value)];
      this.#weight = this.#options.weigh(this.#waiting[0]!);
    }
  }

  end(): void {
    this.#finish('done');
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  async next(): Promise<IteratorResult<T>> {
    const value = this.#waiting.shift();
    if (value !== undefined) {
      this.#weight -= this.#options.weigh(value);
      return { value, done: false };
    }
    if (this.#end === null) {
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    }
    const end = this.#end;
    this.#end = 'done';
    if (end !== 'done') throw end.error;
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<T>> {
    this.#waiting = [];
    this.#weight = 0;
    this.#finish('done');
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<IteratorResult<T>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(end: { readonly error: unknown } | 'done'): void {
    if (this.#end === null) {
      this.#end = end;
      const readers = this.#readers;
      this.#readers = [];
      for (const [at, reader] of readers.entries()) {
        if (end !== 'done' && at === 0) {
          this.#end = 'done';
          reader.reject(end.error);
        } else reader.resolve({ value: undefined, done: true });
      }
    }
    if (!this.#closed) {
      this.#closed = true;
      this.#options.onClose();
    }
  }
}
