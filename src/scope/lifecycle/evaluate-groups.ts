import type { BatchClient, BatchEvaluator, ReadPoint } from '../evaluate/batch-evaluator.js';
import type { TransactionContext } from '../evaluate/transaction-context.js';
import type { SubscriberGroup } from './group.js';

/** A transaction that one group has to evaluate. */
export interface GroupStep {
  readonly group: SubscriberGroup;
  readonly context: TransactionContext;
}

/** One group's evaluation of one transaction. */
interface EvaluationStep {
  readonly group: SubscriberGroup;
  readonly evaluation: Generator<void, void, BatchClient>;
  /** For the questions of the round that comes. */
  client: BatchClient;
  /** The error of the previous batch. */
  error: unknown;
}

export interface JudgeOptions {
  readonly evaluator: BatchEvaluator;
  readonly onFailure: (group: SubscriberGroup, error: unknown) => void;
}

/**
 * Evaluates in memory what memory can decide, and tells those subscribers. Returns the steps that
 * need Postgres. `isReplay`: the groups are still loading, or behind.
 */
export function evaluateStepsInMemory(
  steps: readonly GroupStep[],
  isReplay: boolean,
  onFailure: JudgeOptions['onFailure'],
): readonly GroupStep[] {
  return steps.filter(({ group, context }) => {
    try {
      return !group.evaluateInMemory(context, isReplay);
    } catch (failure) {
      onFailure(group, failure);
      return false;
    }
  });
}

/**
 * Runs steps of one moment side by side, one statement a round, until each group has told its
 * subscribers.
 */
export async function evaluateGroups(
  moment: ReadPoint,
  steps: readonly GroupStep[],
  { evaluator, onFailure }: JudgeOptions,
): Promise<void> {
  let round = evaluator.round(moment);
  let active = steps.map(({ group, context }): EvaluationStep => {
    const client = round.client();
    return { group, client, error: null, evaluation: group.evaluate(context, client) };
  });
  for (;;) {
    active = active.filter(({ group, evaluation, client, error }) => {
      try {
        if (error) throw error;
        return evaluation.next(client).done === false;
      } catch (failure) {
        onFailure(group, failure);
        return false;
      }
    });
    if (active.length === 0) return;
    await round.run();
    round = evaluator.round(moment);
    for (const step of active) {
      step.error = step.client.error;
      step.client = round.client();
    }
  }
}
