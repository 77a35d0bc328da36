import type { ModelTable } from '../model/types.js';
import { inCausalOrder } from './order.js';
import type { Change } from './types.js';

/**
 * Mends the order within each row that one transaction changed more than once; between rows, and around a TRUNCATE, `seq` decides.
 * Changes are added in the order of `seq`.
 */
export class RowOrder {
  readonly changes: Change[] = [];
  /** Where each row's change is; several places where it has several. */
  readonly #places = new Map<string, number | number[]>();
  readonly #tables = new Map<ModelTable, { readonly id: number; truncates: number }>();

  add(change: Change): void {
    const place = this.changes.push(change) - 1;
    const table = this.#tableOf(change.table);
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

  /** The changes as they happened. Ends the adding. */
  finish(): readonly Change[] {
    for (const places of this.#places.values()) {
      if (typeof places === 'number') continue;
      const ordered = inCausalOrder(places.map((place) => this.changes[place]!));
      for (const [i, place] of places.entries()) this.changes[place] = ordered[i]!;
    }
    this.#places.clear();
    return this.changes;
  }

  #tableOf(table: ModelTable): { readonly id: number; truncates: number } {
    let entry = this.#tables.get(table);
    if (!entry) {
      entry = { id: this.#tables.size, truncates: 0 };
      this.#tables.set(table, entry);
    }
    return entry;
  }
}
