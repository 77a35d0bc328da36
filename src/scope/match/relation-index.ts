import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { NetChange, NetChanges } from '../messages/net-changes.js';
import { candidateFilter } from './candidate-rows.js';
import { EntriesByValue } from './entries-by-value.js';
import type { JoinPath, RelationTarget } from './join-path.js';
import type { MemberKeys } from './member-keys.js';

/** Below this many entries of one path, all are taken instead of querying. */
const FEWEST = 16;

/** Above this many rows, every entry is taken instead of querying which ones the rows reach. */
export const MOST_ROWS = 1_000;

/**
 * A query that finds the concerned entries: those that these rows reach, each by the paths of one
 * table.
 */
export interface ReachQuestion<T extends object> {
  readonly reached: ReachedEntries<T>;
  /** Images of rows that are new, or changed where it is looked. */
  readonly images: readonly RowCells[];
  /** Rows of the table that did not change, but what they lead to did. */
  readonly candidates: Filter | null;
}

export interface ReachFound<T extends object> {
  readonly entries: ReadonlySet<T>;
  readonly questions: readonly ReachQuestion<T>[];
}

export interface ReachIndexOptions {
  /** Default 16. */
  readonly fewest?: number | undefined;
}

/**
 * Finds who watches rows by conditions on the far side of relations, without visiting those who are
 * not concerned: first which rows of their table may have entered or left, then who holds them, and
 * whom they reach now. The second has to be asked, once for all who differ in nothing but values.
 *
 * Guarantees, with the questions answered: everybody is found who holds a row that changed, or one
 * that can have left because of what changed in the way's tables, and everybody whose filter is
 * true now on such a row.
 */
export class RelationIndex<T extends object> {
  readonly #fewest: number;
  readonly #ways = new Map<string, WayIndex<T>>();
  readonly #waysOf = new Map<string, Set<WayIndex<T>>>();
  readonly #listed = new Map<T, IndexedEntry<T>>();
  /**
   * Entries that contain a row, by table and key. The maps stay, because entries that contain
   * nothing yet refer to them.
   */
  readonly #holders = new Map<string, EntriesByValue<T>>();

  constructor({ fewest = FEWEST }: ReachIndexOptions = {}) {
    this.#fewest = fewest;
  }

  get size(): number {
    return this.#listed.size;
  }

  /** The state of an entry. */
  wayOf(entry: T): JoinPath | undefined {
    return this.#listed.get(entry)?.index.way;
  }

  /**
   * From now on it is found where something changed in the way's tables; its keys are listened to.
   */
  add(entry: T, reachable: RelationTarget, keys: MemberKeys): JoinPath {
    const { name, values } = reachable;
    const index = this.#ways.get(name) ?? this.#open(name, reachable.way());
    const { way } = index;
    this.#listed.set(entry, { name, index, values, keys });
    index.add(entry, values);
    let holders = this.#holders.get(way.table.name);
    if (!holders) {
      holders = new EntriesByValue();
      this.#holders.set(way.table.name, holders);
    }
    for (const key of keys) holders.put(key, entry);
    keys.listener = new Holder(holders, entry);
    return way;
  }

  remove(entry: T): void {
    const listed = this.#listed.get(entry);
    if (!listed) return;
    const { name, index, values, keys } = listed;
    const { way } = index;
    this.#listed.delete(entry);
    keys.listener = null;
    const holders = this.#holders.get(way.table.name)!;
    for (const key of keys) holders.take(key, entry);
    index.remove(entry, values);
    if (index.size > 0) return;
    this.#ways.delete(name);
    for (const table of way.tables) {
      const ways = this.#waysOf.get(table)!;
      ways.delete(index);
      if (ways.size === 0) this.#waysOf.delete(table);
    }
  }

