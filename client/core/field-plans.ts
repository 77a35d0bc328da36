import type { CachedField } from './cache.js';
import type { ListPlan } from './settle-lists.js';

/** The changes of one field by the message's facts, gathered before any is applied. */
export interface FieldPlan extends ListPlan {
  readonly enter: Set<string>;
  readonly leave: Set<string>;
  readonly moved: Set<string>;
  readonly perhaps: Set<string>;
  readonly outside: Set<string>;
  /** The whole content, as the server sent it. */
  exact: readonly string[] | null;
  /** A member may stand in the wrong place. */
  unsure: boolean;
  /** Something belongs here that is not known, or nobody knows what does. */
  refetch: boolean;
}

/**
 * The plans of one reduction. What leaves wins over what enters; what the server said wins over
 * what was concluded.
 */
export class FieldPlans {
  readonly #plans = new Map<CachedField, FieldPlan>();

  of(field: CachedField): FieldPlan {
    const known = this.#plans.get(field);
    if (known) return known;
    const plan: FieldPlan = {
      enter: new Set(),
      leave: new Set(),
      moved: new Set(),
      perhaps: new Set(),
      outside: new Set(),
      exact: null,
      unsure: false,
      refetch: false,
    };
    this.#plans.set(field, plan);
    return plan;
  }

  /** `undefined`: nobody knows whether the row belongs here. */
  planMember(field: CachedField, key: string, belongs: boolean | undefined): void {
    const plan = this.of(field);
    if (belongs === undefined) plan.perhaps.add(key);
    else (belongs ? plan.enter : plan.leave).add(key);
  }

  /** A row that is not in the window and has no new place. */
  planOutside(field: CachedField, key: string, belongs: boolean | undefined): void {
    if (belongs) this.of(field).outside.add(key);
  }

  entries(): Iterable<readonly [CachedField, FieldPlan]> {
    return this.#plans;
  }
}
