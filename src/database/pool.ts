import { RivuletError } from '../errors.js';
import type { Statement } from '../sql/statement.js';
import { Line, type LineOwner, Pace, Reading } from './line.js';
import { Session, type SessionOptions } from './session.js';
import type { QueryOptions, TextRow } from './types.js';

/** How often lines are looked at in which somebody may wait too long. */
const LOOKED_AT_EVERY_MS = 50;

export interface PoolOptions extends Omit<SessionOptions, 'onLost' | 'onNotify'> {
  readonly max: number;
}

/** Who waits for a session. */
type Waiting =
  | {
      readonly kind: 'alone';
      readonly resolve: (session: Session) => void;
      readonly reject: (error: Error) => void;
    }
  | { readonly kind: 'reading'; readonly reading: Reading };

/**
 * Sessions lent out first come first served; made when needed, at most `max`. Work has one for itself. Readings share one only where all
 * are taken: see `Line`. As long as work waits, no reading is sent ahead of it.
 */
export class Pool {
  readonly #url: string;
  readonly #options: PoolOptions;
  readonly #idle: Session[] = [];
  readonly #all = new Set<Session>();
  readonly #lines = new Set<Line>();
  readonly #waiting: Waiting[] = [];
  readonly #owner: LineOwner;
  #looking: NodeJS.Timeout | undefined;
  #onDrained: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(url: string, options: PoolOptions) {
    this.#url = url;
    this.#options = options;
    this.#owner = {
      pace: new Pace(),
      onLeft: (line) => this.#left(line),
      onMoved: (reading) => this.#place(reading, true),
    };
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

  /** Runs a statement that only reads; where it stands behind one that does not end, or is lost, it is sent again. Rejects as `use`. */
  read(statement: Statement, options: QueryOptions = {}): Promise<readonly TextRow[]> {
    const reading = new Reading(statement, options);
    this.#place(reading);
    return reading.answer;
  }

  /** Refuses new work, waits up to `timeoutMs` for what was lent, then closes. Twice is fine. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    for (const waiting of this.#waiting.splice(0)) refuse(waiting);
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

  async #acquire(): Promise<Session> {
    if (this.#closing) throw closed();
    return (
      this.#free() ?? new Promise((resolve, reject) => this.#waiting.push({ kind: 'alone', resolve, reject }))
    );
  }

  /** `isFirst`: before those who wait. */
  #place(reading: Reading, isFirst = false): void {
    if (this.#closing) {
      reading.giveUp(closed());
      return;
    }
    const session = this.#free();
    if (session) this.#begin(session, reading);
    else if (this.#waiting.length > 0 || !this.#queue(reading)) {
      this.#waiting[isFirst ? 'unshift' : 'push']({ kind: 'reading', reading });
    }
  }

  /** Sends it behind others; false where it should not be. */
  #queue(reading: Reading): boolean {
    let shortest: Line | null = null;
    for (const line of this.#lines) {
      if ((shortest === null || line.length < shortest.length) && line.accepts(reading)) shortest = line;
    }
    shortest?.send(reading);
    this.#lookLater();
    return shortest !== null;
  }

  /** To be called wherever somebody comes to stand behind another. */
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

  #begin(session: Session, reading: Reading): void {
    const line = new Line(session, this.#owner);
    this.#lines.add(line);
    line.send(reading);
    this.#fill(line);
  }

  #left(line: Line): void {
    if (line.length > 0) this.#fill(line);
    else {
      this.#lines.delete(line);
      this.#release(line.session);
    }
  }

  /** With those who wait, until one of them wants a session for itself. */
  #fill(line: Line): void {
    for (
      let next = this.#next();
      next?.kind === 'reading' && line.accepts(next.reading);
      next = this.#next()
    ) {
      this.#waiting.shift();
      line.send(next.reading);
      this.#lookLater();
    }
  }

  /** Who is the first to wait, still there. */
  #next(): Waiting | undefined {
    for (;;) {
      const next = this.#waiting[0];
      if (next?.kind !== 'reading' || !next.reading.isSettled) return next;
      this.#waiting.shift();
    }
  }

  #free(): Session | undefined {
    return this.#idle.pop() ?? (this.#all.size < this.#options.max ? this.#make() : undefined);
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
    if (this.#closing || session.lost || session.isOld) void this.#discard(session);
    else this.#lend(session);
  }

  #lend(session: Session): void {
    const next = this.#next();
    this.#waiting.shift();
    if (!next) this.#idle.push(session);
    else if (next.kind === 'alone') next.resolve(session);
    else this.#begin(session, next.reading);
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
    if (!this.#closing && this.#next() !== undefined) this.#lend(this.#make());
  }
}

function refuse(waiting: Waiting): void {
  if (waiting.kind === 'alone') waiting.reject(closed());
  else waiting.reading.giveUp(closed());
}

function closed(): RivuletError {
  return new RivuletError('DATABASE_CLOSED', 'The database connection of this server is closed.');
}
