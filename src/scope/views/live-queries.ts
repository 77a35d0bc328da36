import type { Model } from '../../../shared/model/types.js';
import { planKey } from '../../query/plan-key.js';
import type { SelectPlan } from '../../query/types.js';
import { MatchIndex, type MatchTarget } from '../match/match-index.js';
import type { NetChanges } from '../messages/net-changes.js';
import { LiveQuery, type RunSelect } from './live-query.js';
import type { TableGuard } from './table-guard.js';

export interface LiveQueriesOptions {
  readonly model: Model;
  readonly run: RunSelect;
  /** See `LiveQueryOptions`. */
  readonly catchUp: () => Promise<void>;
  readonly watchable: TableGuard;
  /** Called for the filter of each new live query. */
  readonly onMatchable: (matchable: MatchTarget) => void;
  /** Called for errors that end a live query. */
  readonly onError: (error: unknown) => void;
}

/** The watched live queries: one for each plan. */
export class LiveQueries {
  readonly #options: LiveQueriesOptions;
  readonly #byPlan = new Map<string, LiveQuery>();
  readonly #index = new MatchIndex<LiveQuery>();

  constructor(options: LiveQueriesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byPlan.size;
  }

  get all(): readonly LiveQuery[] {
    return [...this.#byPlan.values()];
  }

  /**
   * Returns the live query of this plan, or starts it. `owner` then owns its statements. Throws if
   * a table cannot be followed.
   */
  of(plan: SelectPlan, owner?: string): LiveQuery {
    const key = planKey(plan);
    const known = this.#byPlan.get(key);
    if (known) return known;
    const { model, run, catchUp, watchable, onMatchable, onError } = this.#options;
    const query: LiveQuery = new LiveQuery({
      model,
      plan,
      owner,
      run,
      catchUp,
      onFailure: (error) => {
        this.forget(query);
        onError(error);
      },
    });
    watchable.assert(query.tables);
    this.#byPlan.set(key, query);
    this.#index.add(query, query.matchable);
    onMatchable(query.matchable);
    return query;
  }

  /** Removes it, so that the next subscriber starts another one. */
  forget(query: LiveQuery): void {
    const key = planKey(query.plan);
    if (this.#byPlan.get(key) === query) this.#byPlan.delete(key);
    this.#index.remove(query);
  }

  onTransaction(xid: bigint, net: NetChanges): void {
    for (const query of this.#index.find(net)) query.onTransaction(xid, net);
  }

  /** Continuity is lost on these tables. */
  lose(tables: ReadonlySet<string>): void {
    for (const query of this.all) {
      if (![...tables].some((table) => query.tables.has(table))) continue;
      const refusal = this.#options.watchable.refusal(query.tables);
      if (!refusal) query.refresh();
      else {
        this.forget(query);
        query.fail(refusal);
      }
    }
  }
}
