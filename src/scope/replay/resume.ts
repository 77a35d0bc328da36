import type { ResetReason } from '../../../shared/protocol/messages.js';
import type { Database } from '../../database/types.js';
import type { DecodedCursor } from '../../feed/cursor.js';
import type { LogHistory } from '../../feed/log-history.js';
import { isVisible, type Snapshot } from '../../log/snapshot.js';
import type { LoggedTransaction } from '../../log/types.js';
import type { ReadPoint, RetryPassing } from '../evaluate/batch-evaluator.js';
import { contextsOf, merged, type TransactionContext } from '../evaluate/transaction-context.js';
import type { Scope } from '../views/scope.js';

export interface ScopeReplay {
  readonly kind: 'replay';
  /** The moment of the cursor. */
  readonly at: ReadPoint;
  /** The transactions since: as they were committed, and as they are evaluated. */
  readonly transactions: readonly LoggedTransaction[];
  readonly contexts: Iterable<TransactionContext>;
  /** The moment after the last of them. */
  readonly end: ReadPoint;
}

export type MissedChanges = ScopeReplay | { readonly kind: 'reset'; readonly reason: ResetReason };

export interface MissedOptions {
  readonly database: Database;
  readonly history: LogHistory;
  readonly retry: RetryPassing;
  /** The latest transactions of the feed; `null` if they do not go back to the cursor. */
  readonly recent: readonly LoggedTransaction[] | null;
}

/**
 * The changes that a scope missed since a cursor, up to the feed's `position` (the feed brings the
 * later ones). The rows before a TRUNCATE cannot be determined, because no log has the rows that it
 * removed. The same holds if a table's changes cannot be read.
 */
export async function missedSince(
  after: DecodedCursor,
  position: Snapshot,
  scope: Scope,
  { database, history, retry, recent }: MissedOptions,
): Promise<MissedChanges> {
  if (recent) return replayOf(recent, position, position, scope);
  const read = await retry(() => history.read(database, after));
  if (read.kind === 'foreign') return { kind: 'reset', reason: 'OTHER_LOG' };
  if (read.kind === 'trimmed') return { kind: 'reset', reason: 'TOO_OLD' };
  if (read.kind === 'lost') return { kind: 'reset', reason: 'LOG_LOST' };
  return replayOf(read.transactions, read.snapshot, position, scope);
}

function replayOf(
  transactions: readonly LoggedTransaction[],
  snapshot: Snapshot,
  position: Snapshot,
  scope: Scope,
): MissedChanges {
  const lost = transactions.find((each) => isUnreadable(each, scope.tables));
  if (lost) return { kind: 'reset', reason: lost.isTooLarge ? 'TOO_OLD' : 'SCHEMA_CHANGED' };
  if (scope.held && transactions.some((each) => empties(each, scope.tables))) {
    return { kind: 'reset', reason: 'TRUNCATED' };
  }
  const missed = transactions.filter(({ xid }) => isVisible(position, xid));
  const later = transactions.filter(({ xid }) => !isVisible(position, xid));
  return {
    kind: 'replay',
    at: { position: snapshot, later: transactions },
    transactions: missed,
    contexts: contextsOf(scope.held ? inRuns(missed) : missed, snapshot, later),
    end: { position: snapshot, later },
  };
}

/**
 * Largest number of transactions that are evaluated one by one, each by a statement that takes back
 * what came after it.
 */
const MOST_OCCASIONS = 64;

/**
 * Changes that all these statements take back together. The more was missed, the fewer statements
 * there are.
 */
const MOST_TAKEN_BACK = 100_000;

/**
 * Many transactions as fewer, each standing for several that followed each other: what a scope is
 * told of it is the difference that they made together.
 */
function inRuns(transactions: readonly LoggedTransaction[]): readonly LoggedTransaction[] {
  const changes = transactions.reduce((sum, each) => sum + each.changes.length, 0);
  const runs = Math.max(1, Math.min(MOST_OCCASIONS, Math.floor((2 * MOST_TAKEN_BACK) / changes)));
  if (transactions.length <= runs) return transactions;
  const length = Math.ceil(transactions.length / runs);
  const made: LoggedTransaction[] = [];
  for (let from = 0; from < transactions.length; from += length) {
    made.push(merged(transactions.slice(from, from + length)));
  }
  return made;
}

function isUnreadable({ unreadable }: LoggedTransaction, tables: ReadonlySet<string>): boolean {
  return [...unreadable.keys()].some((table) => tables.has(table.name));
}

function empties({ changes }: LoggedTransaction, tables: ReadonlySet<string>): boolean {
  return changes.some(({ op, table }) => op === 'TRUNCATE' && tables.has(table.name));
}
