import { RivuletError } from '../../shared/errors.js';
import type { Statement } from '../sql/statement.js';
import type { StatementCancellation } from './cancellation.js';
import { FairQueue, NOBODY, type QueuedWork } from './fair-queue.js';
import { OwnerShares } from './owner-shares.js';
import { PipelinedRead, type PipelineOwner, PipelineSession, StatementPace } from './pipeline-session.js';
import { DatabaseSession, type SessionOptions } from './session.js';
import type { QueryOptions, TextRow } from './types.js';

/** Time between two checks for statements that wait too long behind another. */
const LOOKED_AT_EVERY_MS = 50;

export interface PoolOptions extends Omit<SessionOptions, 'onLost' | 'onNotify'> {
  readonly max: number;
  /** Sessions that one owner may have at a time. Default: all. */
  readonly maxPerOwner?: number | undefined;
}

type UseOptions = Pick<QueryOptions, 'owner' | 'cancellation'>;

/** Work that waits for a session. */
type WaitingWork = WaitingAlone | WaitingReading;

class WaitingAlone implements QueuedWork {
  readonly kind = 'alone';
  readonly owner: string;
  readonly session: Promise<DatabaseSession>;
  isSettled = false;
  #resolve!: (session: DatabaseSession) => void;
  #reject!: (error: Error) => void;

  constructor(owner: string) {
    this.owner = owner;
    this.session = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(session: DatabaseSession): void {
    this.isSettled = true;
    this.#resolve(session);
  }

  reject(error: Error): void {
    this.isSettled = true;
    this.#reject(error);
  }
}

class WaitingReading implements QueuedWork {
  readonly kind = 'reading';
  readonly reading: PipelinedRead;

  constructor(reading: PipelinedRead) {
    this.reading = reading;
  }

  get owner(): string {
    return this.reading.owner;
  }

  get isSettled(): boolean {
    return this.reading.isSettled;
  }

