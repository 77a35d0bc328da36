import type { ModelTable } from '../../shared/model/types.js';
import { inCausalOrder } from './order.js';
import type { LoggedChange } from './types.js';

interface TableOrder {
  readonly id: number;
  truncates: number;
  /** Columns of which every change was logged, where it is not all. */
  logged: readonly number[] | null;
}

/**
 * Mends the order within each row that one transaction changed more than once; between rows, and
 * around a TRUNCATE, `seq` decides. Changes are added in the order of `seq`.
 */
export class RowOrder {
  readonly changes: (LoggedChange | null)[] = [];
  /**
   * Tables of which some row's changes do not follow from one another: not all of them were logged.
   */
  readonly broken = new Set<ModelTable>();
  /** The places of each row's changes. */
  readonly #places = new Map<string, number | number[]>();
  readonly #tables = new Map<ModelTable, TableOrder>();

  add(change: LoggedChange, logged: readonly number[] | null): void {
    const place = this.changes.push(change) - 1;
    const table = this.#tableOf(change.table);
    table.logged ??= logged;
    const cells = change.new ?? change.old;
    if (!cells) {
      table.truncates++;
      return;
    }
    const key = change.table.key.map((column) => cells[column.index]);
    const id = JSON.stringify([table.id, table.truncates, key]);
    const known = this.#places.get(id);
    if (known === undefined) this.#places.set(id, place);
    else if (typeof known === 'number') this.#places.set(id, [known, place]);
    else known.push(place);
  }

  /** The changes as they happened; those of a broken table as `seq` has them. Ends the adding. */
  finish(): readonly LoggedChange[] {
    let isShorter = false;
    for (const places of this.#places.values()) {
      if (typeof places === 'number') continue;
      const changes = places.map((place) => this.changes[place]!);
      const { table } = changes[0]!;
      const ordered = inCausalOrder(changes, this.#tables.get(table)!.logged);
      if (!ordered) this.broken.add(table);
      else for (const [i, place] of places.entries()) this.changes[place] = ordered[i] ?? null;
      isShorter ||= (ordered?.length ?? places.length) < places.length;
    }
    this.#places.clear();
    const { changes } = this;
    return isShorter ? changes.filter((change) => change !== null) : (changes as LoggedChange[]);
  }

  #tableOf(table: ModelTable): TableOrder {
    let entry = this.#tables.get(table);
    if (!entry) {
      entry = { id: this.#tables.size, truncates: 0, logged: null };
      this.#tables.set(table, entry);
    }
    return entry;
  }
}
