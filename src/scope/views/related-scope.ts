import { RivuletError } from '../../../shared/errors.js';
import { and, EVERYTHING, or } from '../../../shared/filter/normalize.js';
import { compilePredicate } from '../../../shared/filter/predicate.js';
import type { Filter, RowCells, RowPredicate } from '../../../shared/filter/types.js';
import type { Model, ModelRelation, ModelTable } from '../../../shared/model/types.js';
import type { Link } from '../../../shared/protocol/messages.js';
import { type RelationPath, relationPaths, tablesOf } from '../../filter/paths.js';
import { keysPredicate } from '../../query/key.js';
import type { RelatedPlan, RowNode, SelectPlan } from '../../query/types.js';
import type { BatchClient, QueryAnswer } from '../evaluate/batch-evaluator.js';
import { candidateFilter, equalToAny, matching, related, reverseHop } from '../match/candidate-rows.js';
import { RelatedDependencies } from '../match/related-dependencies.js';
import { enter, leave, update } from '../messages/describe-change.js';
import type { NetChanges, TableChanges } from '../messages/net-changes.js';
import type { RelatedMessage, RelatedSpec, ScopeChange } from '../messages/types.js';
import { HeldLinks } from './held-links.js';
import { LinkTable } from './link-table.js';

/** Changes to the rows of a scope, for the scopes below it. */
export interface RowsDiff {
  readonly entered: readonly HeldRow[];
  /** Rows that stayed and may have changed. */
  readonly updated: readonly HeldRow[];
  readonly left: readonly string[];
}

export interface HeldRow {
  readonly key: string;
  readonly cells: RowCells;
}

/** State of the evaluation of one transaction. */
interface TransactionTurn {
  /** Rows whose links are decided anew: not found means not linked. */
  readonly compared: Set<string>;
  /** Rows below that lost a parent, or whose parent points elsewhere now. */
  readonly loosened: Set<string>;
  /** Parents that left or point elsewhere: what is not found again is not linked to them. */
  readonly gone: Set<string>;
  /** Everything held is compared. */
  all: boolean;
  readonly answers: QueryAnswer<readonly RowNode[]>[];
  readonly keys: QueryAnswer<readonly string[]>[];
}

/**
 * A scope below another. It keeps which row above holds which row below, asks Postgres for the rows
 * that a transaction may have linked or unlinked, as they were then, and tells the differences.
 *
 * Invariants:
 * - A row is in the scope exactly while some row above holds it.
 * - What is shown was authorized by the statement that read it.
 * - After each transaction links and rows are those that a nested query would have found then.
 */
export class RelatedScope {
  readonly below: readonly RelatedScope[];
  /** Tables whose changes can concern it or the scopes below it. */
  readonly tables: ReadonlySet<string>;
  readonly #spec: RelatedSpec;
  readonly #table: ModelTable;
  readonly #above: ModelTable;
  /** The dependencies of its filter besides the row itself. */
  readonly #elsewhere: RelatedDependencies;
  readonly #viaPaths: readonly RelationPath[];
  readonly #onSource: RowPredicate | null;
  /** The junction rows of a row below, where the relation has a junction. */
  readonly #junction: RelatedPlan | null;
  /** The rows above by their link values. */
  readonly #held: HeldLinks;
  readonly #links = new LinkTable();
  #turn: TransactionTurn | null = null;
  #message: { changes: readonly ScopeChange[]; links: readonly Link[] } = NOTHING_TOLD;

  constructor(model: Model, spec: RelatedSpec) {
    const { relation } = spec;
    this.#spec = spec;
    this.#table = model.table(relation.target);
    this.#above = model.table(relation.source);
    this.#held = new HeldLinks(relation.from, (relation.through ?? { from: relation.to }).from);
    this.#viaPaths = relationPaths(spec.via);
    this.#elsewhere = new RelatedDependencies(this.#table, spec.filter);
    this.#onSource = spec.onSource && sourcePredicate(relation, spec.onSource);
    this.#junction = relation.through ? junctionPlan(model, relation, spec.via) : null;
    this.below = spec.graph.map((inner) => new RelatedScope(model, inner));
    this.tables = new Set([
      relation.target,
      ...(relation.through ? [relation.through.table] : []),
      ...this.#elsewhere.tables,
      ...tablesOf(spec.via),
      ...this.below.flatMap((inner) => [...inner.tables]),
    ]);
  }

