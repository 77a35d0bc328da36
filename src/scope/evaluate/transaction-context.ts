import type { LoggedTransaction } from '../../log/types.js';
import { type NetChanges, netChanges } from '../messages/net-changes.js';
import type { TransactionInfo } from '../messages/types.js';
import type { ReadPoint } from './batch-evaluator.js';

/** A transaction and what its evaluation needs. */
export interface TransactionContext {
  readonly transaction: LoggedTransaction;
  /**
   * The transaction as messages name it: one object for all subscribers. `null` if they do not name
   * it.
   */
  readonly told: TransactionInfo | null;
  readonly net: NetChanges;
  /** Right after it. */
  readonly moment: ReadPoint;
}

/**
 * The contexts of the transactions of one reading; `position` is that reading's, which also saw
 * `after`.
 */
export function* contextsOf(
  transactions: readonly LoggedTransaction[],
  position: ReadPoint['position'],
  after: readonly LoggedTransaction[] = [],
): Generator<TransactionContext> {
  for (const [at, transaction] of transactions.entries()) {
    const { xid, loggedAt, mutationId } = transaction;
    const told = { xid, loggedAt, mutationId };
    const moment = {
      position,
      // The list is as long as the backlog, so it is made on demand.
      get later() {
        return [...transactions.slice(at + 1), ...after];
      },
    };
    yield { transaction, told, net: netChanges(transaction), moment };
  }
}

/**
 * Several consecutive transactions as one: what they did together. With the name of the last, and
 * at its moment.
 */
export function asOne(contexts: readonly TransactionContext[]): TransactionContext {
  const last = contexts.at(-1)!;
  if (contexts.length === 1) return last;
  const transaction = merged(contexts.map((each) => each.transaction));
  return { ...last, transaction, net: netChanges(transaction) };
}

/** Transactions that followed each other as one, with the name of the last. */
export function merged(transactions: readonly LoggedTransaction[]): LoggedTransaction {
  return {
    ...transactions.at(-1)!,
    changes: transactions.flatMap(({ changes }) => changes),
    unreadable: new Map(transactions.flatMap(({ unreadable }) => [...unreadable])),
  };
}
