import type { LoggedTransaction } from '../log/types.js';
import type { BatchClient, BatchEvaluator, ReadPoint } from './evaluation.js';
import type { SubscriberGroup } from './group.js';
import { type NetChanges, netChanges } from './net.js';
import type { TransactionInfo } from './types.js';

/** A transaction with what judging it takes. */
export interface TransactionContext {
  readonly transaction: LoggedTransaction;
  /** What subscribers are told of it: one object for all of them. `null`: nothing. */
  readonly told: TransactionInfo | null;
  readonly net: NetChanges;
  /** Right after it. */
  readonly moment: ReadPoint;
}

/** Transactions of one reading as occasions; `position` is that reading's, which also saw `after`. */
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
      // As long as there are transactions: made where it is asked for.
      get later() {
        return [...transactions.slice(at + 1), ...after];
      },
    };
    yield { transaction, told, net: netChanges(transaction), moment };
  }
}

/** Occasions that followed each other as one: what they did together. With the name of the last, and at its moment. */
export function asOne(occasions: readonly TransactionContext[]): TransactionContext {
  const last = occasions.at(-1)!;
  if (occasions.length === 1) return last;
  const transaction = merged(occasions.map((each) => each.transaction));
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

/** A transaction that one group has to evaluate. */
export interface GroupStep {
  readonly group: SubscriberGroup;
  readonly occasion: TransactionContext;
}

/** One group's judging of one transaction. */
interface EvaluationStep {
  readonly group: SubscriberGroup;
  readonly judging: Generator<void, void, BatchClient>;
  /** For the questions of the round that comes. */
  asker: BatchClient;
  /** What the round before could not answer. */
  error: unknown;
}

export interface JudgeOptions {
  readonly evaluator: BatchEvaluator;
  readonly onFailure: (group: SubscriberGroup, error: unknown) => void;
}

/**
 * Evaluates in memory what memory can decide, and tells those subscribers. Returns the steps that need Postgres. `isReplay`: the groups are
 * still loading, or behind.
 */
export function decideInMemory(
  steps: readonly GroupStep[],
  isReplay: boolean,
  onFailure: JudgeOptions['onFailure'],
): readonly GroupStep[] {
  return steps.filter(({ group, occasion }) => {
    try {
      return !group.decide(occasion, isReplay);
    } catch (failure) {
      onFailure(group, failure);
      return false;
    }
  });
}

/** Runs steps of one moment side by side, one statement a round, until each group has told its subscribers. */
export async function evaluateGroups(
  moment: ReadPoint,
  steps: readonly GroupStep[],
  { evaluator, onFailure }: JudgeOptions,
): Promise<void> {
  let round = evaluator.round(moment);
  let active = steps.map(({ group, occasion }): EvaluationStep => {
    const asker = round.asker();
    return { group, asker, error: null, judging: group.judge(occasion, asker) };
  });
  for (;;) {
    active = active.filter(({ group, judging, asker, error }) => {
      try {
        if (error) throw error;
        return judging.next(asker).done === false;
      } catch (failure) {
        onFailure(group, failure);
        return false;
      }
    });
    if (active.length === 0) return;
    await round.run();
    round = evaluator.round(moment);
    for (const step of active) {
      step.error = step.asker.error;
      step.asker = round.asker();
    }
  }
}