  /** Rows held here and below. */
  get size(): number {
    return this.#links.size + this.below.reduce((sum, inner) => sum + inner.size, 0);
  }

  holds(table: string, key: string): boolean {
    if (table === this.#table.name && this.#links.parentsOf(key).size > 0) return true;
    return this.below.some((inner) => inner.holds(table, key));
  }

  /**
   * Takes over the rows that a nested query found below a row, before any transaction is evaluated.
   */
  seed(parent: RowNode): void {
    this.#held.hold(parent.key, this.#tupleOf(parent.cells));
    const found = parent.related.get(this.#spec.responseKey) ?? [];
    for (const row of 'key' in found ? [found] : found) {
      this.#links.add(parent.key, row.key);
      for (const inner of this.below) inner.seed(row);
    }
  }

  /**
   * True if a transaction that left the rows above as they were may have changed something here or
   * below, or if memory cannot tell.
   */
  isConcerned(net: NetChanges): boolean {
    return this.#isConcernedHere(net) || this.below.some((inner) => inner.isConcerned(net));
  }

  /**
   * First round: which rows may this transaction have linked, unlinked, shown or hidden? True when
   * something was asked.
   */
  ask(net: NetChanges, client: BatchClient): boolean {
    const turn: TransactionTurn = {
      compared: new Set(),
      loosened: new Set(),
      gone: new Set(),
      all: false,
      answers: [],
      keys: [],
    };
    this.#turn = turn;
    // Rows below new rows above are found when these are followed.
    if (this.#isConcernedHere(net)) this.#askHere(net, turn, client);
    const below = this.below.map((inner) => inner.ask(net, client));
    return turn.answers.length > 0 || turn.keys.length > 0 || turn.compared.size > 0 || below.includes(true);
  }

  #askHere(net: NetChanges, turn: TransactionTurn, client: BatchClient): void {
    const own = net.get(this.#table.name);
    for (const row of own?.rows ?? []) turn.compared.add(row.key);
    const elsewhere = this.#candidates(net);
    if (own?.truncated || elsewhere === 'all') {
      turn.all = true;
      this.#askRows(this.#linkedTo(this.#held.tuples()), client);
    } else {
      const present = (own?.rows ?? []).filter((row) => row.new !== null).map((row) => row.key);
      if (elsewhere) turn.keys.push(client.keys(this.#table, elsewhere, null));
      const parts = [
        ...(present.length > 0 ? [keysPredicate(this.#table, present)] : []),
        ...(elsewhere ? [elsewhere] : []),
      ];
      if (parts.length > 0) this.#askRows(or(...parts), client);
    }
  }

  /** Takes the changes above, and queries the rows below new parents. True if it added a query. */
  follow(above: RowsDiff, client: BatchClient): boolean {
    const turn = this.#turn!;
    const asked: (readonly string[])[] = [];
    for (const key of above.left) this.#release(key, turn);
    for (const { key, cells } of [...above.entered, ...above.updated]) {
      const tuple = this.#tupleOf(cells);
      if (this.#held.isSame(key, tuple)) continue;
      this.#release(key, turn);
      this.#held.hold(key, tuple);
      if (tuple) asked.push(tuple);
    }
    if (asked.length === 0) return false;
    this.#askRows(this.#linkedTo(asked), client);
    return true;
  }

  /** Tells the differences, and what happened to this scope's rows for the scopes below. */
  settle(net: NetChanges): RowsDiff {
    const turn = this.#turn!;
    this.#turn = null;
    for (const answer of turn.keys) for (const key of answer.value) turn.compared.add(key);
    if (turn.all) for (const key of this.#links.children()) turn.compared.add(key);
    const found = new Map<string, RowNode>();
    for (const rows of turn.answers) for (const node of rows.value) found.set(node.key, node);
    const changed = new Map((net.get(this.#table.name)?.rows ?? []).map((row) => [row.key, row]));
    const diff = { entered: [] as HeldRow[], updated: [] as HeldRow[], left: [] as string[] };
    const changes: ScopeChange[] = [];
    const links = { entered: [] as Link[], left: [] as Link[] };
    for (const key of new Set([...turn.compared, ...found.keys(), ...turn.loosened])) {
      const row = found.get(key);
      const before = new Set(this.#links.parentsOf(key));
      const now = row ? this.#parentsOf(row) : turn.compared.has(key) ? NOBODY : without(before, turn.gone);
      this.#relink(key, before, now, links);
      const change = changed.get(key);
      if (now.size === 0) {
        if (before.size > 0) {
          changes.push(leave(key, change ?? null));
          diff.left.push(key);
        }
        continue;
      }
      if (!row) continue;
      const held = { key, cells: row.cells };
      if (before.size === 0) {
        changes.push(enter(row, change?.op ?? null));
        diff.entered.push(held);
      } else {
        diff.updated.push(held);
        const told = change && update(this.#table, change, row, this.#spec.hidden);
        if (told && told.changedColumns.length > 0) changes.push(told);
      }
    }
    // The old link ends before the new one begins, so that a client that applies them one by one
    // does not end with an empty `one` relation.
    this.#message = { changes, links: [...links.left, ...links.entered] };
    return diff;
  }

  /**
   * The message of the transaction that was settled last; `null` where nothing happened here or
   * below.
   */
  takeMessage(): RelatedMessage | null {
    const related = new Map<string, RelatedMessage>();
    for (const inner of this.below) {
      const message = inner.takeMessage();
      if (message) related.set(inner.#spec.responseKey, message);
    }
    const { changes, links } = this.#message;
    this.#message = NOTHING_TOLD;
    return changes.length + links.length + related.size === 0 ? null : { changes, links, related };
  }

  get responseKey(): string {
    return this.#spec.responseKey;
  }

  #isConcernedHere(net: NetChanges): boolean {
    return (
      this.#isOwnConcerned(net.get(this.#table.name)) ||
      this.#isJunctionConcerned(net) ||
      this.#isConcernedElsewhere(net)
    );
  }

  #isOwnConcerned(own: TableChanges | undefined): boolean {
    if (!own) return false;
    if (own.truncated) return true;
    const { relation } = this.#spec;
    return own.rows.some((row) => {
      if (this.#links.parentsOf(row.key).size > 0) return true;
      if (row.new === null) return false;
      if (!relation.through) return this.#held.mayHold(row.new);
      // The junction row has the link. Memory knows it only for rows that passed the filter.
      const { old, new: after } = row;
      if (old === null || relation.to.some(({ index }) => old[index] !== after[index])) return true;
      return this.#elsewhere.lookedAt.isTouched(this.#table.name, row);
    });
  }

  #isJunctionConcerned(net: NetChanges): boolean {
    const { through } = this.#spec.relation;
    const changed = through && net.get(through.table);
    if (!changed) return false;
    const isHeld = (cells: RowCells | null) => cells !== null && this.#held.mayHold(cells);
    return changed.truncated || changed.rows.some((row) => isHeld(row.old) || isHeld(row.new));
  }

  #isConcernedElsewhere(net: NetChanges): boolean {
    const { relation, via } = this.#spec;
    const candidates = this.#elsewhere.candidates(net);
    if (candidates === 'all' || (candidates && this.#isAnyHeldAbove(candidates))) return true;
    if (!relation.through || this.#viaPaths.length === 0) return false;
    return [...tablesOf(via)].some((name) => net.has(name));
  }

  /** True if a filter on the rows here may find one that is, or would be, linked to a row above. */
  #isAnyHeldAbove(filter: Filter): boolean {
    const { to, through } = this.#spec.relation;
    if (filter.kind === 'or') return filter.filters.some((part) => this.#isAnyHeldAbove(part));
    if (through || to.length > 1 || filter.kind !== 'in' || filter.column !== to[0]) return true;
    if (filter.castType !== undefined) return true;
    return filter.values.some((value) => this.#held.mayHoldTuple([value]));
  }

  #relink(
    child: string,
    before: ReadonlySet<string>,
    now: ReadonlySet<string>,
    links: { readonly entered: Link[]; readonly left: Link[] },
  ): void {
    for (const parent of before) {
      if (now.has(parent)) continue;
      this.#links.delete(parent, child);
      links.left.push({ kind: 'LEAVE', parent, child });
    }
    for (const parent of now) {
      if (before.has(parent)) continue;
      this.#links.add(parent, child);
      links.entered.push({ kind: 'ENTER', parent, child });
    }
  }

  /**
   * Rows below that may be concerned because rows that they depend on changed: junction rows, and
   * what filters look at.
   */
  #candidates(net: NetChanges): Filter | 'all' | null {
    const { relation } = this.#spec;
    const { through } = relation;
    const found = [this.#elsewhere.candidates(net)];
    const junction = through && net.get(through.table);
    if (junction?.truncated) return 'all';
    if (junction) found.push(matching(relation.to, junction, through!.to));
    const via = candidateFilter(this.#viaPaths, net);
    found.push(via === null || via === 'all' ? via : related(reverseHop(relation), via));
    if (found.includes('all')) return 'all';
    const filters = found.filter((each): each is Filter => each !== null && each !== 'all');
    return filters.length === 0 ? null : or(...filters);
  }

  #askRows(which: Filter, client: BatchClient): void {
    const plan: SelectPlan = {
      table: this.#table,
      filter: and(this.#spec.filter, which),
      orderBy: this.#table.key.map((column) => ({ column, direction: 'ASC' })),
      limit: null,
      offset: 0,
      related: [...this.#spec.related, ...this.#linkPlans()],
    };
    this.#turn!.answers.push(client.rows(plan));
  }

  /** The other tables that decide which rows above a row below is linked to. */
  #linkPlans(): readonly RelatedPlan[] {
    const { relation } = this.#spec;
    const junction = this.#junction ? [this.#junction] : [];
    if (this.#held.isDecided) return junction;
    // Only PostgreSQL can compare, so it says which of the rows held above have the value.
    const { source, target, from, to, through } = relation;
    const name = `${relation.name}Above`;
    const ends = through
      ? { source: through.table, from: through.from, to: from }
      : { source: target, from: to, to: from };
    const above: RelatedPlan = {
      responseKey: ABOVE,
      relation: { name, kind: 'many', target: source, ...ends },
      via: EVERYTHING,
      plan: {
        table: this.#above,
        filter:
          this.#above.key.length === 1 ? keysPredicate(this.#above, [...this.#held.parents]) : EVERYTHING,
        orderBy: [],
        limit: null,
        offset: 0,
        related: [],
        columns: new Set(),
      },
    };
    return junction.length === 0
      ? [above]
      : junction.map((each) => ({ ...each, plan: { ...each.plan, related: [above] } }));
  }

  /** Rows below that link to one of these values. */
  #linkedTo(tuples: readonly (readonly string[])[]): Filter {
    const { relation, via } = this.#spec;
    const { from, to, through } = relation;
    if (!through) return equalToAny(to, tuples, from);
    return related(reverseHop(relation), and(via, equalToAny(through.from, tuples, from)));
  }

  #parentsOf(node: RowNode): ReadonlySet<string> {
    const linking = this.#junction ? (node.related.get(JUNCTION) as readonly RowNode[]) : [node];
    const parents = new Set<string>();
    for (const row of linking) {
      if (this.#held.isDecided) for (const parent of this.#held.holdersOf(row.cells)) parents.add(parent);
      else {
        for (const { key } of row.related.get(ABOVE) as readonly RowNode[]) {
          if (this.#held.isLinking(key)) parents.add(key);
        }
      }
    }
    return parents;
  }

  #tupleOf(cells: RowCells): readonly string[] | null {
    return this.#onSource && this.#onSource(cells) !== true ? null : this.#held.tupleOf(cells);
  }

  #release(parent: string, turn: TransactionTurn): void {
    if (!this.#held.release(parent)) return;
    turn.gone.add(parent);
    for (const child of this.#links.childrenOf(parent)) turn.loosened.add(child);
  }
}

/** Not a field name, so it cannot be in the way of a selection. */
const JUNCTION = '#junction';
const ABOVE = '#above';
const NOBODY: ReadonlySet<string> = new Set();
const NOTHING_TOLD = { changes: [], links: [] } as const;

function junctionPlan(model: Model, relation: ModelRelation, via: Filter): RelatedPlan {
  const table = model.table(relation.through!.table);
  const orderBy = table.key.map((column) => ({ column, direction: 'ASC' as const }));
  return {
    responseKey: JUNCTION,
    relation: reverseHop(relation),
    via: EVERYTHING,
    plan: { table, filter: via, orderBy, limit: null, offset: 0, related: [] },
  };
}

function sourcePredicate(relation: ModelRelation, filter: Filter): RowPredicate {
  const predicate = compilePredicate(filter);
  if (predicate) return predicate;
  throw new RivuletError(
    'SCHEMA_UNSUPPORTED',
    `The \`where\` of ${relation.source}.${relation.name} cannot be followed: only Postgres can decide it`,
  );
}

function without(keys: ReadonlySet<string>, gone: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...keys].filter((key) => !gone.has(key)));
}
