import { RivuletError } from '../../shared/errors.js';

export interface ReadLoopOptions {
  /** Reads once and hands over what it found. Never called twice at a time. */
  readonly read: () => Promise<void>;
  /**
   * Returns the milliseconds to wait for a wake-up before the next read. Called after each read.
   */
  readonly pauseMs: () => number;
  /** Called when a read fails after one that did not. */
  readonly onFailure: (error: unknown) => void;
}

export type ReadLoopState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running' }
  | { readonly kind: 'failing'; readonly error: unknown }
  | { readonly kind: 'stopped' };

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;

/**
 * Calls `read` when woken and when the pause is over, one call at a time; wake-ups during a read
 * make one more. After a failure it tries again by itself, after 50 ms, doubling to 2 s.
 */
export class ReadLoop {
  readonly #options: ReadLoopOptions;
  #state: ReadLoopState = { kind: 'idle' };
  #timer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #reading: Promise<void> | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  /** Somebody asked for a read that has not begun. */
  #isWanted = false;
  #waiters: Waiter[] = [];

  constructor(options: ReadLoopOptions) {
    this.#options = options;
  }

  get state(): ReadLoopState {
    return this.#state;
  }

  start(): void {
    if (this.#state.kind !== 'idle') throw new Error('a feed is started once');
    this.#state = { kind: 'running' };
    if (this.#isWanted) this.#readNow();
    else this.#schedule(this.#options.pauseMs());
  }

  wake(): void {
    this.#isWanted = true;
    // A loop that fails keeps to its own clock: a storm of wake-ups does not become a storm of
    // failing reads.
    if (this.#state.kind === 'running' && !this.#reading) this.#readNow();
  }

  /**
   * Reads once `ms` have passed since the last reading began, where the next one would be later.
   */
  wakeWithin(ms: number): void {
    if (this.#state.kind !== 'running' || this.#reading) return;
    const left = this.#readAt + ms - performance.now();
    if (left <= 0) this.#readNow();
    else this.#schedule(left);
  }

  /**
   * Resolves after a read that began after this call; waits for as long as reads fail. Rejects when
   * stopped.
   */
  catchUp(): Promise<void> {
    if (this.#state.kind === 'stopped') return Promise.reject(stopped());
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.wake();
    return done;
  }

  /** Waits for the read under way. Twice is fine. */
  async stop(): Promise<void> {
    this.#state = { kind: 'stopped' };
    clearTimeout(this.#timer);
    this.#rejectWaiters();
    await this.#reading;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#readNow(), ms);
  }

  #readNow(): void {
    clearTimeout(this.#timer);
    this.#reading = this.#readOnce().finally(() => {
      this.#reading = null;
      this.#continue();
    });
  }

  async #readOnce(): Promise<void> {
    this.#isWanted = false;
    this.#readAt = performance.now();
    const waiters = this.#waiters.splice(0);
    try {
      await this.#options.read();
    } catch (error) {
      this.#waiters.unshift(...waiters);
      this.#fail(error);
      return;
    }
    for (const waiter of waiters) waiter.resolve();
    if (this.#state.kind === 'failing') this.#state = { kind: 'running' };
    this.#retryMs = FIRST_RETRY_MS;
  }

  #fail(error: unknown): void {
    if (this.#isStopped()) return;
    const isNew = this.#state.kind !== 'failing';
    this.#state = { kind: 'failing', error };
    if (isNew) this.#options.onFailure(error);
  }

  #continue(): void {
    if (this.#isStopped()) this.#rejectWaiters();
    else if (this.#state.kind === 'failing') {
      // Shorter by up to a half, so that nodes do not come back in step.
      this.#schedule(this.#retryMs * (0.5 + Math.random() / 2));
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    } else if (this.#isWanted) this.#readNow();
    else this.#schedule(this.#options.pauseMs());
  }

  #isStopped(): boolean {
    return this.#state.kind === 'stopped';
  }

  #rejectWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(stopped());
  }
}

function stopped(): RivuletError {
  return new RivuletError('DATABASE_CLOSED', 'The feed was stopped.');
}
