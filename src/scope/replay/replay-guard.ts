import type { LoggedTransaction } from '../../log/types.js';
import type { BatchEvaluator, ReadPoint } from '../evaluate/batch-evaluator.js';
import { coalesce } from '../messages/coalesce.js';
import type { ChangeSpec, ScopeChange, ScopeMessage } from '../messages/types.js';
import { eachLevel, mapChanges, type ReplayedStep, type ReplayLevel } from './replay-levels.js';
import { netOf } from './replay-net.js';
import {
  linkId,
  type ReplayVerdicts,
  RIGHT_NOW,
  type RightsPoint,
  verdictsOf,
  withoutPrevious,
} from './replay-rights.js';

/** Past so many changes, steps that wait are merged. */
const MOST_WAITING = 2_000;

/**
 * Delivers a replay by today's rights. History says step by step what the scope contained; what the
 * rights of today do not show is not delivered. From the first step with such an image, row or
 * link, steps wait until the row has left, or has an image that is shown; then they are told as
 * one, net. Where the moments at which rows came and left would tell too much, all steps are told
 * as one, of no transaction. So whatever a subscriber was told amounts to the scope at the cursor
 * of its last message, and a row that was only in between leaves no trace, not even a key.
 *
 * Steps are given in the feed's order. At the read point of the last ones nothing waits: what the
 * scope contains there, the rights show.
 */
export class ReplayGuard {
  readonly #spec: ChangeSpec;
  readonly #top: ReplayLevel;
  #waiting: ReplayedStep[] = [];
  #changes = 0;
  /** Rows and links of which the last thing that was said must not be told. */
  readonly #withheld = new Set<string>();

  constructor(spec: ChangeSpec, top: ReplayLevel) {
    this.#spec = spec;
    this.#top = top;
  }

  /** Steps wait: what the subscribers have is the scope as it was before the first of them. */
  get isWaiting(): boolean {
    return this.#withheld.size > 0;
  }

  /** Some of what was missed, by the rights of now: one statement. */
  ofPage(steps: readonly ReplayedStep[], evaluator: BatchEvaluator): Promise<ReplayAdmission> {
    return this.#admission(steps, { evaluator, moment: RIGHT_NOW, missed: null });
  }

  /** The rest of what was missed, `missed`, by the rights at its end. */
  ofRest(
    steps: readonly ReplayedStep[],
    missed: readonly LoggedTransaction[],
    moment: ReadPoint,
    evaluator: BatchEvaluator,
  ): Promise<ReplayAdmission> {
    return this.#admission(steps, { evaluator, moment, missed });
  }

  async #admission(steps: readonly ReplayedStep[], point: RightsPoint): Promise<ReplayAdmission> {
    const verdicts = await verdictsOf(this.#top, steps, point);
    const last = steps.at(-1);
    return (step) => this.#admit(step, verdicts, verdicts.isOne && step !== last);
  }

  #admit(step: ReplayedStep, verdicts: ReplayVerdicts, mustWait: boolean): ReplayedStep | null {
    const { context } = step;
    if (step.delta.reset !== null) this.#forget();
    const told = new Map<ScopeChange, ScopeChange>();
    eachLevel(this.#top, step.delta, (level, changes, links) => {
      for (const change of changes) {
        const row = `${level.name} ${change.key}`;
        const allowed = change.node === null ? leaveOf(change) : verdicts.allowed(change);
        if (allowed) this.#withheld.delete(row);
        else this.#withheld.add(row);
        // Only the place of a change in what is merged is left of one that is not allowed: another
        // follows.
        told.set(change, allowed ?? withoutPrevious(level, change));
      }
      for (const link of links) {
        const name = `${level.name} link ${linkId(link)}`;
        if (link.kind === 'LEAVE' || verdicts.holds(level, link)) this.#withheld.delete(name);
        else this.#withheld.add(name);
      }
    });
    const delta = mapChanges(this.#top, step.delta, (change) => told.get(change) ?? change);
    if (!verdicts.isOne && this.#waiting.length === 0 && !this.isWaiting) return { context, delta };
    this.#wait({ context, delta });
    if (mustWait || this.isWaiting) return null;
    const merged = this.#takeMerged();
    if (!merged || !verdicts.isOne) return merged;
    const net = netOf(this.#top, merged.delta, verdicts);
    // The name of the last transaction would say when the last row left.
    return net && { context: { ...context, told: null }, delta: net };
  }

  #wait(step: ReplayedStep): void {
    this.#waiting.push(step);
    this.#changes += step.delta.changes.length;
    if (this.#changes <= MOST_WAITING) return;
    const merged = this.#takeMerged();
    if (!merged) return;
    this.#waiting.push(merged);
  }

  #takeMerged(): ReplayedStep | null {
    const { context } = this.#waiting.at(-1)!;
    const merged = coalesce(this.#spec, this.#waiting.map(messageOf));
    this.#waiting = [];
    this.#changes = 0;
    return merged && { context, delta: merged };
  }

  #forget(): void {
    this.#withheld.clear();
    this.#waiting = [];
    this.#changes = 0;
  }
}

/**
 * The step to tell, with all that waited for it; `null`: it waits, or nothing is left to tell.
 * Steps are given in their order.
 */
export type ReplayAdmission = (step: ReplayedStep) => ReplayedStep | null;

/** A row that left, and one that is gone, are named by key alone. */
function leaveOf(change: ScopeChange): ScopeChange {
  return change.previous === null ? change : { ...change, previous: null };
}

function messageOf({ context, delta }: ReplayedStep): ScopeMessage {
  const { transaction, told } = context;
  return { ...delta, cursor: transaction.cursor, transaction: told };
}