  find(net: NetChanges): ReachFound<T> {
    const entries = new Set<T>();
    const questions: ReachQuestion<T>[] = [];
    const touched = new Set<WayIndex<T>>();
    for (const name of net.keys()) for (const index of this.#waysOf.get(name) ?? []) touched.add(index);
    for (const index of touched) {
      const question = index.size < this.#fewest ? 'all' : this.#questionOf(index, net);
      if (question === 'all') index.addAll(entries);
      else if (question) questions.push(question);
    }
    for (const [name, holders] of this.#holders) {
      for (const { key } of net.get(name)?.rows ?? []) holders.addThose(key, entries);
    }
    return { entries, questions };
  }

  #open(name: string, way: JoinPath): WayIndex<T> {
    const index = new WayIndex<T>(way);
    this.#ways.set(name, index);
    for (const table of way.tables) {
      const ways = this.#waysOf.get(table);
      if (ways) ways.add(index);
      else this.#waysOf.set(table, new Set([index]));
    }
    return index;
  }

  #questionOf(index: WayIndex<T>, net: NetChanges): ReachQuestion<T> | 'all' | null {
    const { way } = index;
    const { table, tables, lookedAt, paths } = way;
    for (const name of tables) if (net.get(name)?.truncated) return 'all';
    const isReaching = (row: NetChange) => row.new !== null && lookedAt.isTouched(table.name, row);
    const images = (net.get(table.name)?.rows ?? []).filter(isReaching).map((row) => row.new!);
    const others = [...tables].filter((name) => name !== table.name);
    const candidates = candidateFilter(paths, lookedAt.touching(net, others));
    if (candidates === 'all' || images.length > MOST_ROWS || index.isUnanswered) return 'all';
    if (images.length === 0 && candidates === null) return null;
    const holders = this.#holders.get(table.name)!;
    return { reached: new ReachedEntries(index, holders), images, candidates };
  }
}

/** The values by which an entry is found. */
interface IndexedEntry<T extends object> {
  /** The path's name. */
  readonly name: string;
  readonly index: WayIndex<T>;
  readonly values: RelationTarget['values'];
  readonly keys: MemberKeys;
}

/** The entries that a query's result reaches. */
export class ReachedEntries<T extends object> {
  readonly #index: WayIndex<T>;
  readonly #holders: EntriesByValue<T>;

  constructor(index: WayIndex<T>, holders: EntriesByValue<T>) {
    this.#index = index;
    this.#holders = holders;
  }

  get way(): JoinPath {
    return this.#index.way;
  }

  /** Number of entries that can be found. */
  get size(): number {
    return this.#index.size;
  }

  /** While it is true nobody asks, and all are taken. */
  set isUnanswered(isUnanswered: boolean) {
    this.#index.isUnanswered = isUnanswered;
  }

  /** By the values that were reached at one of the way's places. */
  addReached(place: number, values: readonly string[], found: Set<T>): void {
    for (const value of values) this.#index.addThose(place, value, found);
  }

  addHolders(key: string, found: Set<T>): void {
    this.#holders.addThose(key, found);
  }

  addAll(found: Set<T>): void {
    this.#index.addAll(found);
  }
}

class Holder<T extends object> {
  readonly #holders: EntriesByValue<T>;
  readonly #entry: T;

  constructor(holders: EntriesByValue<T>, entry: T) {
    this.#holders = holders;
    this.#entry = entry;
  }

  held(key: string): void {
    this.#holders.put(key, this.#entry);
  }

  released(key: string): void {
    this.#holders.take(key, this.#entry);
  }
}

/** The entries of one way, by what they wait for at each of its places. */
class WayIndex<T extends object> {
  readonly way: JoinPath;
  isUnanswered = false;
  readonly #entries = new Set<T>();
  readonly #places: readonly EntriesByValue<T>[];

  constructor(way: JoinPath) {
    this.way = way;
    this.#places = way.places.map(() => new EntriesByValue());
  }

  get size(): number {
    return this.#entries.size;
  }

  add(entry: T, values: RelationTarget['values']): void {
    this.#entries.add(entry);
    for (const [at, wanted] of values.entries())
      for (const value of wanted) this.#places[at]!.put(value, entry);
  }

  remove(entry: T, values: RelationTarget['values']): void {
    this.#entries.delete(entry);
    for (const [at, wanted] of values.entries())
      for (const value of wanted) this.#places[at]!.take(value, entry);
  }

  addThose(place: number, value: string, found: Set<T>): void {
    this.#places[place]!.addThose(value, found);
  }

  addAll(found: Set<T>): void {
    for (const entry of this.#entries) found.add(entry);
  }
}
