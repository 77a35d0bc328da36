import { compilePredicate } from '../../../shared/filter/predicate.js';
import type { RowPredicate } from '../../../shared/filter/types.js';
import type { Model } from '../../../shared/model/types.js';
import { StatementCancellation } from '../../database/cancellation.js';
import { relationPaths, tablesOf } from '../../filter/paths.js';
import { isVisible } from '../../log/snapshot.js';
import type { RelatedPlan, RowNode, SelectPlan, SelectResult } from '../../query/types.js';
import type { Outbox } from '../delivery/outbox.js';
import type { MatchTarget } from '../match/match-index.js';
import { RelatedDependencies } from '../match/related-dependencies.js';
import type { NetChanges } from '../messages/net-changes.js';
import type { ListedScope } from '../messages/types.js';

/** Runs the query; rejects when it cannot be answered. */
export type RunSelect = (plan: SelectPlan, options: RunOptions) => Promise<SelectResult>;

export interface RunOptions {
  /** The owner of its statements: see `QueryOptions.owner`. */
  readonly owner: string | undefined;
  /** When nobody watches it any more. */
  readonly cancellation: StatementCancellation;
  /** It was answered before, so that it is known not to be too much. */
  readonly isRefresh: boolean;
}

export interface LiveQueryOptions {
  readonly model: Model;
  readonly plan: SelectPlan;
  /** The owner that started it; see `RunOptions`. */
  readonly owner?: string | undefined;
  readonly run: RunSelect;
  /** Resolves when everything was heard of that was committed before the call. */
  readonly catchUp: () => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/**
 * One query kept answered for all who watch it. It runs again when a transaction that its last
 * answer did not see touched what it reads, one run at a time, and tells an answer only when it
 * differs from the one before.
 *
 * Whoever comes while there is an answer is told it once it is known to be the one of now: on a
 * node that hears late of what is committed, a client that saw more elsewhere would else go back.
 */
export class LiveQuery {
  /** Tables whose changes can change the answer. */
  readonly tables: ReadonlySet<string>;
  readonly matchable: MatchTarget;
  readonly plan: SelectPlan;
  readonly #options: LiveQueryOptions;
  readonly #cancellation = new StatementCancellation();
  readonly #watchers = new Set<Outbox<SelectResult>>();
  /** Set where only rows of the root table count, and the predicate says which. */
  readonly #predicate: RowPredicate | null;
  /** Set where the other tables matter to the filter and to nothing else. */
  readonly #elsewhere: RelatedDependencies | null;
  #answer: SelectResult | null = null;
  #isRunning = false;
  /**
   * Watchers who came late and were told nothing yet; true: what was committed before they came has
   * been heard of.
   */
  readonly #joining = new Map<Outbox<SelectResult>, boolean>();
  /** Transactions that the answer under way may not have seen. */
  #unseen: bigint[] = [];
  #ended = false;

