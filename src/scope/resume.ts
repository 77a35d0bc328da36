import type { Database } from '../database/types.js';
import type { DecodedCursor } from '../feed/cursor.js';
import type { History } from '../feed/log-history.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import { type ChangedRows, paramsAt } from '../query/past.js';
import type { Retry } from './evaluation.js';
import { netChanges } from './net.js';
import type { Scope } from './scope.js';
import type { ResetReason } from './types.js';

export type Resumed =
  /** The scope is as it was at the cursor; `transactions` came since, up to `snapshot`. */
  | {
      readonly kind: 'replay';
      readonly transactions: readonly LoggedTransaction[];
      readonly snapshot: Snapshot;
    }
  /** The scope was not loaded. */
  | { readonly kind: 'reset'; readonly reason: ResetReason };

export interface ResumeOptions {
  readonly database: Database;
  readonly history: History;
  readonly retry: Retry;
  /** Past so many changes a reset is cheaper than a replay. */
  readonly maxChanges: number;
}

/**
 * Loads a scope as it was at a cursor and says what came since. One REPEATABLE READ transaction reads the log and the tables, so
 * the rows of then are those of now with every missed change taken back; rights are today's, applied to the rows of then.
 */
export function resume(scope: Scope, after: DecodedCursor, options: ResumeOptions): Promise<Resumed> {
  const { database, history, retry, maxChanges } = options;
  return retry(() =>
    database.transaction(
      async (tx): Promise<Resumed> => {
        const read = await history.read(tx, after);
        if (read.kind === 'foreign') return { kind: 'reset', reason: 'OTHER_LOG' };
        if (read.kind === 'lost') return { kind: 'reset', reason: 'LOG_LOST' };
        const { transactions, snapshot } = read;
        const missed = transactions.reduce((sum, each) => sum + each.changes.length, 0);
        if (missed > maxChanges) return { kind: 'reset', reason: 'TOO_OLD' };
        const changes = changedRows(transactions, after.snapshot);
        const isEmptied = changes.some(({ truncated, table }) => truncated && scope.tables.has(table.name));
        if (isEmptied && scope.isSet) return { kind: 'reset', reason: 'TRUNCATED' };
        await scope.load({ database: tx, params: () => paramsAt(changes) });
        return { kind: 'replay', transactions, snapshot };
      },
      { isolation: 'repeatable read', readOnly: true },
    ),
  );
}

/** All transactions as one: the rows that changed, and how they were before the first. */
function changedRows(
  transactions: readonly LoggedTransaction[],
  cursor: Snapshot,
): readonly (ChangedRows & { readonly truncated: boolean })[] {
  const changes = transactions.flatMap((transaction) => transaction.changes);
  const all: LoggedTransaction = { xid: 0n, loggedAt: '', mutationId: null, changes, cursor };
  return [...netChanges(all).values()].map(({ table, truncated, rows }) => ({
    table,
    truncated,
    changed: rows.map((row) => (row.old ?? row.new)!),
    before: rows.map((row) => row.old).filter((old) => old !== null),
  }));
}
