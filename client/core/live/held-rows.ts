import type { RowFields } from '../cache.js';
import { isEqual } from '../equal.js';
import { entityId } from '../message-facts.js';
import { isObject } from '../row.js';
import type { RowReading } from './row-reading.js';

/** The rows of one tree by what names them, and the relations that are shown below them. */
export class HeldRows {
  static readonly none = new HeldRows();
  readonly #rows = new Map<string, RowFields[]>();
  readonly #relations = new Set<string>();

  static in(reading: RowReading, tree: unknown): HeldRows {
    const held = new HeldRows();
    held.#add(reading, tree);
    return held;
  }

  /** Id of a row (`entityId`), or of a relation below one (`relationId`). */
  has(id: string): boolean {
    return this.#rows.has(id) || this.#relations.has(id);
  }

  /** True if both contain the row or relation, and are not known to show the same of it. */
  differs(other: HeldRows, ids: Iterable<string>): boolean {
    for (const id of ids) {
      if (this.#relations.has(id) && other.#relations.has(id)) return true;
      const [one] = this.#rows.get(id) ?? [];
      const [another] = other.#rows.get(id) ?? [];
      if (!one || !another) continue;
      for (const [name, value] of Object.entries(one)) {
        if (Object.hasOwn(another, name) && !isEqual(value, another[name])) return true;
      }
    }
    return false;
  }

  #add(reading: RowReading, tree: unknown): void {
    if (Array.isArray(tree)) for (const row of tree) this.#add(reading, row);
    else if (isObject(tree) && typeof tree.id === 'string') {
      const id = entityId(reading.table.name, tree.id);
      const columns: Record<string, unknown> = {};
      for (const { name } of reading.columns) columns[name] = tree[name];
      const known = this.#rows.get(id);
      if (known) known.push(columns);
      else this.#rows.set(id, [columns]);
      for (const { relation, row } of reading.relations) {
        this.#relations.add(relationId(reading.table.name, tree.id, relation.name));
        this.#add(row, tree[relation.name]);
      }
    }
  }
}

/** The id of the rows below a row. */
export function relationId(table: string, key: string, relation: string): string {
  return `${entityId(table, key)}\0${relation}`;
}
