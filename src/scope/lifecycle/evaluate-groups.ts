import type { BatchClient, BatchEvaluator, ReadPoint } from '../evaluate/batch-evaluator.js';
import type { TransactionContext } from '../evaluate/transaction-context.js';
import type { SubscriberGroup } from './group.js';

/** A transaction that one group has to evaluate. */
export interface GroupStep {
  readonly group: SubscriberGroup;
  readonly occasion: TransactionContext;
}

/** One group's evaluation of one transaction. */
interface EvaluationStep {
  readonly group: SubscriberGroup;
  readonly judging: Generator<void, void, BatchClient>;
  /** For the questions of the round that comes. */
  asker: BatchClient;
  /** The error of the previous batch. */
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
