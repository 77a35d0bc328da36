import type { ReadPoint } from '../evaluate/batch-evaluator.js';
import { asOne, type TransactionContext } from '../evaluate/transaction-context.js';
import { evaluateStepsInMemory, type GroupStep } from './evaluate-groups.js';
import type { SubscriberGroup } from './group.js';

/**
 * Conditions (see `specWeight`) that everybody's statement evaluates for one owner; owners of more
 * have a lane of their own.
 */
export const SHARED_WEIGHT_PER_OWNER = 100;

/** Groups of more owners are always evaluated in everybody's statement. */
const MAX_LANE_OWNERS = 8;

/** Conditions in one statement of a lane. */
const MAX_STATEMENT_WEIGHT = 500;

/**
 * Largest number of steps in which a lane evaluates its backlog, so that it cannot fall back
 * further and further.
 */
const LANE_STEPS = 4;

/** Past so many changes that wait in a lane its subscribers start anew: they are held in memory. */
export const MAX_LANE_CHANGES = 10_000;

/** Groups by the statement in which they are evaluated. */
export interface LaneShares {
  readonly shared: readonly SubscriberGroup[];
  readonly byOwner: ReadonlyMap<string, readonly SubscriberGroup[]>;
}

/**
 * Shares out the groups for which one transaction needs Postgres. A group leaves everybody's
 * statement only if each of its owners has more in it than is their share: who subscribes to the
 * same as somebody else is not delayed by what that one subscribes to besides.
 */
export function laneShares(groups: readonly SubscriberGroup[], sharedWeightPerOwner: number): LaneShares {
  let total = 0;
  for (const { weight } of groups) total += weight;
  if (total <= sharedWeightPerOwner) return { shared: groups, byOwner: NO_LANES };
  const owners = groups.map((group) => group.owners(MAX_LANE_OWNERS));
  const weights = new Map<string, number>();
  for (const [at, { weight }] of groups.entries()) {
    for (const owner of owners[at] ?? []) weights.set(owner, (weights.get(owner) ?? 0) + weight);
  }
  const shared: SubscriberGroup[] = [];
  const byOwner = new Map<string, SubscriberGroup[]>();
  for (const [at, group] of groups.entries()) {
    const [owner, ...others] = owners[at] ?? [];
    const isHeavy = (each: string) => weights.get(each)! > sharedWeightPerOwner;
    if (owner === undefined || !isHeavy(owner) || !others.every(isHeavy)) shared.push(group);
    else {
      const lane = byOwner.get(owner);
      if (lane) lane.push(group);
      else byOwner.set(owner, [group]);
    }
  }
  return { shared, byOwner };
}

const NO_LANES: LaneShares['byOwner'] = new Map();

export interface OwnerLanesOptions {
  /** Changes that may wait in one lane. */
  readonly maxChanges: number;
  /** Resolves when each group has told its subscribers. Bounds how many lanes ask at a time. */
  readonly evaluate: (moment: ReadPoint, steps: readonly GroupStep[]) => Promise<void>;
  /** A group is left behind. */
  readonly onBehind: (group: SubscriberGroup) => void;
  /** A group is up with the others again. */
  readonly onBack: (group: SubscriberGroup) => void;
  /** Too much waits for a group. */
  readonly onOverflow: (group: SubscriberGroup) => void;
  readonly onFailure: (group: SubscriberGroup, error: unknown) => void;
}

/**
 * Owners of many filters follow behind everybody else, all groups of one owner together: one
 * statement at a time for each owner, of bounded size. Each transaction is evaluated at its own
 * moment and in order; where several wait, some are told as one.
 */
export class OwnerLanes {
  readonly #options: OwnerLanesOptions;
  readonly #lanes = new Map<string, OwnerLane>();
  readonly #laneOf = new Map<SubscriberGroup, OwnerLane>();

  constructor(options: OwnerLanesOptions) {
    this.#options = options;
  }

  /** Groups that are behind. */
  get size(): number {
    return this.#laneOf.size;
  }

