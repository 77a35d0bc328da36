import type { Statement } from '../sql/statement.js';
import type { StatementCancellation } from './cancellation.js';

/**
 * One row, every column as text. All statements cast what they select to text, so nothing is parsed
 * on the way.
 */
export type TextRow = readonly (string | null)[];

/** The logger of all parts; pino's loggers fit. */
export interface DatabaseLogger {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface QueryOptions {
  /**
   * False: planned anew with the values at hand, for a statement whose best plan depends on them.
   * Default true.
   */
  readonly prepare?: boolean;
  /**
   * The statement only reads: where all connections are taken it may be sent behind others of its
   * kind, and more than once. Not in a transaction. Default false.
   */
  readonly shared?: boolean;
  /**
   * The owner of the statement. An owner has at most a share of the pool, and waits in turn with
   * other owners. Default: no owner, which is not limited. Not used within a transaction, which has
   * its own.
   */
  readonly owner?: string | undefined;
  /**
   * When it is cancelled, the statement rejects with `REQUEST_CANCELLED`; one that waits is
   * dropped, and a shared one that runs, and goes on to, is cancelled in Postgres.
   */
  readonly cancellation?: StatementCancellation | undefined;
  /**
   * The connection is given up when nothing came from the server for so long. Default: as the pool
   * was told.
   */
  readonly silenceMs?: number;
}

export interface QueryRunner {
  /**
   * Runs one statement with text parameters (prepared, so that a repeated text is planned once,
   * unless asked not to). Rejects with the driver's error, which carries SQLSTATE as `code`;
   * `database/errors.ts` turns it into a coded one.
   */
  query(statement: Statement, options?: QueryOptions): Promise<readonly TextRow[]>;
  /** Runs SQL text without parameters, several statements allowed (migrations). */
  script(text: string): Promise<void>;
}

/**
 * The pool of one node, its session settings pinned so that text means the same everywhere (UTC,
 * ISO, …).
 */
export interface Database extends QueryRunner {
  readonly url: string;
  /**
   * Runs `work` in one transaction: commits when it resolves, rolls back when it rejects (and
   * rejects with the same error).
   */
  transaction<T>(work: (tx: QueryRunner) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * LISTENs on a connection of its own, which comes back by itself; a link over which nothing comes
   * any more is noticed within 4 seconds. `onListen` is called after each (re)connect, with that
   * very connection: whatever was notified before it may have been lost, and what its session holds
   * ends with it. `onLost` is called each time it is lost.
   */
  listen(
    channel: string,
    onNotify: (payload: string) => void,
    onListen: (session: Pick<QueryRunner, 'query'>) => void,
    onLost?: () => void,
  ): Promise<() => Promise<void>>;
  /** Waits up to `timeoutMs` (default 5,000) for what is running, then closes. Twice is fine. */
  close(timeoutMs?: number): Promise<void>;
}

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
  /** See `QueryOptions.owner`. */
  readonly owner?: string | undefined;
  /**
   * When it is cancelled while the transaction has not begun, it does not begin. One that has begun
   * is carried through.
   */
  readonly cancellation?: StatementCancellation | undefined;
}