  reject(error: Error): void {
    this.reading.giveUp(error);
  }
}

/**
 * Sessions lent out, at most `max`, made when needed. An owner has at most `maxPerOwner` of them;
 * who waits is served in turn with other owners. Work has a session for itself. Readings share one
 * only where there is none to have: see `Line`. As long as work waits that may have a session, no
 * reading is sent ahead of it.
 */
export class ConnectionPool {
  readonly #url: string;
  readonly #options: PoolOptions;
  readonly #idle: DatabaseSession[] = [];
  readonly #all = new Set<DatabaseSession>();
  readonly #lines = new Set<PipelineSession>();
  readonly #waiting = new FairQueue<WaitingWork>();
  readonly #shares: OwnerShares;
  readonly #owner: PipelineOwner;
  #looking: NodeJS.Timeout | undefined;
  #onDrained: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(url: string, options: PoolOptions) {
    this.#url = url;
    this.#options = options;
    this.#shares = new OwnerShares(options.maxPerOwner ?? options.max);
    this.#owner = {
      pace: new StatementPace(),
      onLeft: (line, owner) => this.#left(line, owner),
      onMoved: (reading) => this.#place(reading, true),
    };
  }

  /**
   * Lends a session to `work` alone. Rejects as `work` does, with DATABASE_CLOSED, or, where it had
   * not begun, with REQUEST_CANCELLED.
   */
  async use<T>(work: (session: DatabaseSession) => Promise<T>, options: UseOptions = {}): Promise<T> {
    const { owner = NOBODY, cancellation } = options;
    const session = await this.#acquire(owner, cancellation);
    try {
      return await work(session);
    } finally {
      this.#shares.giveBack(owner);
      this.#release(session);
    }
  }

  /**
   * Runs a statement that only reads; where it stands behind one that does not end, or is lost, it
   * is sent again. Rejects as `use`.
   */
  read(statement: Statement, options: QueryOptions = {}): Promise<readonly TextRow[]> {
    const reading = new PipelinedRead(statement, options);
    const { cancellation } = options;
    if (cancellation?.isCancelled) return Promise.reject(cancelled());
    reading.heed(cancellation, () => {
      reading.reject(cancelled());
      for (const line of this.#lines) line.letGo(reading);
    });
    this.#place(reading);
    return reading.answer;
  }

  /** Refuses new work, waits up to `timeoutMs` for what was lent, then closes. Twice is fine. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    for (const waiting of this.#waiting.drain()) waiting.reject(closed());
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
    clearTimeout(this.#looking);
    await Promise.all([...this.#all].map((session) => this.#discard(session)));
  }

  async #acquire(owner: string, cancellation: StatementCancellation | undefined): Promise<DatabaseSession> {
    if (this.#closing) throw closed();
    if (cancellation?.isCancelled) throw cancelled();
    const session = this.#shares.mayTake(owner) ? this.#free() : undefined;
    if (session) {
      this.#shares.take(owner);
      return session;
    }
    const waiting = new WaitingAlone(owner);
    this.#waiting.push(waiting);
    const forget = cancellation?.onCancel(() => waiting.reject(cancelled()));
    try {
      return await waiting.session;
    } finally {
      forget?.();
    }
  }

  /** `isFirst`: before those who wait, whatever its owner has. */
  #place(reading: PipelinedRead, isFirst = false): void {
    if (this.#closing) {
      reading.giveUp(closed());
      return;
    }
    const { owner } = reading;
    const session = isFirst || this.#shares.mayTake(owner) ? this.#free() : undefined;
    if (session) this.#begin(session, reading);
    else if (this.#isAnybodyBefore(owner) || !this.#queue(reading)) {
      this.#waiting[isFirst ? 'pushFirst' : 'push'](new WaitingReading(reading));
    }
  }

  /** True if work waits that may have a session, or if the owner waits for more than its share. */
  #isAnybodyBefore(owner: string): boolean {
    return this.#waiting.has(owner) || this.#waiting.next(this.#shares.mayTake) !== undefined;
  }

  /** Sends it behind others; false where it should not be. */
  #queue(reading: PipelinedRead): boolean {
    let shortest: PipelineSession | null = null;
    for (const line of this.#lines) {
      if ((shortest === null || line.length < shortest.length) && line.accepts(reading)) shortest = line;
    }
    shortest?.send(reading);
    this.#lookLater();
    return shortest !== null;
  }

  /** Call it whenever a statement is sent behind another. */
  #lookLater(): void {
    this.#looking ??= setTimeout(() => setImmediate(() => this.#look()), LOOKED_AT_EVERY_MS).unref();
  }

  #look(): void {
    this.#looking = undefined;
    if (this.#closing) return;
    const stuck = [...this.#lines].flatMap((line) => line.takeStuck());
    for (const reading of stuck) this.#place(reading, true);
    if ([...this.#lines].some(({ length }) => length > 1)) this.#lookLater();
  }

  #begin(session: DatabaseSession, reading: PipelinedRead): void {
    const line = new PipelineSession(session, this.#owner);
    this.#lines.add(line);
    this.#shares.take(reading.owner);
    line.send(reading);
    this.#fill(line);
  }

  /** The session counts for the one who is first in line; `owner` was. */
  #left(line: PipelineSession, owner: string): void {
    const next = line.first?.owner;
    if (next !== owner) {
      this.#shares.giveBack(owner);
      if (next !== undefined) this.#shares.take(next);
    }
    if (next !== undefined) {
      this.#fill(line);
      if (next !== owner) this.#serve();
    } else {
      this.#lines.delete(line);
      this.#release(line.session);
    }
  }

  /** With those who wait, until one of them wants a session for itself. */
  #fill(line: PipelineSession): void {
    for (let next = this.#nextIn(line); next; next = this.#nextIn(line)) {
      this.#waiting.take(next);
      line.send(next.reading);
      this.#lookLater();
    }
  }

  /**
   * Owners that have used their share may still send behind a running statement if no other owner
   * waits.
   */
  #nextIn(line: PipelineSession): WaitingReading | undefined {
    const next = this.#waiting.next(this.#shares.mayTake) ?? this.#waiting.next(() => true);
    return next?.kind === 'reading' && line.accepts(next.reading) ? next : undefined;
  }

  #free(): DatabaseSession | undefined {
    return this.#idle.pop() ?? (this.#all.size < this.#options.max ? this.#make() : undefined);
  }

  #make(): DatabaseSession {
    const session = new DatabaseSession(this.#url, {
      ...this.#options,
      onLost: (lost, silent) => this.#lost(lost, silent),
    });
    this.#all.add(session);
    return session;
  }

  #release(session: DatabaseSession): void {
    if (this.#closing || session.lost || session.isSpent) void this.#discard(session);
    else this.#idle.push(session);
    this.#serve();
  }

  /** Lends what is free to those who wait and may have it. */
  #serve(): void {
    if (this.#closing) return;
    for (;;) {
      const next = this.#waiting.next(this.#shares.mayTake);
      const session = next && this.#free();
      if (!session) return;
      this.#waiting.take(next);
      if (next.kind === 'reading') this.#begin(session, next.reading);
      else {
        this.#shares.take(next.owner);
        next.resolve(session);
      }
    }
  }

  /**
   * Closes idle sessions after one connection went silent, because they cannot be trusted either.
   */
  #lost(session: DatabaseSession, silent: boolean): void {
    this.#forget(session);
    if (silent) for (const idle of this.#idle.splice(0)) void this.#discard(idle);
  }

  async #discard(session: DatabaseSession): Promise<void> {
    this.#forget(session);
    await session.end().catch(() => {});
  }

  #forget(session: DatabaseSession): void {
    if (!this.#all.delete(session)) return;
    const place = this.#idle.indexOf(session);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#all.size === 0) this.#onDrained?.();
    this.#serve();
  }
}

function closed(): RivuletError {
  return new RivuletError('DATABASE_CLOSED', 'The database connection of this server is closed.');
}

function cancelled(): RivuletError {
  return new RivuletError('REQUEST_CANCELLED', 'The client that asked is gone.');
}