  /** To be called with each transaction, before its groups are evaluated. */
  expect(context: TransactionContext, groups: readonly SubscriberGroup[]): void {
    if (this.#lanes.size === 0) return;
    for (const group of groups) this.#laneOf.get(group)?.expect(context);
    for (const lane of this.#lanes.values())
      if (lane.changes > this.#options.maxChanges) this.#overflow(lane);
  }

  /** From now on these groups follow in their owner's lane, this transaction first. */
  put(owner: string, groups: readonly SubscriberGroup[], context: TransactionContext): void {
    const { onBehind, onFailure } = this.#options;
    const found = this.#lanes.get(owner);
    const lane = found ?? new OwnerLane(owner);
    for (const group of groups) {
      group.fallBehind();
      // A new subscriber begins with the groups that are not behind.
      group.onClose();
      onBehind(group);
      group.wait(context);
      lane.groups.add(group);
      this.#laneOf.set(group, lane);
    }
    lane.expect(context);
    if (found) return;
    this.#lanes.set(owner, lane);
    lane.following = this.#follow(lane).catch((error: unknown) => {
      for (const group of lane.groups) onFailure(group, error);
    });
  }

  /** Waits for those that are behind, who give up when the database is not asked any more. */
  async stop(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map(({ following }) => following));
  }

  async #follow(lane: OwnerLane): Promise<void> {
    // Work that every group waits for is sent first.
    await new Promise((resolve) => setImmediate(resolve));
    const { evaluate, onFailure, onBack } = this.#options;
    try {
      for (let taken = lane.take(); taken.length > 0; taken = lane.take()) {
        this.#forgetEnded(lane);
        for (const [{ moment }, steps] of stepsOf(lane.groups, taken)) {
          const asking = evaluateStepsInMemory(steps, true, onFailure);
          for (const statement of statementsOf(asking)) await evaluate(moment, statement);
        }
      }
    } finally {
      // Together with the last look at what waits, so that nothing is put into a lane that has
      // ended.
      this.#lanes.delete(lane.owner);
      for (const group of lane.groups) this.#laneOf.delete(group);
    }
    for (const group of lane.groups) {
      group.comeBack();
      if (group.isLive) onBack(group);
    }
  }

  #forgetEnded({ groups }: OwnerLane): void {
    for (const group of groups) {
      if (group.isOpen) continue;
      groups.delete(group);
      this.#laneOf.delete(group);
    }
  }

  #overflow(lane: OwnerLane): void {
    lane.clear();
    for (const group of lane.groups) this.#options.onOverflow(group);
  }
}

class OwnerLane {
  readonly owner: string;
  readonly groups = new Set<SubscriberGroup>();
  following: Promise<void> = Promise.resolve();
  #waiting: TransactionContext[] = [];
  #changes = 0;

  constructor(owner: string) {
    this.owner = owner;
  }

  /** The waiting transactions. */
  get changes(): number {
    return this.#changes;
  }

  expect(context: TransactionContext): void {
    if (this.#waiting.at(-1) === context) return;
    this.#waiting.push(context);
    this.#changes += context.transaction.changes.length;
  }

  /** The next transactions; none if nothing waits. */
  take(): readonly TransactionContext[] {
    const taken = this.#waiting.splice(0, Math.ceil(this.#waiting.length / LANE_STEPS));
    for (const { transaction } of taken) this.#changes -= transaction.changes.length;
    return taken;
  }

  clear(): void {
    this.#waiting = [];
    this.#changes = 0;
  }
}

/** The transactions of each group as one, under the last one that concerns the group; in order. */
function stepsOf(
  groups: ReadonlySet<SubscriberGroup>,
  taken: readonly TransactionContext[],
): ReadonlyMap<TransactionContext, readonly GroupStep[]> {
  const among = new Set(taken);
  const numbers = new Map(taken.map((context, at) => [context, at]));
  const merged = new Map<string, TransactionContext>();
  const steps = new Map(taken.map((context) => [context, [] as GroupStep[]]));
  for (const group of groups) {
    const own = group.takeAmong(among);
    if (own.length === 0) continue;
    // The same object for all who have the same, so that its images are sent once.
    const name = own.map((context) => numbers.get(context)).join();
    const context = merged.get(name) ?? asOne(own);
    merged.set(name, context);
    steps.get(own.at(-1)!)!.push({ group, context });
  }
  return steps;
}

function* statementsOf(steps: readonly GroupStep[]): Generator<readonly GroupStep[]> {
  let statement: GroupStep[] = [];
  let weight = 0;
  for (const step of steps) {
    if (statement.length > 0 && weight + step.group.weight > MAX_STATEMENT_WEIGHT) {
      yield statement;
      statement = [];
      weight = 0;
    }
    statement.push(step);
    weight += step.group.weight;
  }
  if (statement.length > 0) yield statement;
}
