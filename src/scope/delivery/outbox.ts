import type { SendBudget, SendQueue } from './send-budget.js';

/** The receiver of an outbox's values. */
export interface Sink<T> {
  /** False: it is behind, and calls `pump` when it takes more. */
  readonly isReady: boolean;
  take(value: T): void;
  /** Everything was taken, and nothing will come. */
  end(): void;
  fail(error: unknown): void;
}

/**
 * A stream that is read like any other, or handed over value by value, with nothing between writer
 * and reader.
 */
export interface PushStream<T> extends AsyncIterableIterator<T> {
  /** From now on `taker` gets what would have come from `next`, first what waits. Once. */
  feed(taker: Sink<T>): void;
  /** The taker takes more. */
  pump(): void;
}

/** Behaviour of an outbox whose reader is slower than its writer. */
export interface OutboxOptions<T> {
  /** Largest number of waiting units. */
  readonly limit: number;
  /** The units that a value counts for. */
  readonly weigh: (value: T) => number;
  /** The budget of waiting bytes, shared by all outboxes of the same peer. */
  readonly allowance: SendBudget;
  readonly bytesOf: (value: T) => number;
  /** Values one after the other as one; `null` where nothing is left of them. */
  readonly merge: (values: readonly T[]) => T | null;
  /** Replaces everything that waits, `latest` included, if merging does not help. */
  readonly overflow: (latest: T) => T;
  /** Called for each value that is pushed while the outbox is open. */
  readonly onPush?: (value: T) => void;
  /** Called when a waiting value was taken. */
  readonly onTaken?: () => void;
  /** Called once, when the outbox is done, however that came about. */
  readonly onClose: () => void;
}

interface WaitingMessages<T> {
  readonly value: T;
  readonly weight: number;
  readonly bytes: number;
}

/**
 * A bounded queue from one writer to one reader. `return()` ends it even while a `next()` waits.
 * After `end` or `fail` what waits is still delivered first.
 *
 * Past a limit what waits is merged; where that leaves more than three quarters of the limit, it is
 * replaced by one value that says so. The first that waits may be of any size.
 */
export class Outbox<T> implements PushStream<T>, SendQueue {
  readonly #options: OutboxOptions<T>;
  #waiting: WaitingMessages<T>[] = [];
  #weight = 0;
  #bytes = 0;
  #readers: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = [];
  #taker: Sink<T> | null = null;
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

  get bytes(): number {
    return this.#bytes;
  }

  /** False: work that can wait should wait until a value was taken. */
  get hasRoom(): boolean {
    const { limit, allowance } = this.#options;
    return this.#weight * 2 <= limit && allowance.bytes * 2 <= allowance.maxBytes;
  }

  push(value: T): void {
    if (this.#end) return;
    this.#options.onPush?.(value);
    if (this.#waiting.length === 0) {
      if (this.#taker?.isReady) {
        this.#hand(this.#taker, value);
        return;
      }
      const reader = this.#readers.shift();
      if (reader) {
        reader.resolve({ value, done: false });
        return;
      }
    }
    this.#wait(value);
    if (this.#waiting.length === 1) return;
    const { limit, allowance } = this.#options;
    if (this.#weight > limit) {
      this.coalesce();
      if (this.#weight > limit * 0.75) this.overflow();
    }
    allowance.relieve();
  }

  feed(taker: Sink<T>): void {
    if (this.#taker) throw new TypeError('an outbox is fed to one taker');
    this.#taker = taker;
    this.pump();
  }

  pump(): void {
    const taker = this.#taker;
    if (!taker) return;
    while (taker.isReady && this.#waiting.length > 0) this.#hand(taker, this.#shift()!.value);
    if (this.#waiting.length === 0 && this.#end) this.#tellEnd(taker);
  }

  coalesce(): void {
    if (this.#waiting.length < 2) return;
    const merged = this.#options.merge(this.#waiting.map(({ value }) => value));
    this.#clear();
    if (merged !== null) this.#wait(merged);
  }

  overflow(): void {
    const latest = this.#waiting.at(-1);
    if (!latest) return;
    const instead = this.#options.overflow(latest.value);
    this.#clear();
    this.#wait(instead);
  }

  end(): void {
    this.#finish('done');
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  async next(): Promise<IteratorResult<T>> {
    const waiting = this.#shift();
    if (waiting) return { value: waiting.value, done: false };
    if (this.#end === null) {
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    }
    const end = this.#end;
    this.#end = 'done';
    if (end !== 'done') throw end.error;
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<T>> {
    this.#clear();
    this.#taker = null;
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

  /** A taker that fails costs itself its stream, and nobody else anything. */
  #hand(taker: Sink<T>, value: T): void {
    try {
      taker.take(value);
    } catch (error) {
      this.#clear();
      this.#finish({ error });
    }
  }

  #wait(value: T): void {
    const weight = this.#options.weigh(value);
    const bytes = this.#options.bytesOf(value);
    this.#waiting.push({ value, weight, bytes });
    this.#weight += weight;
    this.#bytes += bytes;
    this.#options.allowance.change(this, bytes);
  }

  #shift(): WaitingMessages<T> | undefined {
    const first = this.#waiting.shift();
    if (!first) return undefined;
    this.#weight -= first.weight;
    this.#bytes -= first.bytes;
    this.#options.allowance.change(this, -first.bytes);
    this.#options.onTaken?.();
    return first;
  }

  #clear(): void {
    const bytes = this.#bytes;
    this.#waiting = [];
    this.#weight = 0;
    this.#bytes = 0;
    this.#options.allowance.change(this, -bytes);
  }

  #tellEnd(taker: Sink<T>): void {
    this.#taker = null;
    const end = this.#end;
    this.#end = 'done';
    if (end === null || end === 'done') taker.end();
    else taker.fail(end.error);
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
    this.pump();
  }
}
