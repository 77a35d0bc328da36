import { RivuletError } from '../errors.js';
import { and } from '../filter/normalize.js';
import { type RelationPath, relationPaths, tablesOf } from '../filter/paths.js';
import type { Filter } from '../filter/types.js';
import { covers, isVisible, type Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import type { Model } from '../model/types.js';
import type { RowNode, SelectPlan } from '../query/types.js';
import { candidateFilter } from './candidates.js';
import { enter, leave, update } from './describe.js';
import type { Answer, Asker, Evaluator } from './evaluation.js';
import type { NetChange, NetChanges } from './net.js';
import type { Judging, Scope } from './scope.js';
import type { ChangeSpec, ScopeChange } from './types.js';

/**
 * A scope whose filter passes through relations. What other tables say about a row can change while the row stays as it is,
 * and may be gone when it is looked up; so the scope keeps the keys that are in it and tells differences.
 *
 * Invariants:
 * - `#keys` holds exactly the keys of which the subscribers were told ENTER (or which were there at the start) and not LEAVE.
 * - Changed rows are judged by their own images, so nobody is shown an image that was not authorized; rows that did not change
 *   are read and judged in one statement.
 * - A row that was read ahead of the log is not told again from transactions that the reading already saw: a row never goes back.
 * - Once no transaction is waiting, `#keys` equals the keys that SELECT finds.
 */
export class SetScope implements Scope {
  readonly tables: ReadonlySet<string>;
  readonly #evaluator: Evaluator;
  readonly #spec: ChangeSpec;
  readonly #paths: readonly RelationPath[];
  readonly #maxKeys: number;
  #keys = new Set<string>();
  /** Rows read ahead of the log, with the snapshot they were read at. */
  readonly #readAhead = new Map<string, Snapshot>();

  constructor(model: Model, evaluator: Evaluator, spec: ChangeSpec, maxKeys: number) {
    this.#evaluator = evaluator;
    this.#spec = spec;
    this.#paths = relationPaths(spec.filter);
    this.#maxKeys = maxKeys;
    this.tables = new Set([spec.table.name, ...tablesOf(model, spec.filter)]);
  }

  async load(): Promise<Snapshot> {
    const round = this.#evaluator.round();
    const asker = round.asker();
    const keys = asker.keys(this.#spec.table, this.#spec.filter, this.#maxKeys + 1);
    await round.run();
    if (asker.error) throw asker.error;
    this.#keys = new Set(keys.value);
    this.#checkSize();
    return asker.snapshot;
  }

  *judge(transaction: LoggedTransaction, net: NetChanges, asker: Asker): Judging {
    this.#forgetReadAhead(transaction.cursor);
    const { table, filter } = this.#spec;
    const own = net.get(table.name);
    const rows = (own?.rows ?? []).filter((row) => !this.#wasReadWith(row.key, transaction.xid));
    const entering = rows.filter((row) => row.new !== null);
    const images =
      entering.length === 0
        ? null
        : asker.images({
            table,
            filter,
            images: entering.map((row) => row.new!),
            related: this.#spec.related,
          });
    const elsewhere = this.#askElsewhere(candidateFilter(this.#paths, net), asker);
    if (!own && !elsewhere) return null;
    if (images || elsewhere) yield;
    const changes: ScopeChange[] = [];
    if (own?.truncated) this.#leaveAll(changes);
    const nodes = new Map(entering.map((row, at) => [row.key, images!.value[at] ?? null]));
    for (const row of rows) this.#judgeRow(row, nodes.get(row.key) ?? null, changes);
    elsewhere?.(new Set(rows.map((row) => row.key)), changes);
    this.#checkSize();
    return { reset: null, changes };
  }

  #judgeRow(row: NetChange, node: RowNode | null, changes: ScopeChange[]): void {
    const wasIn = this.#keys.has(row.key);
    if (node === null) {
      if (wasIn) changes.push(leave(row.key, row));
      this.#keys.delete(row.key);
      return;
    }
    this.#keys.add(row.key);
    changes.push(wasIn ? update(this.#spec.table, row, node, this.#spec.hidden) : enter(node, row.op));
  }

  /** Asks which rows are in the scope now because other rows changed; the step returned tells the differences. */
  #askElsewhere(
    candidates: Filter | 'all' | null,
    asker: Asker,
  ): ((judged: ReadonlySet<string>, changes: ScopeChange[]) => void) | null {
    if (candidates === null) return null;
    const { table, filter, related } = this.#spec;
    const plan: SelectPlan = {
      table,
      filter: candidates === 'all' ? filter : and(filter, candidates),
      orderBy: table.key.map((column) => ({ column, direction: 'ASC' })),
      limit: null,
      offset: 0,
      related,
    };
    const inside = asker.rows(plan);
    const looked: Answer<readonly string[]> | null =
      candidates === 'all' ? null : asker.keys(table, candidates, null);
    return (judged, changes) => {
      const insideKeys = new Set<string>();
      for (const node of inside.value) {
        insideKeys.add(node.key);
        if (judged.has(node.key) || this.#keys.has(node.key)) continue;
        this.#keys.add(node.key);
        this.#readAhead.set(node.key, asker.snapshot);
        changes.push(enter(node, null));
      }
      for (const key of looked?.value ?? [...this.#keys]) {
        if (insideKeys.has(key) || judged.has(key) || !this.#keys.delete(key)) continue;
        changes.push(leave(key, null));
      }
    };
  }

  #leaveAll(changes: ScopeChange[]): void {
    for (const key of this.#keys) changes.push(leave(key, null));
    this.#keys.clear();
    this.#readAhead.clear();
  }

  #wasReadWith(key: string, xid: bigint): boolean {
    const readAt = this.#readAhead.get(key);
    return readAt !== undefined && isVisible(readAt, xid);
  }

  #forgetReadAhead(position: Snapshot): void {
    for (const [key, readAt] of this.#readAhead) if (covers(position, readAt)) this.#readAhead.delete(key);
  }

  #checkSize(): void {
    if (this.#keys.size <= this.#maxKeys) return;
    throw new RivuletError(
      'SCOPE_TOO_LARGE',
      `The scope on ${this.#spec.table.fields.many} holds more than ${this.#maxKeys} rows; narrow its filter.`,
      { table: this.#spec.table.name, limit: this.#maxKeys },
    );
  }
}
