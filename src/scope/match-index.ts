import type { Cells, Filter } from '../filter/types.js';
import type { ColumnType, ModelColumn, ModelTable } from '../model/types.js';
import type { NetChanges } from './net.js';

/** What is matched: a filter on a table's rows, and the tables besides that can change what it selects. */
export interface Matchable {
  readonly table: ModelTable;
  readonly filter: Filter;
  readonly tables: ReadonlySet<string>;
  /** True where other rows of the table itself, besides the one that changed, can make a row enter or leave, or hang from one. */
  readonly isOwnTableElsewhere: boolean;
}

/** Columns and values of which one must be in a row that satisfies the filter. */
interface Atom {
  readonly column: ModelColumn;
  readonly values: readonly string[];
}

/**
 * Finds who may be concerned by a transaction without visiting those who are not: an equality or `in` of a filter puts it under
 * `table, column, value`. Cost follows the entries found, plus those whose filters have no such condition.
 *
 * Guarantees: everybody whose filter is true on an image of a changed row, old or new, and everybody who depends on another table that
 * changed, is found. Adding and removing cost the same however many entries there are.
 */
export class MatchIndex<T extends object> {
  readonly #places = new Map<T, { readonly matchable: Matchable; readonly atom: Atom | null }>();
  readonly #tables = new Map<string, TableIndex<T>>();

  get size(): number {
    return this.#places.size;
  }

  add(entry: T, matchable: Matchable): void {
    this.remove(entry);
    const atom = atomOf(matchable.filter);
    this.#places.set(entry, { matchable, atom });
    for (const table of matchable.tables) {
      const index = this.#table(table);
      if (table === matchable.table.name && atom && !matchable.isOwnTableElsewhere) index.put(atom, entry);
      else index.always.add(entry);
    }
  }

  remove(entry: T): void {
    const place = this.#places.get(entry);
    if (!place) return;
    this.#places.delete(entry);
    for (const table of place.matchable.tables) {
      const index = this.#table(table);
      index.always.delete(entry);
      if (place.atom) index.take(place.atom, entry);
      if (index.isEmpty) this.#tables.delete(table);
    }
  }

  /** In no particular order, each once. */
  find(net: NetChanges): ReadonlySet<T> {
    const found = new Set<T>();
    for (const [name, { truncated, rows }] of net) {
      const index = this.#tables.get(name);
      if (!index) continue;
      for (const entry of index.always) found.add(entry);
      if (truncated) index.addAll(found);
      else
        for (const row of rows)
          for (const cells of [row.old, row.new]) if (cells) index.addMatching(cells, found);
    }
    return found;
  }

  #table(name: string): TableIndex<T> {
    let index = this.#tables.get(name);
    if (!index) {
      index = new TableIndex();
      this.#tables.set(name, index);
    }
    return index;
  }
}

class TableIndex<T> {
  /** To be looked at whatever changed. */
  readonly always = new Set<T>();
  /** By the column's index, then by value. */
  readonly #columns = new Map<number, Map<string, Set<T>>>();

  get isEmpty(): boolean {
    return this.always.size === 0 && this.#columns.size === 0;
  }

  put({ column, values }: Atom, entry: T): void {
    let byValue = this.#columns.get(column.index);
    if (!byValue) {
      byValue = new Map();
      this.#columns.set(column.index, byValue);
    }
    for (const value of values) {
      const entries = byValue.get(value);
      if (entries) entries.add(entry);
      else byValue.set(value, new Set([entry]));
    }
  }

  take({ column, values }: Atom, entry: T): void {
    const byValue = this.#columns.get(column.index);
    if (!byValue) return;
    for (const value of values) {
      const entries = byValue.get(value);
      if (entries?.delete(entry) && entries.size === 0) byValue.delete(value);
    }
    if (byValue.size === 0) this.#columns.delete(column.index);
  }

  addMatching(cells: Cells, found: Set<T>): void {
    for (const [column, byValue] of this.#columns) {
      const cell = cells[column];
      const entries = cell === null || cell === undefined ? undefined : byValue.get(cell);
      if (entries) for (const entry of entries) found.add(entry);
    }
  }

  addAll(found: Set<T>): void {
    for (const byValue of this.#columns.values()) {
      for (const entries of byValue.values()) for (const entry of entries) found.add(entry);
    }
  }
}

/** The most selective condition that every selected row must meet: the key before what points at keys, before the rest. */
function atomOf(filter: Filter): Atom | null {
  const parts = filter.kind === 'and' ? filter.filters : [filter];
  const atoms = parts.map(toAtom).filter((atom) => atom !== null);
  const rank = ({ column }: Atom) => (column.isKey ? 0 : column.isReference ? 1 : 2);
  return atoms.sort((a, b) => rank(a) - rank(b) || a.values.length - b.values.length)[0] ?? null;
}

function toAtom(filter: Filter): Atom | null {
  if (filter.kind !== 'in' && !(filter.kind === 'compare' && filter.op === 'eq')) return null;
  const { column } = filter;
  const values: string[] = [];
  for (const value of filter.kind === 'in' ? filter.values : [filter.value]) {
    const cell = asCell(column.type, value);
    if (cell === null) return null;
    values.push(cell);
  }
  return { column, values };
}

/** A filter's value as the text that an equal cell has; `null` where equal values can have other texts. */
function asCell(type: ColumnType, value: string): string | null {
  switch (type.kind) {
    case 'int':
      return /^\s*[+-]?\d+\s*$/.test(value) ? BigInt(value.trim().replace(/^\+/, '')).toString() : null;
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value.toLowerCase() : null;
    case 'text':
      return type.variant === 'char' ? null : value;
    case 'enum':
      return value;
    case 'bool':
      return value === 'true' || value === 'false' ? value : null;
    default:
      return null;
  }
}
