import { codedError, codeOf, SQLSTATE } from '../database/errors.js';
import type { Database, Logger } from '../database/types.js';
import { RivuletError } from '../errors.js';
import { decode } from '../log/decode.js';
import { type LogRead, parseRead, readSince } from '../log/read.js';
import { Shapes } from '../log/shapes.js';
import { parseSnapshot, type Snapshot } from '../log/snapshot.js';
import type { Model } from '../model/types.js';
import { LOG_CHANNEL } from '../watch/log-table.js';
import { Listeners } from './listeners.js';
import type { Feed, FeedBatch, FeedListener, FeedStatus } from './types.js';

export interface LogFeedOptions {
  readonly database: Database;
  readonly model: Model;
  /** How often to read although nobody notified; default 1,000. */
  readonly pollMs?: number;
  /** False: no LISTEN, polling alone (behind a pooler that does not carry it). Default true. */
  readonly listen?: boolean;
  readonly log?: Logger;
}

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;

/** The change log of one database as a feed: woken by NOTIFY, and by a clock where that stays away. */
export function createLogFeed(options: LogFeedOptions): Feed {
  return new LogFeed(options);
}

type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'running' }
  | { readonly kind: 'failing'; readonly error: string }
  | { readonly kind: 'stopped' };

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class LogFeed implements Feed {
  readonly #database: Database;
  readonly #pollMs: number;
  readonly #listens: boolean;
  readonly #log: Logger | undefined;
  readonly #listeners: Listeners;
  readonly #shapes: Shapes;
  #state: State = { kind: 'new' };
  #position: Snapshot | null = null;
  #epoch = '';
  #unlisten: (() => Promise<void>) | null = null;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  /** The loop that reads, while there is something to read for. */
  #reading: Promise<void> | null = null;
  /** Somebody asked for a read that has not begun. */
  #isWanted = false;
  #waiters: Waiter[] = [];
  #lastReadAt: number | null = null;
  #lagMs: number | null = null;
  #transactions = 0;
  #changes = 0;

  constructor(options: LogFeedOptions) {
    this.#database = options.database;
    this.#pollMs = options.pollMs ?? 1_000;
    this.#listens = options.listen ?? true;
    this.#log = options.log;
    this.#listeners = new Listeners(options.log);
    this.#shapes = new Shapes(options.model);
  }

  get position(): Snapshot {
    if (!this.#position) throw new Error('the feed has not been started');
    return this.#position;
  }

  async start(): Promise<void> {
    if (this.#state.kind !== 'new') throw new Error('a feed is started once');
    this.#state = { kind: 'running' };
    try {
      await this.#begin();
    } catch (error) {
      await this.stop();
      throw coded(error);
    }
  }

  listen(listener: FeedListener): () => void {
    return this.#listeners.add(listener);
  }

  catchUp(): Promise<void> {
    if (this.#state.kind === 'stopped') return Promise.reject(stopped());
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.#wake();
    return done;
  }

  status(): FeedStatus {
    const { kind } = this.#state;
    const names = { new: 'starting', running: 'live', failing: 'reconnecting', stopped: 'stopped' } as const;
    return {
      state: kind === 'running' && !this.#position ? 'starting' : names[kind],
      lastReadAgoMs: this.#lastReadAt === null ? null : performance.now() - this.#lastReadAt,
      lagMs: this.#lagMs,
      transactions: this.#transactions,
      changes: this.#changes,
      error: this.#state.kind === 'failing' ? this.#state.error : null,
    };
  }

  async stop(): Promise<void> {
    this.#state = { kind: 'stopped' };
    clearTimeout(this.#timer);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(stopped());
    await this.#unlisten?.();
    await this.#reading;
  }

  async #begin(): Promise<void> {
    const rows = await this.#database.query({
      text: 'select pg_current_snapshot()::text, epoch::text from rivulet.log',
      params: [],
    });
    if (rows.length === 0) throw logMissing();
    this.#position = parseSnapshot(rows[0]![0]!);
    this.#epoch = rows[0]![1]!;
    this.#lastReadAt = performance.now();
    if (this.#listens) {
      const wake = (): void => this.#wake();
      const unlisten = await this.#database.listen(LOG_CHANNEL, wake, wake);
      this.#unlisten = unlisten;
      if (this.#isStopped()) await unlisten();
    }
    this.#schedule(this.#pollMs);
  }

  #isStopped(): boolean {
    return this.#state.kind === 'stopped';
  }

  #wake(): void {
    if (this.#isStopped() || !this.#position) return;
    this.#isWanted = true;
    if (this.#reading || this.#state.kind === 'failing') return;
    this.#readSoon();
  }

  #readSoon(): void {
    clearTimeout(this.#timer);
    this.#reading = this.#readWhileWanted().finally(() => {
      this.#reading = null;
      if (this.#isStopped()) return;
      if (this.#state.kind === 'failing') {
        this.#schedule(this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
      } else if (this.#isWanted) this.#readSoon();
      else this.#schedule(this.#pollMs);
    });
  }

  #schedule(ms: number): void {
    if (this.#isStopped()) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#readSoon(), ms);
  }

  async #readWhileWanted(): Promise<void> {
    do {
      this.#isWanted = false;
      const waiters = this.#waiters.splice(0);
      try {
        await this.#readOnce();
        this.#state = this.#isStopped() ? this.#state : { kind: 'running' };
        this.#retryMs = FIRST_RETRY_MS;
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        if (this.#isStopped()) {
          for (const waiter of waiters) waiter.reject(stopped());
          return;
        }
        this.#waiters.unshift(...waiters);
        const message =
          coded(error) instanceof RivuletError ? (coded(error) as Error).message : String(error);
        if (this.#state.kind !== 'failing')
          this.#log?.warn({ error: message }, 'the change log cannot be read');
        this.#state = { kind: 'failing', error: message };
        return;
      }
    } while (this.#isWanted && !this.#isStopped());
  }

  async #readOnce(): Promise<void> {
    const position = this.position;
    const read = parseRead(await this.#database.query(readSince(position), { prepare: false }));
    if (!read) throw logMissing();
    this.#lastReadAt = performance.now();
    if (read.epoch !== this.#epoch || isBehind(read.snapshot, position)) {
      this.#epoch = read.epoch;
      await this.#handOver({
        transactions: [],
        position: read.snapshot,
        reset: 'the change log is another one',
      });
      return;
    }
    await this.#handOver(await this.#decode(read, position));
  }

  async #decode(read: LogRead, position: Snapshot): Promise<FeedBatch> {
    await this.#shapes.load(
      this.#database,
      read.rows.map((row) => row.shape),
    );
    const { transactions, reset } = decode(read, position, this.#shapes);
    return { transactions, position: read.snapshot, reset };
  }

  /** A read that found nothing moves the position and wakes nobody. */
  async #handOver(batch: FeedBatch): Promise<void> {
    const newest = batch.transactions.at(-1);
    if (newest) {
      this.#lagMs = Math.max(0, Date.now() - Date.parse(newest.loggedAt));
      this.#transactions += batch.transactions.length;
      for (const transaction of batch.transactions) this.#changes += transaction.changes.length;
    }
    if (newest || batch.reset !== null) await this.#listeners.tell(batch);
    this.#position = batch.position;
  }
}

/** True when `now` is a moment before `position`: the server is another one, or was set back. */
function isBehind(now: Snapshot, position: Snapshot): boolean {
  return now.xmax < position.xmax || now.xmin < position.xmin;
}

function coded(error: unknown): unknown {
  const code = codeOf(error);
  const isMissing =
    code === SQLSTATE.undefinedTable ||
    code === SQLSTATE.undefinedSchema ||
    code === SQLSTATE.undefinedColumn ||
    code === SQLSTATE.insufficientPrivilege;
  return isMissing ? logMissing(error) : (codedError(error) ?? error);
}

function logMissing(cause?: unknown): RivuletError {
  return new RivuletError(
    'WATCH_LOG_MISSING',
    'The change log is not installed in this database.',
    {},
    cause,
  );
}

function stopped(): RivuletError {
  return new RivuletError('DATABASE_CLOSED', 'The feed was stopped.');
}
