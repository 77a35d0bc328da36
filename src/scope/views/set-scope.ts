import { RivuletError } from '../../../shared/errors.js';
import { and } from '../../../shared/filter/normalize.js';
import type { Filter } from '../../../shared/filter/types.js';
import type { Model, ModelColumn } from '../../../shared/model/types.js';
import { ownColumns } from '../../filter/paths.js';
import type { RelatedPlan, RowNode, SelectPlan } from '../../query/types.js';
import type { BatchClient, BatchEvaluator, QueryAnswer, ReadPoint } from '../evaluate/batch-evaluator.js';
import type { MatchTarget } from '../match/match-index.js';
import { MemberKeys } from '../match/member-keys.js';
import { RelatedDependencies } from '../match/related-dependencies.js';
import { became, enter, leave } from '../messages/describe-change.js';
import type { NetChange, NetChanges, TableChanges } from '../messages/net-changes.js';
import { type ReaderGroup, readersOf, type SharedChanges } from '../messages/shared-changes.js';
import type { ChangeSpec, RelatedMessage, RelatedSpec, ScopeChange } from '../messages/types.js';
import { NOTHING_RELATED } from '../messages/types.js';
import { type HeldRow, RelatedScope, type RowsDiff } from './related-scope.js';
import { RowScope } from './row-scope.js';
import type { Scope, ScopeDelta, ScopeEvaluation, StatelessEvaluation } from './scope.js';

/**
 * A scope whose filter passes through relations, or that others hang from. What other tables say
 * about a row can change while the row stays as it is, and may be gone when it is looked up; so the
 * scope keeps the keys that are in it and tells differences.
 *
 * Invariants:
 * - `held` holds exactly the keys of which the subscribers were told ENTER (or which were there at
 *   the start) and not LEAVE.
 * - Changed rows are evaluated by their own images, so no subscriber receives an image that was not
 *   authorized. Unchanged rows are read and evaluated in one statement.
 * - After each transaction `held` equals the keys that SELECT would have found then.
 */
export class SetScope implements Scope {
  readonly tables: ReadonlySet<string>;
  readonly matchable: MatchTarget;
  readonly held = new MemberKeys();
  readonly steady: StatelessEvaluation | null;
  readonly #evaluator: BatchEvaluator;
  readonly #spec: ChangeSpec;
  readonly #maxKeys: number;
  readonly #graph: readonly RelatedScope[];
  /** The rows to read below each row before the first transaction is evaluated. */
  readonly #seeds: readonly RelatedPlan[];
  readonly #plain: SharedChanges;
  /** `null` where rows carry relations, or other scopes hang from them. */
  readonly #readers: ReaderGroup | null;
  /** The dependencies of its filter besides the row itself. */
  readonly #elsewhere: RelatedDependencies;
  /** The own columns that do. */
  readonly #columns: readonly ModelColumn[];

