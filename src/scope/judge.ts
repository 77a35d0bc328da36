import type { LoggedTransaction } from '../log/types.js';
import type { Asker, Evaluator } from './evaluation.js';
import type { Group } from './group.js';
import type { NetChanges } from './net.js';

/** One group's judging of one transaction. */
interface Step {
  readonly group: Group;
  readonly judging: Generator<void, void, Asker>;
  /** For the questions of the round that comes. */
  asker: Asker;
  /** What the round before could not answer. */
  error: unknown;
}

/** Runs all groups' judging of a transaction in step, one statement a round, until each has told its subscribers. */
export async function judge(
  evaluator: Evaluator,
  transaction: LoggedTransaction,
  net: NetChanges,
  groups: readonly Group[],
  onFailure: (group: Group, error: unknown) => void,
  isReplay = false,
): Promise<void> {
  let round = evaluator.round();
  let active = groups.map((group): Step => {
    const asker = round.asker();
    return { group, asker, error: null, judging: group.judge(transaction, net, asker, isReplay) };
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
    round = evaluator.round();
    for (const step of active) {
      step.error = step.asker.error;
      step.asker = round.asker();
    }
  }
}
