import { compilePredicate } from '../filter/predicate.js';
import type { Cells, Predicate } from '../filter/types.js';
import type { LoggedTransaction } from '../log/types.js';
import type { RowNode } from '../query/types.js';
import { enter, leave, plainNode, update } from './describe.js';
import type { Answer, Evaluation } from './evaluation.js';
import type { NetChange, NetChanges } from './net.js';
import { EVERYTHING, type Judgement, type Scope } from './scope.js';
import type { ChangeSpec, ScopeChange } from './types.js';

/**
 * A scope whose filter looks at nothing but the row itself: old and new image decide, and nothing is remembered.
 * Where the predicate cannot decide exactly, Postgres judges the images.
 */
export class RowScope implements Scope {
  readonly tables: ReadonlySet<string>;
  readonly #spec: ChangeSpec;
  readonly #predicate: Predicate | null;

  constructor(spec: ChangeSpec) {
    this.#spec = spec;
    this.#predicate = compilePredicate(spec.filter);
    this.tables = new Set([spec.table.name]);
  }

  async load(): Promise<null> {
    return null;
  }

  begin(_transaction: LoggedTransaction, net: NetChanges, evaluation: Evaluation): (() => Judgement) | null {
    const changed = net.get(this.#spec.table.name);
    if (!changed) return null;
    const { rows } = changed;
    const before = this.#judge(
      rows.map((row) => row.old),
      evaluation,
      false,
    );
    const after = this.#judge(
      rows.map((row) => row.new),
      evaluation,
      true,
    );
    if (!changed.truncated && before === NONE && after === NONE) return null;
    return () => {
      const wasIn = before();
      const isIn = after();
      const changes: ScopeChange[] = [];
      rows.forEach((row, at) => {
        const change = this.#describe(row, wasIn[at] !== null, isIn[at] ?? null);
        if (change) changes.push(change);
      });
      return { reset: changed.truncated ? 'TRUNCATED' : null, changes };
    };
  }

  #describe(row: NetChange, wasIn: boolean, node: RowNode | null): ScopeChange | null {
    if (node === null) return wasIn ? leave(row.key, row) : null;
    return wasIn ? update(this.#spec.table, row, node, this.#spec.hidden) : enter(node, row.op);
  }

  /** For each image the row as the subscriber sees it, or `null` where it is not in the scope. */
  #judge(
    images: readonly (Cells | null)[],
    evaluation: Evaluation,
    nodes: boolean,
  ): () => readonly (RowNode | null)[] {
    const { table, filter } = this.#spec;
    const related = nodes ? this.#spec.related : [];
    const predicate = this.#predicate;
    const asked: number[] = [];
    const judged = images.map((cells, at) => {
      if (cells === null || (predicate && predicate(cells) !== true)) return null;
      if (!predicate || related.length > 0) {
        asked.push(at);
        return null;
      }
      return plainNode(table, evaluation.keyOf(table, cells), cells);
    });
    if (asked.length === 0) return judged.some((node) => node !== null) ? () => judged : NONE;
    const answer: Answer<readonly (RowNode | null)[]> = evaluation.images({
      table,
      filter: predicate ? EVERYTHING : filter,
      images: asked.map((at) => images[at]!),
      related,
    });
    return () => {
      const answers = answer.value;
      asked.forEach((at, place) => {
        judged[at] = answers[place] ?? null;
      });
      return judged;
    };
  }
}

const NONE = (): readonly (RowNode | null)[] => [];
