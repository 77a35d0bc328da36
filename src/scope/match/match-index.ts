import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import type { NetChanges, TableChanges } from '../messages/net-changes.js';
import { EntriesByValue } from './entries-by-value.js';
import {
  type EqualityCondition,
  equalityConditionsOf,
  relatedEqualityConditions,
} from './equality-conditions.js';

/**
 * The target of matching: a filter on a table's rows, and the other tables that can change its
 * result.
 */
export interface MatchTarget {
  readonly table: ModelTable;
  readonly filter: Filter;
  readonly tables: ReadonlySet<string>;
  /**
   * True where other rows of the table itself, besides the one that changed, can make a row enter
   * or leave, or hang from one.
   */
  readonly isOwnTableElsewhere: boolean;
  /** True where the other tables matter to the filter and to nothing else. @default false */
  readonly isFilterAlone?: boolean;
}

/**
 * Finds who may be concerned by a transaction without visiting those who are not: an equality or
 * `in` of a filter puts it under `table, column, value`; so does one on the far side of a relation,
 * for that table. Cost follows the entries found, plus those whose filters have no such condition.
 *
 * Guarantees: everybody is found whose filter is true on an image of a changed row, old or new, or
 * can have become true or false because of a row of another table that changed. Adding and removing
 * cost the same however many entries there are.
 */
export class MatchIndex<T extends object> {
  readonly #places = new Map<T, MatchTarget>();
  readonly #tables = new Map<string, TableIndex<T>>();

  get size(): number {
    return this.#places.size;
  }

  add(entry: T, matchable: MatchTarget): void {
    this.remove(entry);
    this.#places.set(entry, matchable);
    for (const name of matchable.tables) {
      let index = this.#tables.get(name);
      if (!index) {
        index = new TableIndex();
        this.#tables.set(name, index);
      }
      const atoms = placeOf(matchable, name);
      if (!atoms) index.always.add(entry);
      else for (const atom of atoms) index.put(atom, entry);
    }
  }

  remove(entry: T): void {
    const matchable = this.#places.get(entry);
    if (!matchable) return;
    this.#places.delete(entry);
    for (const name of matchable.tables) {
      const index = this.#tables.get(name)!;
      const atoms = placeOf(matchable, name);
      if (!atoms) index.always.delete(entry);
      else for (const atom of atoms) index.take(atom, entry);
      if (index.isEmpty) this.#tables.delete(name);
    }
  }

  /** In no particular order, each once. */
  find(net: NetChanges): readonly T[] {
    const touched: [TableIndex<T>, TableChanges][] = [];
    for (const [name, changes] of net) {
      const index = this.#tables.get(name);
      if (index) touched.push([index, changes]);
    }
    const [first] = touched;
    if (!first) return [];
    // No entry of one table is both always visited and found by value.
    if (touched.length === 1) return [...first[0].always, ...found(...first)];
    const all = new Set<T>();
    for (const [index, changes] of touched) {
      for (const entry of index.always) all.add(entry);
      for (const entry of found(index, changes)) all.add(entry);
    }
    return [...all];
  }
}

function found<T extends object>(index: TableIndex<T>, { truncated, rows }: TableChanges): ReadonlySet<T> {
  const entries = new Set<T>();
  if (truncated) index.addAll(entries);
  else for (const row of rows) index.addMatching(row.old, row.new, entries);
  return entries;
}

/**
 * True if an equality finds the target, of the row itself or of a related row. In the second case
 * it is also visited with every change of the row's own table. That costs little: a row keeps its
 * place unless a column that the filter reads changed.
 */
export function isIndexed(matchable: MatchTarget): boolean {
  const { table, filter, tables } = matchable;
  if (placeOf(matchable, table.name) !== null) return true;
  return [...tables].some(
    (name) => name !== table.name && (relatedEqualityConditions(filter, name)?.length ?? 0) > 0,
  );
}

/**
 * The key of an entry in one of its tables; `null`: the entry is visited with every change there.
 */
function placeOf(matchable: MatchTarget, name: string): readonly EqualityCondition[] | null {
  const { table, filter, isOwnTableElsewhere, isFilterAlone = false } = matchable;
  if (name === table.name) return isOwnTableElsewhere ? null : equalityConditionsOf(filter);
  if (!isFilterAlone) return null;
  const atoms = relatedEqualityConditions(filter, name);
  return atoms && atoms.length > 0 ? atoms : null;
}

class TableIndex<T extends object> {
  /** Entries that are visited with every change. */
  readonly always = new Set<T>();
  /** By the column's index, then by value. */
  readonly #columns = new Map<number, EntriesByValue<T>>();

  get isEmpty(): boolean {
    return this.always.size === 0 && this.#columns.size === 0;
  }

  put({ column, values }: EqualityCondition, entry: T): void {
    let byValue = this.#columns.get(column.index);
    if (!byValue) {
      byValue = new EntriesByValue();
      this.#columns.set(column.index, byValue);
    }
    for (const value of values) byValue.put(value, entry);
  }

  take({ column, values }: EqualityCondition, entry: T): void {
    const byValue = this.#columns.get(column.index);
    if (!byValue) return;
    for (const value of values) byValue.take(value, entry);
    if (byValue.isEmpty) this.#columns.delete(column.index);
  }

  addMatching(old: RowCells | null, after: RowCells | null, found: Set<T>): void {
    for (const [column, byValue] of this.#columns) {
      const before = old?.[column];
      const now = after?.[column];
      if (before !== null && before !== undefined) byValue.addThose(before, found);
      if (now !== null && now !== undefined && now !== before) byValue.addThose(now, found);
    }
  }

  addAll(found: Set<T>): void {
    for (const byValue of this.#columns.values()) byValue.addAll(found);
  }
}
