import { randomUUID } from 'node:crypto';
import type { Database, DatabaseLogger, QueryRunner } from '../database/types.js';
import { ERRORS } from '../error-texts.js';
import { LOG_CHANNEL } from '../watch/log-table.js';
import { ReaderLock } from './reader-lock.js';

/**
 * Time that a notification may take from another connection to this one, and the number of further
 * attempts.
 */
const HEARD_WITHIN_MS = 2_000;
const TEST_AGAIN_MS = 30_000;
const TEST = 'test ';

/**
 * `broken`: LISTEN succeeds, but notifications do not come through, as behind a pooler in
 * transaction mode.
 */
export type WakeUps = 'off' | 'untested' | 'working' | 'broken';

export interface DoorbellOptions {
  readonly database: Database;
  /** Something may have been logged. */
  readonly onRing: () => void;
  /**
   * Called with the state of the connection each time it changes: `lost` until the connection is
   * back and was tested.
   */
  readonly onBell: (bell: 'works' | 'lost' | 'dumb') => void;
  readonly log?: DatabaseLogger | undefined;
}

/**
 * Hears of new changes by NOTIFY, from writers that find a reader asleep. After each LISTEN it
 * sends itself a notification over another connection, and warns with NOTIFY_NOT_CARRIED when that
 * does not come: then nobody may sleep. Nothing depends on being heard: who reads also reads by the
 * clock.
 */
export class Doorbell {
  readonly #options: DoorbellOptions;
  readonly #token = TEST + randomUUID();
  #wakeUps: WakeUps = 'off';
  #losses = 0;
  #rings = 0;
  #lock: ReaderLock | null = null;
  #unlisten: (() => Promise<void>) | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DoorbellOptions) {
    this.#options = options;
  }

  get wakeUps(): WakeUps {
    return this.#wakeUps;
  }

  /** Number of times that the connection was lost. */
  get losses(): number {
    return this.#losses;
  }

  /** Notifications of writers that were heard. */
  get rings(): number {
    return this.#rings;
  }

  /** Rejects when the first LISTEN fails. */
  async start(): Promise<void> {
    this.#wakeUps = 'untested';
    this.#unlisten = await this.#options.database.listen(
      LOG_CHANNEL,
      (payload) => this.#hear(payload),
      (session) => this.#listening(session),
      () => {
        this.#losses++;
        this.#lock = null;
        this.#options.onBell('lost');
      },
    );
  }

  /**
   * True when from now on every writer that had not ended rings, until `silence` or until the
   * connection is lost. Rejects never.
   */
  async arm(): Promise<boolean> {
    const lock = this.#lock;
    if (!lock) return false;
    const isTaken = await lock.take().catch(() => false);
    return isTaken && lock === this.#lock;
  }

  /** Writers need not ring any more. Rejects never. */
  async silence(): Promise<void> {
    // An error here loses the connection, and the lock with it.
    await this.#lock?.drop().catch(() => {});
  }

  /** Twice is fine. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#wakeUps = 'off';
    this.#lock = null;
    await this.#unlisten?.();
  }

  #listening(session: Pick<QueryRunner, 'query'>): void {
    this.#lock = new ReaderLock(session);
    this.#options.onRing();
    this.#test();
  }

  #hear(payload: string): void {
    if (payload === this.#token) this.#heard();
    // Tests of other nodes say nothing of changes.
    if (payload.startsWith(TEST)) return;
    this.#rings++;
    this.#options.onRing();
  }

  #heard(): void {
    clearTimeout(this.#timer);
    if (this.#wakeUps === 'off') return;
    if (this.#wakeUps === 'broken') this.#options.log?.info({}, 'notifications come through again');
    this.#wakeUps = 'working';
    this.#options.onBell('works');
  }

  #test(): void {
    clearTimeout(this.#timer);
    if (this.#wakeUps === 'off') return;
    this.#timer = setTimeout(() => this.#notHeard(), HEARD_WITHIN_MS);
    const statement = { text: 'select pg_notify($1, $2)', params: [LOG_CHANNEL, this.#token] };
    // The next test finds an error of this one again.
    this.#options.database.query(statement).catch(() => {});
  }

  #notHeard(): void {
    if (this.#wakeUps !== 'broken') {
      this.#wakeUps = 'broken';
      const { cause, next } = ERRORS.NOTIFY_NOT_CARRIED;
      this.#options.log?.warn({ code: 'NOTIFY_NOT_CARRIED', next }, cause);
    }
    this.#options.onBell('dumb');
    this.#timer = setTimeout(() => this.#test(), TEST_AGAIN_MS);
  }
}
