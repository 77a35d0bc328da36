import { RivuletError } from '../errors.js';
import { Session, type SessionOptions } from './session.js';

/** A session is replaced after this time, so that one that grew (plans, caches) does not live for ever. */
const MAX_SESSION_AGE_MS = 30 * 60_000;

export interface PoolOptions extends Omit<SessionOptions, 'onLost' | 'onNotify'> {
  readonly max: number;
}

/** Sessions lent out one at a time, first come first served; made when needed, at most `max`. */
export class Pool {
  readonly #url: string;
  readonly #options: PoolOptions;
  readonly #idle: Session[] = [];
  readonly #all = new Set<Session>();
  readonly #waiting: { resolve: (session: Session) => void; reject: (error: Error) => void }[] = [];
  #onDrained: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(url: string, options: PoolOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** Lends a session to `work` alone. Rejects as `work` does, or with DATABASE_CLOSED. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#acquire();
    try {
      return await work(session);
    } finally {
      this.#release(session);
    }
  }

  /** Refuses new work, waits up to `timeoutMs` for what was lent, then closes. Twice is fine. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed());
    await Promise.all(this.#idle.splice(0).map((session) => this.#discard(session)));
    if (this.#all.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      const drained = new Promise<void>((resolve) => {
        this.#onDrained = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      await drained;
      clearTimeout(timer);
    }
    await Promise.all([...this.#all].map((session) => this.#discard(session)));
  }

  async #acquire(): Promise<Session> {
    if (this.#closing) throw closed();
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#all.size < this.#options.max) return this.#make();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #make(): Session {
    const session = new Session(this.#url, {
      ...this.#options,
      onLost: (lost, silent) => this.#lost(lost, silent),
    });
    this.#all.add(session);
    return session;
  }

  #release(session: Session): void {
    const isOld = performance.now() - session.bornAt > MAX_SESSION_AGE_MS;
    if (this.#closing || session.lost || isOld) {
      void this.#discard(session);
      return;
    }
    const next = this.#waiting.shift();
    if (next) next.resolve(session);
    else this.#idle.push(session);
  }

  /** Where one link went silent, those that lie idle are not trusted either. */
  #lost(session: Session, silent: boolean): void {
    this.#forget(session);
    if (silent) for (const idle of this.#idle.splice(0)) void this.#discard(idle);
  }

  async #discard(session: Session): Promise<void> {
    this.#forget(session);
    await session.end().catch(() => {});
  }

  #forget(session: Session): void {
    if (!this.#all.delete(session)) return;
    const place = this.#idle.indexOf(session);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#all.size === 0) this.#onDrained?.();
    if (!this.#closing && this.#waiting.length > 0) this.#waiting.shift()!.resolve(this.#make());
  }
}

function closed(): RivuletError {
  return new RivuletError('DATABASE_CLOSED', 'The database connection of this server is closed.');
}
