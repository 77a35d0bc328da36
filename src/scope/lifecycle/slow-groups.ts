import type { ReadPoint } from '../evaluate/batch-evaluator.js';
import { isDoneWithin } from '../evaluate/patience.js';
import type { TransactionContext } from '../evaluate/transaction-context.js';
import { evaluateStepsInMemory, type GroupStep } from './evaluate-groups.js';
import type { SubscriberGroup } from './group.js';
import { laneShares, type OwnerLanes } from './owner-lanes.js';

/**
 * Past so many changes that wait for one group, everybody waits for it again: they are held in
 * memory.
 */
const MAX_BACKLOG_CHANGES = 10_000;

export interface StragglersOptions {
  readonly patienceMs: number;
  /** See `laneShares`. */
  readonly sharedWeightPerOwner: number;
  /** Owners of many filters follow there. */
  readonly lanes: OwnerLanes;
  /** Asks Postgres; resolves when each group has told its subscribers. */
  readonly evaluate: (moment: ReadPoint, steps: readonly GroupStep[]) => Promise<void>;
  /** The same of one group that is behind, in memory where that is enough. */
  readonly replay: (context: TransactionContext, group: SubscriberGroup) => Promise<void>;
  /** A group is left behind. */
  readonly onBehind: (group: SubscriberGroup) => void;
  /** A group is up with the others again. */
  readonly onBack: (group: SubscriberGroup) => void;
  readonly onFailure: (group: SubscriberGroup, error: unknown) => void;
}

/**
 * Judges transactions one after the other, without letting the questions of some groups hold up all
 * others: an owner of many filters follows in a lane (`owner-lanes.ts`), and a table that somebody
 * locked delays those whose scope looks at it. They follow behind, each transaction still evaluated
 * at its own moment and in order, until nothing waits for them.
 */
export class SlowGroups {
  readonly #options: StragglersOptions;
  readonly #behind = new Map<SubscriberGroup, Promise<void>>();

  constructor(options: StragglersOptions) {
    this.#options = options;
  }

  /** Number of groups that are behind, besides those in lanes. */
  get size(): number {
    return this.#behind.size;
  }

  /**
   * Resolves when every group has delivered, or is left behind. Delivers at once what memory can
   * decide.
   */
  async evaluate(context: TransactionContext, groups: readonly SubscriberGroup[]): Promise<void> {
    const { lanes, evaluate, onFailure, patienceMs, sharedWeightPerOwner } = this.#options;
    if (this.#behind.size > 0) {
      for (const group of groups) {
        if (group.backlog > MAX_BACKLOG_CHANGES) await this.#behind.get(group);
      }
    }
    lanes.expect(context, groups);
    const steps = groups.map((group): GroupStep => ({ group, context }));
    const asking = evaluateStepsInMemory(steps, false, onFailure);
    if (asking.length === 0) return;
    const { shared, byOwner } = laneShares(
      asking.map(({ group }) => group),
      sharedWeightPerOwner,
    );
    const evaluation = evaluate(
      context.moment,
      shared.map((group) => ({ group, context })),
    );
    for (const [owner, owned] of byOwner) lanes.put(owner, owned, context);
    if (await isDoneWithin(evaluation, patienceMs)) return;
    // A group that is behind, or loading, may be evaluating another transaction.
    for (const group of shared) if (group.isLive && group.isEvaluating) this.#leave(group, evaluation);
  }

  /** Waits for those that are behind, who give up when the database is not asked any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#behind.values());
  }

  #leave(group: SubscriberGroup, evaluation: Promise<void>): void {
    group.fallBehind();
    // A new subscriber begins with the groups that are not behind.
    group.onClose();
    this.#options.onBehind(group);
    const following = evaluation
      .then(() => this.#follow(group))
      .catch((error: unknown) => this.#options.onFailure(group, error))
      .finally(() => this.#behind.delete(group));
    this.#behind.set(group, following);
  }

  async #follow(group: SubscriberGroup): Promise<void> {
    for (let next = group.takeNext(); next; next = group.takeNext()) {
      await this.#options.replay(next, group);
    }
    if (group.isLive) this.#options.onBack(group);
  }
}
