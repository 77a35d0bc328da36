import type { QueryRunner } from '../database/types.js';
import { DOORBELL_CLASS, DOORBELL_SLOTS, LOG_CHANNEL } from '../watch/log-table.js';

/**
 * The lock of one reader that sleeps: any of the doorbell's slots that is free, on the very session
 * that LISTENs, so that both end together.
 *
 * A writer takes all slots shared until it ends, and notifies where it cannot have one. So whoever
 * has a slot exclusively is notified of everything that had not ended when it got it; which slot it
 * is does not matter, nor who else sleeps, wakes or dies. Writers' locks end with their
 * transactions, a reader's with its session: nothing is left behind by whoever is killed. The
 * session is idle meanwhile, in no transaction, and holds nothing back.
 */
export class ReaderLock {
  readonly #session: Pick<QueryRunner, 'query'>;

  constructor(session: Pick<QueryRunner, 'query'>) {
    this.#session = session;
  }

  /**
   * False where each slot is another reader's, or some writer holds it: then not all of them have
   * been waited for.
   */
  async take(): Promise<boolean> {
    const [row] = await this.#session.query({ text: TAKE, params: [LOG_CHANNEL] }, WITHIN);
    return row?.[0] === 'true';
  }

  /** Does nothing where none is held. */
  async drop(): Promise<void> {
    await this.#session.query({ text: 'select pg_advisory_unlock_all()::text', params: [] }, WITHIN);
  }
}

const WITHIN = { silenceMs: 2_000 };

/**
 * No slot where the session does not listen: behind a pooler it may be another one at each
 * statement.
 */
const TAKE = `select (exists (select from pg_listening_channels() as c where c = $1) and (${Array.from(
  { length: DOORBELL_SLOTS },
  (_, i) => `pg_try_advisory_lock(${DOORBELL_CLASS}, ${i + 1})`,
).join(' or ')}))::text`;
