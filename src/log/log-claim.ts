import { randomUUID } from 'node:crypto';
import type { Database, DatabaseLogger } from '../database/types.js';

/**
 * Interval at which a reader renews its claim, and the time (by the database's clock) for which a
 * claim holds.
 */
const CLAIM_EVERY_MS = 10_000;
export const CLAIM_LASTS_SECONDS = 60;

export interface ClaimOptions {
  readonly database: Database;
  /** Every transaction below has been read and handed over. Never goes back. */
  readonly position: () => bigint;
  readonly log?: DatabaseLogger | undefined;
}

/**
 * The part of the log that one reader still needs, which retention keeps. A claim is up to 10
 * seconds old, so it keeps more than is needed. Retention does not wait for a reader that is silent
 * for a minute, which finds out by its own read.
 *
 * Open it before the reader takes its first snapshot: retention either sees the claim, or the
 * snapshot sees what retention deletes. If a database refuses it (no privilege, read-only), a
 * warning is logged and the reader goes on without.
 */
export class LogClaim {
  readonly #options: ClaimOptions;
  readonly #id = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #telling: Promise<void> = Promise.resolve();
  #isRefused = false;

  constructor(options: ClaimOptions) {
    this.#options = options;
  }

  /** Claims everything, until `start`. */
  open(): Promise<void> {
    return this.#tell(0n);
  }

  /** From now on tells the position. */
  start(): void {
    this.#timer = setTimeout(() => {
      this.#telling = this.#tell(this.#options.position()).then(() => {
        if (this.#timer) this.start();
      });
    }, CLAIM_EVERY_MS);
  }

  /** Gives the claim up; rejects never. Twice is fine. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#telling;
    if (this.#isRefused) return;
    this.#isRefused = true;
    await this.#options.database
      .query({ text: 'delete from rivulet.reader where id = $1::text::uuid', params: [this.#id] })
      .catch(() => {});
  }

  async #tell(position: bigint): Promise<void> {
    try {
      await this.#options.database.query({
        text: `insert into rivulet.reader (id, position, seen_at) values ($1::text::uuid, $2::text::xid8, clock_timestamp())
          on conflict (id) do update set position = excluded.position, seen_at = excluded.seen_at`,
        params: [this.#id, position.toString()],
      });
      this.#isRefused = false;
    } catch (error) {
      if (!this.#isRefused) {
        this.#options.log?.warn(
          { error: String(error) },
          'this reader cannot write its claim, so retention may trim what it still needs',
        );
      }
      this.#isRefused = true;
    }
  }
}
