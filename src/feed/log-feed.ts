import { RivuletError } from '../../shared/errors.js';
import type { Model } from '../../shared/model/types.js';
import { codedError, codeOf, SQLSTATE } from '../database/errors.js';
import type { Database, DatabaseLogger } from '../database/types.js';
import { decode } from '../log/decode.js';
import { ImageShapes } from '../log/image-shapes.js';
import { LogClaim } from '../log/log-claim.js';
import { NEWEST_SQL, parsePosition } from '../log/newest.js';
import { parseRead, positionAfter, readSince } from '../log/read.js';
import { renewLog } from '../log/renew.js';
import type { Snapshot } from '../log/snapshot.js';
import { FeedListeners } from './feed-listeners.js';
import { FeedMeter } from './feed-meter.js';
import { FeedSleeper } from './feed-sleeper.js';
import { createLogPages, type LogPages, type UnreadableRange } from './log-pages.js';
import { ReadLoop } from './read-loop.js';
import type { Feed, FeedBatch, FeedListener, FeedStatus } from './types.js';

export interface LogFeedOptions {
  readonly database: Database;
  readonly model: Model;
  /**
   * Milliseconds between two reads while asleep, or while notifications cannot be received; default
   * 1,000.
   */
  readonly pollMs?: number | undefined;
  /**
   * False: no LISTEN, readings by the clock alone (behind a pooler that does not carry it). Default
   * true.
   */
  readonly listen?: boolean | undefined;
  /** See `LogPagesOptions`. */
  readonly maxTransactionRows?: number | undefined;
  readonly log?: DatabaseLogger | undefined;
}

/** In one statement; what is more comes by pages. */
const READ_ROWS = 250;
const PAGE_CHANGES = 1_000;

/**
 * The change log of one database as a feed: read again and again while much is written, else woken
 * by NOTIFY, and by a clock where that stays away (`wakefulness.ts`). Where much is there at once
 * it comes in several batches. `start` rejects with WATCH_LOG_MISSING where there is no log. A
 * batch says `reset` when the log was replaced or the server set back, when retention deleted what
 * this reader had not read (it was away for longer than its claim lasts), or when an image does not
 * fit the model.
 */
export function createLogFeed(options: LogFeedOptions): Feed {
  return new LogFeed(options);
}

class LogFeed implements Feed {
  readonly #database: Database;
  readonly #listeners: FeedListeners;
  readonly #shapes: ImageShapes;
  readonly #pages: LogPages;
  readonly #loop: ReadLoop;
  readonly #sleeper: FeedSleeper;
  readonly #claim: LogClaim;
  readonly #meter = new FeedMeter();
  #position: Snapshot | null = null;
  #epoch = '';