  constructor(options: LiveQueryOptions) {
    const { model, plan } = options;
    this.plan = plan;
    this.#options = options;
    const others = new Set<string>();
    collectTables(model, plan, others);
    this.#predicate = others.has(plan.table.name) ? null : compilePredicate(plan.filter);
    this.tables = new Set([plan.table.name, ...others]);
    const { table, filter } = plan;
    const isFilterAlone = plan.related.length === 0;
    this.#elsewhere = isFilterAlone ? new RelatedDependencies(table, filter) : null;
    this.matchable = {
      table,
      filter,
      tables: this.tables,
      isOwnTableElsewhere: others.has(table.name),
      isFilterAlone,
    };
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Answers that wait for those who watch. */
  get queued(): number {
    let queued = 0;
    for (const outbox of this.#watchers) queued += outbox.weight;
    return queued;
  }

  list(): ListedScope {
    const answer = this.#answer;
    return {
      kind: 'query',
      plan: this.plan,
      subscribers: this.size,
      state: answer ? 'live' : 'loading',
      holds: (table, key) => answer && isAmong(answer.rows, table, key),
    };
  }

  add(outbox: Outbox<SelectResult>): void {
    this.#watchers.add(outbox);
    if (this.#answer || this.#isRunning) void this.#welcome(outbox);
    else void this.#refresh();
  }

  remove(outbox: Outbox<SelectResult>): void {
    this.#watchers.delete(outbox);
    this.#joining.delete(outbox);
  }

  onTransaction(xid: bigint, net: NetChanges): void {
    if (this.#ended || !this.#concerns(net)) return;
    if (this.#answer && isVisible(this.#answer.snapshot, xid)) return;
    this.#unseen.push(xid);
    void this.#refresh();
  }

  /** Runs again whatever the log says: continuity was lost. */
  refresh(): void {
    this.#unseen.push(LAST_XID);
    void this.#refresh();
  }

  end(): void {
    this.#ended = true;
    this.#cancellation.cancel();
    for (const outbox of [...this.#watchers]) outbox.end();
  }

  fail(error: unknown): void {
    this.#ended = true;
    for (const outbox of [...this.#watchers]) outbox.fail(error);
  }

  #concerns(net: NetChanges): boolean {
    if (this.#elsewhere?.isTouchedBy(net)) return true;
    for (const [name, changed] of net) {
      if (!this.tables.has(name) || (this.#elsewhere && name !== this.plan.table.name)) continue;
      const predicate = name === this.plan.table.name ? this.#predicate : null;
      if (!predicate || changed.truncated) return true;
      const hit = changed.rows.some(
        (row) => (row.old && predicate(row.old) === true) || (row.new && predicate(row.new) === true),
      );
      if (hit) return true;
    }
    return false;
  }

  /**
   * Sends the current result to a new subscriber if no query is running; otherwise the running
   * query will.
   */
  async #welcome(outbox: Outbox<SelectResult>): Promise<void> {
    this.#joining.set(outbox, false);
    // A feed that has ended ends the query as well.
    await this.#options.catchUp().catch(() => {});
    if (!this.#joining.has(outbox)) return;
    this.#joining.set(outbox, true);
    if (!this.#isRunning) this.#tellJoining(this.#joining.keys());
  }

  #tellJoining(who: Iterable<Outbox<SelectResult>>): void {
    for (const outbox of [...who]) {
      if (!this.#joining.get(outbox)) continue;
      this.#joining.delete(outbox);
      if (this.#answer) outbox.push(this.#answer);
    }
  }

  /**
   * Ends the loop. Nothing is awaited between, so a later subscriber or transaction finds it ended.
   */
  async #refresh(): Promise<void> {
    if (this.#isRunning || this.#ended) return;
    this.#isRunning = true;
    try {
      do {
        this.#unseen = this.#unseen.filter((xid) => xid !== LAST_XID);
        const joining = [...this.#joining].filter(([, isCaughtUp]) => isCaughtUp).map(([outbox]) => outbox);
        const answer = await this.#options.run(this.plan, {
          owner: this.#options.owner,
          cancellation: this.#cancellation,
          isRefresh: this.#answer !== null,
        });
        const changed = this.#answer?.raw !== answer.raw;
        this.#answer = answer;
        if (changed) {
          for (const outbox of this.#watchers) if (!this.#joining.has(outbox)) outbox.push(answer);
        }
        this.#tellJoining(joining);
        this.#unseen = this.#unseen.filter((xid) => !isVisible(answer.snapshot, xid));
      } while (this.#unseen.length > 0 && !this.#ended);
      this.#tellJoining(this.#joining.keys());
    } catch (error) {
      if (!this.#ended) {
        this.fail(error);
        this.#options.onFailure(error);
      }
    } finally {
      this.#isRunning = false;
    }
  }
}

/** True if a row is among these or below them. */
function isAmong(rows: readonly RowNode[], table: string, key: string): boolean {
  return rows.some((row) => {
    if (row.key === key && row.table.name === table) return true;
    return [...row.related.values()].some(
      (below) => below !== null && isAmong('key' in below ? [below] : below, table, key),
    );
  });
}

/** Stands for a transaction that no snapshot has seen. */
const LAST_XID = 2n ** 64n;

/** Every table that the answer depends on besides the root's own rows. */
function collectTables(model: Model, plan: SelectPlan, into: Set<string>): void {
  for (const name of tablesOf(plan.filter)) into.add(name);
  for (const related of plan.related) {
    for (const name of relatedTables(related)) into.add(name);
    collectTables(model, related.plan, into);
  }
}

function relatedTables({ relation, via }: RelatedPlan): readonly string[] {
  const through = relation.through ? [relation.through.table] : [];
  return [
    relation.target,
    ...through,
    ...relationPaths(via).map((path) => path.at(-1)!.target),
    ...tablesOf(via),
  ];
}