  constructor(
    model: Model,
    evaluator: BatchEvaluator,
    spec: ChangeSpec,
    maxKeys: number,
    plain: SharedChanges,
  ) {
    this.#evaluator = evaluator;
    this.#spec = spec;
    this.#maxKeys = maxKeys;
    this.#graph = spec.graph.map((inner) => new RelatedScope(model, inner));
    this.#seeds = spec.graph.map((inner) => seedPlan(model, inner, maxKeys + 1));
    const { table, filter } = spec;
    this.#elsewhere = new RelatedDependencies(table, filter);
    const others = new Set([...this.#elsewhere.tables, ...this.#graph.flatMap((inner) => [...inner.tables])]);
    const isPlain = spec.graph.length === 0 && spec.related.length === 0;
    this.#plain = plain;
    this.#readers = isPlain ? readersOf(table, spec.hidden) : null;
    this.#columns = [...ownColumns(filter)];
    this.tables = new Set([table.name, ...others]);
    const byImages = new RowScope(spec, plain);
    this.steady =
      spec.graph.length > 0
        ? null
        : { elsewhere: others, evaluateAll: (nets, client) => byImages.evaluateAll(nets, client) };
    this.matchable = {
      table,
      filter,
      tables: this.tables,
      isOwnTableElsewhere: others.has(table.name),
      isFilterAlone: spec.graph.length === 0,
    };
  }

  /**
   * Everything in one statement, and so in one snapshot: with scopes below, the nested query;
   * without, the keys.
   */
  async load(moment: ReadPoint): Promise<boolean> {
    const { table, filter, graph } = this.#spec;
    const round = this.#evaluator.round(moment);
    const client = round.client();
    const most = this.#maxKeys + 1;
    if (graph.length === 0) {
      const keys = client.keys(table, filter, most);
      await answered(round, client);
      for (const key of keys.value) this.held.add(key);
    } else {
      const rows = client.rows({ ...rowsOf(this.#spec, filter), limit: most, related: this.#seeds });
      await answered(round, client);
      for (const row of rows.value) {
        this.held.add(row.key);
        for (const inner of this.#graph) inner.seed(row);
      }
    }
    this.#checkSize();
    return round.isExact;
  }

  holds(table: string, key: string): boolean {
    if (table === this.#spec.table.name && this.held.has(key)) return true;
    return this.#graph.some((inner) => inner.holds(table, key));
  }

  /** A row stays where it was when nothing changed that the filter looks at. */
  evaluateInMemory(net: NetChanges): ScopeDelta | null | undefined {
    if (this.#elsewhere.isTouchedBy(net)) return undefined;
    const { table } = this.#spec;
    const readers = this.#readers;
    const own = net.get(table.name);
    if (!readers) return this.#isConcerned(own, net) ? undefined : null;
    if (!own) return null;
    if (own.truncated || !own.rows.every((row) => row.new === null || this.#isStill(row))) return undefined;
    const changes: ScopeChange[] = [];
    for (const row of own.rows) {
      const wasIn = row.new === null ? this.held.delete(row.key) : this.held.has(row.key);
      const change = this.#plain.describe(readers, row, wasIn, wasIn && row.new !== null);
      if (change) changes.push(change);
    }
    return { reset: null, changes, related: NOTHING_RELATED };
  }

  /** For one whose rows carry others: whether there may be something to tell. */
  #isConcerned(own: TableChanges | undefined, net: NetChanges): boolean {
    if (own?.truncated) return true;
    if (own?.rows.some((row) => this.held.has(row.key) || (row.new !== null && !this.#isStill(row))))
      return true;
    return this.#graph.some((inner) => inner.isConcerned(net));
  }

  #isStill({ old, new: after }: NetChange): boolean {
    return old !== null && after !== null && this.#columns.every(({ index }) => old[index] === after[index]);
  }

  *evaluate(net: NetChanges, client: BatchClient): ScopeEvaluation {
    const { table, filter, related } = this.#spec;
    const own = net.get(table.name);
    const rows = own?.rows ?? [];
    const entering = rows.filter((row) => row.new !== null);
    const images =
      entering.length === 0
        ? null
        : client.images({ table, filter, images: entering.map((row) => row.new!), related });
    const elsewhere = this.#askElsewhere(this.#elsewhere.candidates(net), client);
    const below = this.#graph.map((inner) => inner.ask(net, client)).includes(true);
    if (!own && !elsewhere && !below) return null;
    let next = yield;

    const changes: ScopeChange[] = [];
    const diff = { entered: [] as HeldRow[], updated: [] as HeldRow[], left: [] as string[] };
    if (own?.truncated) this.#leaveAll(new Set(rows.map(({ key }) => key)), changes, diff);
    const nodes = new Map(entering.map((row, at) => [row.key, images!.value[at] ?? null]));
    for (const row of rows) this.#evaluateRow(row, nodes.get(row.key) ?? null, changes, diff);
    elsewhere?.(new Set(rows.map((row) => row.key)), changes, diff);

    let level: readonly { readonly scope: RelatedScope; readonly above: RowsDiff }[] = this.#graph.map(
      (scope) => ({ scope, above: diff }),
    );
    while (level.length > 0) {
      const asked = level.map(({ scope, above }) => scope.follow(above, next));
      if (asked.includes(true)) next = yield;
      level = level.flatMap(({ scope }) => {
        const above = scope.settle(net);
        return scope.below.map((inner) => ({ scope: inner, above }));
      });
    }
    this.#checkSize();
    const messages = new Map<string, RelatedMessage>();
    for (const inner of this.#graph) {
      const message = inner.takeMessage();
      if (message) messages.set(inner.responseKey, message);
    }
    // A query that waited for TRUNCATE's lock saw the table empty in a snapshot from before it:
    // what a subscriber began with may be ahead of its cursor, and then differences alone do not
    // mend it.
    const isEmptied = [...this.tables].some((name) => net.get(name)?.truncated);
    return { reset: isEmptied ? 'TRUNCATED' : null, changes, related: messages };
  }

  #evaluateRow(row: NetChange, node: RowNode | null, changes: ScopeChange[], diff: MutableDiff): void {
    const wasIn = this.held.has(row.key);
    const { table, hidden } = this.#spec;
    const readers = this.#readers;
    const change = readers
      ? this.#plain.describe(readers, row, wasIn, node !== null)
      : became(table, row, hidden, wasIn, node);
    if (change) changes.push(change);
    if (node) {
      this.held.add(row.key);
      (wasIn ? diff.updated : diff.entered).push(node);
    } else if (this.held.delete(row.key)) diff.left.push(row.key);
  }

  /**
   * Asks which rows are in the scope now because other rows changed; the step returned tells the
   * differences.
   */
  #askElsewhere(
    candidates: Filter | 'all' | null,
    client: BatchClient,
  ): ((evaluated: ReadonlySet<string>, changes: ScopeChange[], diff: MutableDiff) => void) | null {
    if (candidates === null) return null;
    const { table, filter } = this.#spec;
    const inside = client.rows(rowsOf(this.#spec, candidates === 'all' ? filter : and(filter, candidates)));
    const looked: QueryAnswer<readonly string[]> | null =
      candidates === 'all' ? null : client.keys(table, candidates, null);
    return (judged, changes, diff) => {
      const insideKeys = new Set<string>();
      for (const node of inside.value) {
        insideKeys.add(node.key);
        if (judged.has(node.key) || this.held.has(node.key)) continue;
        this.held.add(node.key);
        changes.push(enter(node, null));
        diff.entered.push(node);
      }
      for (const key of looked?.value ?? [...this.held]) {
        if (insideKeys.has(key) || judged.has(key) || !this.held.delete(key)) continue;
        changes.push(leave(key, null));
        diff.left.push(key);
      }
    };
  }

  /** All changes except those of rows that were written again: each row has one change. */
  #leaveAll(but: ReadonlySet<string>, changes: ScopeChange[], diff: MutableDiff): void {
    for (const key of [...this.held]) {
      if (but.has(key)) continue;
      this.held.delete(key);
      changes.push(leave(key, null));
      diff.left.push(key);
    }
  }

  #checkSize(): void {
    const size = this.#graph.reduce((sum, inner) => sum + inner.size, this.held.size);
    if (size <= this.#maxKeys) return;
    throw new RivuletError(
      'SCOPE_TOO_LARGE',
      `The scope on ${this.#spec.table.fields.many} holds more than ${this.#maxKeys} rows; narrow its filter.`,
      { table: this.#spec.table.name, limit: this.#maxKeys },
    );
  }
}

type MutableDiff = { readonly [K in keyof RowsDiff]: RowsDiff[K] extends readonly (infer T)[] ? T[] : never };

async function answered(round: { run(): Promise<void> }, client: BatchClient): Promise<void> {
  await round.run();
  if (client.error) throw client.error;
}

function rowsOf(spec: ChangeSpec, filter: Filter): SelectPlan {
  const { table, related } = spec;
  const orderBy = table.key.map((column) => ({ column, direction: 'ASC' as const }));
  return { table, filter, orderBy, limit: null, offset: 0, related };
}

function seedPlan(model: Model, spec: RelatedSpec, most: number): RelatedPlan {
  const { responseKey, relation, via, onSource, filter, graph } = spec;
  const table = model.table(relation.target);
  return {
    responseKey,
    relation,
    via,
    ...(onSource ? { onSource } : {}),
    plan: {
      table,
      filter,
      orderBy: [],
      limit: most,
      offset: 0,
      related: graph.map((inner) => seedPlan(model, inner, most)),
    },
  };
}
