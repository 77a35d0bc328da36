import type { Database, QueryRunner, TransactionOptions } from '../../src/database/types.js';

/** A statement that was run, and the rows that it answered with. */
export interface ObservedStatement {
  readonly text: string;
  readonly params: readonly (string | null)[];
  readonly rows: number;
}

/** The same database; `onStatement` is told of each statement that succeeded, in transactions too. */
export function observed<T extends QueryRunner>(
  db: T,
  onStatement: (statement: ObservedStatement) => void,
): T {
  return new Proxy(db, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === 'query') {
        return async (...args: Parameters<QueryRunner['query']>) => {
          const rows = await target.query(...args);
          onStatement({ ...args[0], rows: rows.length });
          return rows;
        };
      }
      if (name === 'transaction') {
        const transaction = value as Database['transaction'];
        return <R>(work: (tx: QueryRunner) => Promise<R>, options?: TransactionOptions) =>
          transaction.call(target, (tx) => work(observed(tx, onStatement)), options) as Promise<R>;
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
