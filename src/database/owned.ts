import type { Statement } from '../sql/statement.js';
import type { StatementCancellation } from './cancellation.js';
import type { Database, QueryOptions, QueryRunner, TextRow, TransactionOptions } from './types.js';

/** The owner of the statements. */
export interface StatementOwner {
  /** Shares of the pool are counted by it. */
  readonly owner: string;
  /** When nobody waits for an answer any more. */
  readonly cancellation?: StatementCancellation | undefined;
  /**
   * Called in a transaction before anything else; where it throws, nothing is done, however long
   * the transaction waited for a connection.
   */
  readonly assertRights?: (() => void) | undefined;
}

/**
 * A database for one request: all its statements belong to one owner, and are cancelled when the
 * request ends.
 */
export class OwnedDatabase implements Database {
  readonly #database: Database;
  readonly #owner: StatementOwner;

  constructor(database: Database, owner: StatementOwner) {
    this.#database = database;
    this.#owner = owner;
  }

  get url(): string {
    return this.#database.url;
  }

  query(statement: Statement, options?: QueryOptions): Promise<readonly TextRow[]> {
    const { owner, cancellation } = this.#owner;
    return this.#database.query(statement, { ...options, owner, cancellation });
  }

  script(text: string): Promise<void> {
    return this.#database.script(text);
  }

  transaction<T>(work: (tx: QueryRunner) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const { owner, cancellation, assertRights } = this.#owner;
    const run = (tx: QueryRunner): Promise<T> => {
      assertRights?.();
      return work(tx);
    };
    return this.#database.transaction(run, { ...options, owner, cancellation });
  }

  listen(...args: Parameters<Database['listen']>): ReturnType<Database['listen']> {
    return this.#database.listen(...args);
  }

  close(timeoutMs?: number): Promise<void> {
    return this.#database.close(timeoutMs);
  }
}
