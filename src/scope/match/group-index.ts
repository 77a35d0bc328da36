import type { Model } from '../../../shared/model/types.js';
import type { BatchEvaluator, ReadPoint } from '../evaluate/batch-evaluator.js';
import { isDoneWithin } from '../evaluate/patience.js';
import type { NetChanges } from '../messages/net-changes.js';
import { relationTargetOf } from './join-path.js';
import { MatchIndex, type MatchTarget } from './match-index.js';
import type { MemberKeys } from './member-keys.js';
import { askReach } from './query-relations.js';
import { type ReachIndexOptions, type ReachQuestion, RelationIndex } from './relation-index.js';

export interface GroupIndexOptions extends ReachIndexOptions {
  readonly model: Model;
  /** Asks once: where that fails all are taken who could be concerned. */
  readonly evaluator: BatchEvaluator;
  /**
   * Milliseconds for which all groups wait for the relation queries. Then every group that could be
   * concerned is evaluated.
   */
  readonly patienceMs: number;
}

/** A group of subscribers, as far as the index needs it. */
export interface IndexedGroup {
  readonly scope: { readonly matchable: MatchTarget; readonly held: MemberKeys | null };
}

/**
 * The groups that a transaction concerns as far as memory knows, and the queries that find the
 * rest.
 */
export interface ConcernedGroups<T extends IndexedGroup> {
  readonly groups: readonly T[];
  readonly questions: readonly ReachQuestion<T>[];
}

/**
 * Finds the groups that a transaction may concern. A group whose keys are not those of the moment
 * before it (it is still loading, or is behind) is found with every change of its tables that its
 * filter does not rule out; one that settled, by its keys as well.
 */
export class GroupIndex<T extends IndexedGroup> {
  readonly #options: GroupIndexOptions;
  readonly #match = new MatchIndex<T>();
  readonly #reach: RelationIndex<T>;

  constructor(options: GroupIndexOptions) {
    this.#options = options;
    this.#reach = new RelationIndex(options);
  }

  /** It follows from now on. */
  add(group: T): void {
    this.#reach.remove(group);
    this.#match.add(group, group.scope.matchable);
  }

  /**
   * Its keys are not those of the moment any more: from now on it is found by its tables as well.
   * What it holds and waits for stays listed, so that falling behind and coming back cost the same
   * however much that is.
   */
  lag(group: T): void {
    this.#match.add(group, group.scope.matchable);
  }

  /**
   * The group's keys are those after the last evaluated transaction. Call it between two
   * transactions.
   */
  settle(group: T): void {
    const { held, matchable } = group.scope;
    const reachable = held && relationTargetOf(matchable);
    if (!reachable) return;
    const { tables } = this.#reach.wayOf(group) ?? this.#reach.add(group, reachable, held);
    const others = [...matchable.tables].filter((name) => !tables.has(name));
    this.#match.add(group, { ...matchable, tables: new Set(others) });
  }

  remove(group: T): void {
    this.#match.remove(group);
    this.#reach.remove(group);
  }

  /** Must be answered, with `concerned`, before the next transaction is matched. */
  find(net: NetChanges): ConcernedGroups<T> {
    const { entries, questions } = this.#reach.find(net);
    const matched = this.#match.find(net);
    return { groups: entries.size === 0 ? matched : [...new Set([...matched, ...entries])], questions };
  }

  async concerned({ groups, questions }: ConcernedGroups<T>, moment: ReadPoint): Promise<readonly T[]> {
    if (questions.length === 0) return groups;
    const { model, evaluator, patienceMs } = this.#options;
    const found = new Set(groups);
    const asking = askReach(model, evaluator.round(moment), questions, found);
    if (await isDoneWithin(asking, patienceMs)) return [...found];
    for (const { reached } of questions) reached.addAll(found);
    return [...found];
  }
}