  constructor(options: LogFeedOptions) {
    this.#database = options.database;
    this.#listeners = new FeedListeners(options.log);
    this.#shapes = new ImageShapes(options.model);
    this.#pages = createLogPages(options.model, options);
    this.#sleeper = new FeedSleeper({
      database: options.database,
      pollMs: options.pollMs ?? 1_000,
      listen: options.listen ?? true,
      loop: () => this.#loop,
      log: options.log,
    });
    this.#claim = new LogClaim({
      database: options.database,
      position: () => this.position.xmin,
      log: options.log,
    });
    this.#loop = new ReadLoop({
      read: () => this.#read(),
      pauseMs: () => this.#sleeper.pauseMs(),
      onFailure: (error) => options.log?.warn({ error: messageOf(error) }, 'the change log cannot be read'),
    });
  }

  get position(): Snapshot {
    if (!this.#position) throw new Error('the feed has not been started');
    return this.#position;
  }

  async start(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      await this.stop();
      throw coded(error);
    }
    if (this.#loop.state.kind === 'stopped') await this.stop();
    else {
      this.#loop.start();
      this.#claim.start();
    }
  }

  get epoch(): string {
    return this.#epoch;
  }

  listen(listener: FeedListener): () => void {
    return this.#listeners.add(listener);
  }

  catchUp(): Promise<void> {
    return this.#loop.catchUp();
  }

  status(): FeedStatus {
    const { state } = this.#loop;
    const names = { idle: 'starting', running: 'live', failing: 'reconnecting', stopped: 'stopped' } as const;
    const error = state.kind === 'failing' ? messageOf(state.error) : null;
    return {
      state: names[state.kind],
      ...this.#meter.figures,
      ...this.#sleeper.figures,
      error,
    };
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#sleeper.stop();
    await this.#claim.close();
  }

  async #begin(): Promise<void> {
    await this.#claim.open();
    await renewLog(this.#database);
    const { position, epoch } = await this.#now();
    this.#position = position;
    this.#epoch = epoch;
    this.#meter.read(0);
    await this.#sleeper.start();
  }

  async #now(): Promise<{ readonly position: Snapshot; readonly epoch: string }> {
    const [row] = await this.#database.query({
      text: `select pg_current_snapshot()::text, l.epoch::text, ${NEWEST_SQL}, pg_is_in_recovery()::text from rivulet.log l`,
      params: [],
    });
    const [snapshot, epoch, newest, isStandby] = row ?? [];
    if (!snapshot || !epoch || !newest) throw logMissing();
    if (isStandby === 'true') throw standby();
    return { position: parsePosition(snapshot, newest), epoch };
  }

  async #read(): Promise<void> {
    const position = this.position;
    const hasRead = this.#sleeper.begin();
    const answer = await this.#database.query(readSince(position, READ_ROWS), { prepare: false });
    const read = parseRead(answer, READ_ROWS);
    if (!read) throw logMissing();
    if (read.standing === 'standby') throw standby();
    if (read.standing === 'moved') {
      await renewLog(this.#database);
      return this.#read();
    }
    const found = new Set(read.rows.map(({ xid }) => xid)).size;
    hasRead(found);
    this.#meter.read(found);
    if (read.epoch !== this.#epoch || read.standing === 'foreign') return this.#startOver('foreign');
    if (read.isTrimmed) return this.#startOver('trimmed');
    if (read.isCut) return this.#readPages(position);
    await this.#shapes.load(this.#database, new Set(read.rows.map((row) => row.shape)));
    const snapshot = positionAfter(read, position);
    const { transactions, reset } = decode({ rows: read.rows, snapshot }, position, this.#shapes);
    await this.#handOver({ transactions, position: snapshot, reset });
  }

  /** Much is there at once: by pages, so that it need not all be held. */
  async #readPages(position: Snapshot): Promise<void> {
    const range = await this.#pages.range(this.#database, { epoch: this.#epoch, snapshot: position });
    if (range.kind !== 'range') return this.#startOver(range.kind);
    while (this.#loop.state.kind !== 'stopped') {
      const page = await range.next(this.#database, PAGE_CHANGES);
      if (page === null) return;
      if ('kind' in page) return this.#startOver(page.kind);
      await this.#handOver({ ...page, reset: null });
    }
  }

  async #handOver(batch: FeedBatch): Promise<void> {
    this.#meter.handOver(batch);
    // A read that found nothing moves the position and wakes nobody.
    if (batch.transactions.length > 0 || batch.reset !== null) await this.#listeners.tell(batch);
    this.#position = batch.position;
  }

  async #startOver(why: UnreadableRange['kind']): Promise<void> {
    const { position, epoch } = await this.#now();
    this.#epoch = epoch;
    await this.#handOver({ transactions: [], position, reset: WHY[why] });
  }
}

const WHY: Readonly<Record<UnreadableRange['kind'], string>> = {
  foreign: 'the change log is another one, or was set back',
  trimmed: 'the change log was trimmed before it was read, or has more than is caught up with',
  lost: 'the change log does not say what its images have in them; run `rivulet migrate`',
};

function standby(): RivuletError {
  return new RivuletError(
    'DATABASE_READ_ONLY',
    'The database is a standby, from which the change log cannot be read.',
  );
}

const LOG_GONE: ReadonlySet<string | undefined> = new Set([
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedSchema,
  SQLSTATE.undefinedColumn,
  SQLSTATE.insufficientPrivilege,
]);

function coded(error: unknown): unknown {
  return LOG_GONE.has(codeOf(error)) ? logMissing(error) : (codedError(error) ?? error);
}

function messageOf(error: unknown): string {
  const known = coded(error);
  return known instanceof Error ? known.message : String(known);
}

function logMissing(cause?: unknown): RivuletError {
  return new RivuletError(
    'WATCH_LOG_MISSING',
    'The change log is not installed in this database, or may not be read.',
    {},
    cause,
  );
}
