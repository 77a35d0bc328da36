import { EVERYTHING } from '../../../shared/filter/normalize.js';
import { compilePredicate } from '../../../shared/filter/predicate.js';
import type { RowCells, RowPredicate } from '../../../shared/filter/types.js';
import { keyOf } from '../../../shared/value/key.js';
import type { RowNode } from '../../query/types.js';
import type { BatchClient } from '../evaluate/batch-evaluator.js';
import type { MatchTarget } from '../match/match-index.js';
import { became, plainNode } from '../messages/describe-change.js';
import type { NetChanges } from '../messages/net-changes.js';
import { type ReaderGroup, readersOf, type SharedChanges } from '../messages/shared-changes.js';
import type { ChangeSpec, ScopeChange } from '../messages/types.js';
import { NOTHING_RELATED } from '../messages/types.js';
import type { Scope, ScopeDelta, ScopeEvaluation, StatelessEvaluation } from './scope.js';

/**
 * A scope whose filter looks at nothing but the row itself: old and new image decide, and nothing
 * is remembered. If the predicate cannot decide exactly, Postgres evaluates the images.
 */
export class RowScope implements Scope, StatelessEvaluation {
  readonly tables: ReadonlySet<string>;
  readonly matchable: MatchTarget;
  readonly held = null;
  readonly elsewhere: ReadonlySet<string> = new Set();
  readonly #spec: ChangeSpec;
  readonly #predicate: RowPredicate | null;
  readonly #plain: SharedChanges;
  readonly #readers: ReaderGroup;

  constructor(spec: ChangeSpec, plain: SharedChanges) {
    this.#spec = spec;
    this.#predicate = compilePredicate(spec.filter);
    this.tables = new Set([spec.table.name]);
    const { table, filter } = spec;
    this.matchable = { table, filter, tables: this.tables, isOwnTableElsewhere: false };
    this.#plain = plain;
    this.#readers = readersOf(table, spec.hidden);
  }

  async load(): Promise<boolean> {
    return true;
  }

  holds(table: string): boolean | null {
    return table === this.#spec.table.name ? null : false;
  }

  evaluateInMemory(net: NetChanges): ScopeDelta | null | undefined {
    const { table, related } = this.#spec;
    const predicate = this.#predicate;
    if (!predicate || related.length > 0) return undefined;
    const changed = net.get(table.name);
    if (!changed) return null;
    const isIn = (image: RowCells | null): boolean => image !== null && predicate(image) === true;
    const changes: ScopeChange[] = [];
    for (const row of changed.rows) {
      const change = this.#plain.describe(this.#readers, row, isIn(row.old), isIn(row.new));
      if (change) changes.push(change);
    }
    return { reset: changed.truncated ? 'TRUNCATED' : null, changes, related: NOTHING_RELATED };
  }

  get steady(): StatelessEvaluation {
    return this;
  }

  *evaluate(net: NetChanges, client: BatchClient): ScopeEvaluation {
    const [delta] = yield* this.evaluateAll([net], client);
    return delta ?? null;
  }

  *evaluateAll(
    nets: readonly NetChanges[],
    client: BatchClient,
  ): Generator<void, readonly (ScopeDelta | null)[], BatchClient> {
    const { table, hidden } = this.#spec;
    const changed = nets.map((net) => net.get(table.name));
    const rows = changed.flatMap((changes) => changes?.rows ?? []);
    const before = this.#inScope(
      rows.map((row) => row.old),
      client,
      false,
    );
    const after = this.#inScope(
      rows.map((row) => row.new),
      client,
      true,
    );
    if (before.asked || after.asked) yield;
    const wasIn = before.nodes();
    const isIn = after.nodes();
    let at = 0;
    return changed.map((each) => {
      if (!each) return null;
      const changes: ScopeChange[] = [];
      for (const row of each.rows) {
        const change = became(table, row, hidden, wasIn[at] !== null, isIn[at] ?? null);
        if (change) changes.push(change);
        at++;
      }
      return { reset: each.truncated ? 'TRUNCATED' : null, changes, related: NOTHING_RELATED };
    });
  }

  /** For each image the row as the subscriber sees it, or `null` where it is not in the scope. */
  #inScope(images: readonly (RowCells | null)[], client: BatchClient, withRelated: boolean): Pending {
    const { table, filter } = this.#spec;
    const related = withRelated ? this.#spec.related : [];
    const predicate = this.#predicate;
    const asked: number[] = [];
    const nodes = images.map((cells, at) => {
      if (cells === null || (predicate && predicate(cells) !== true)) return null;
      if (predicate && related.length === 0) return plainNode(table, keyOf(table, cells), cells);
      asked.push(at);
      return null;
    });
    if (asked.length === 0) return { asked: false, nodes: () => nodes };
    const answer = client.images({
      table,
      filter: predicate ? EVERYTHING : filter,
      images: asked.map((at) => images[at]!),
      related,
    });
    return {
      asked: true,
      nodes: () => {
        for (const [place, at] of asked.entries()) nodes[at] = answer.value[place] ?? null;
        return nodes;
      },
    };
  }
}

/** Rows that are known once the round has run, where Postgres was asked at all. */
interface Pending {
  readonly asked: boolean;
  nodes(): readonly (RowNode | null)[];
}
