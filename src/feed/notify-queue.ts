import { isPassing } from '../database/retry.js';
import type { Database, DatabaseLogger } from '../database/types.js';
import { ERRORS } from '../error-texts.js';

/** From so full on it is warned of. */
const ALARM_AT = 0.5;

export interface NotifyQueueOptions {
  readonly database: Database;
  /** Milliseconds between two checks; default 10,000. */
  readonly everyMs?: number | undefined;
  readonly log?: DatabaseLogger | undefined;
}

/**
 * Looks now and then how full the cluster's queue of notifications is. It fills while some session,
 * of whatever application, listens and does not end its transaction; full, NOTIFY fails. Rivulet's
 * triggers stop notifying before that (see `trigger-sql.ts`), and its own listener is never in a
 * transaction. Warns with NOTIFY_QUEUE_FILLING each time it becomes half full.
 */
export class NotifyQueue {
  readonly #options: NotifyQueueOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #usage: number | null = null;
  #isStopped = false;

  constructor(options: NotifyQueueOptions) {
    this.#options = options;
  }

  /** From 0 to 1, as of the last look; `null`: not known. */
  get usage(): number | null {
    return this.#usage;
  }

  get isFilling(): boolean {
    return this.#usage !== null && this.#usage >= ALARM_AT;
  }

  start(): void {
    this.#looking = this.#look().finally(() => {
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => this.start(), this.#options.everyMs ?? 10_000);
      this.#timer.unref();
    });
  }

  /** Waits for the look under way. Twice is fine. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { database, log } = this.#options;
    const was = this.isFilling;
    try {
      const [row] = await database.query({ text: 'select pg_notification_queue_usage()::text', params: [] });
      this.#usage = Number(row![0]);
    } catch (error) {
      this.#usage = null;
      if (!isPassing(error))
        log?.debug({ error: String(error) }, 'the queue of notifications cannot be seen');
      return;
    }
    if (this.isFilling === was) return;
    if (was) log?.info({ usage: this.#usage }, 'the queue of notifications has room again');
    else {
      const { cause, next } = ERRORS.NOTIFY_QUEUE_FILLING;
      log?.warn({ code: 'NOTIFY_QUEUE_FILLING', usage: this.#usage, next }, cause);
    }
  }
}
