import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { formatKey } from '../../shared/value/key.js';
import type { EntityReference, ReducerCache, RowFields } from './cache.js';
import { entityId, type MessageFacts, type RowFact } from './message-facts.js';
import { type CellReader, viewOf } from './row.js';
import type { ClientSchema } from './schema.js';

/**
 * The rows of one reduction: as they are now, with the message's columns in them, and as they were.
 */
export class RowBook {
  readonly #schema: ClientSchema;
  readonly #cache: ReducerCache;
  readonly #facts: MessageFacts;
  readonly #before = new Map<string, RowFields | undefined>();
  readonly #views = new Map<string, CellReader>();
  readonly #indexes = new Map<string, ReadonlyMap<string, readonly string[]>>();

  /**
   * Remembers what the cache holds of the message's rows; to be made before anything is written.
   * `before` is for a cache that may hold some of the message already: what it held of a row before
   * that.
   */
  constructor(
    schema: ClientSchema,
    cache: ReducerCache,
    facts: MessageFacts,
    before: (fact: RowFact) => RowFields | undefined = (fact) => cache.read(fact),
  ) {
    this.#schema = schema;
    this.#cache = cache;
    this.#facts = facts;
    for (const [id, fact] of facts.rows) this.#before.set(id, before(fact));
  }

  fact(entity: EntityReference): RowFact | undefined {
    return this.#facts.rows.get(entityId(entity.table, entity.key));
  }

  /** Something is known of the row, and it is not gone. */
  exists(table: string, key: string): boolean {
    return !this.fact({ table, key })?.gone && this.#cache.read({ table, key }) !== undefined;
  }

  view(table: string, key: string): CellReader {
    const id = entityId(table, key);
    const made = this.#views.get(id);
    if (made) return made;
    const known = viewOf(
      this.#schema,
      this.#schema.model.table(table),
      key,
      this.#cache.read({ table, key }),
    );
    const fact = this.#facts.rows.get(id);
    const view: CellReader = !fact
      ? known
      : (column) => (this.#isOld(fact, column) ? undefined : known(column));
    this.#views.set(id, view);
    return view;
  }

  /** True if a cached column may have changed: it was not sent, and not reported as unchanged. */
  #isOld(fact: RowFact, column: ModelColumn): boolean {
    if (fact.kind === null || fact.kind === 'LEAVE' || sent(fact.fields, column)) return false;
    return !column.isKey && this.mayHaveChanged(fact, [column]);
  }

  /** As the cache had it before the message. */
  held(table: string, key: string): CellReader {
    const id = entityId(table, key);
    if (!this.#before.has(id)) return this.view(table, key);
    return viewOf(this.#schema, this.#schema.model.table(table), key, this.#before.get(id));
  }

  heldFields(fact: RowFact): RowFields | undefined {
    return this.#before.get(entityId(fact.table, fact.key));
  }

  /** As the database had it before the message, as far as it was sent or held. */
  previous(fact: RowFact): CellReader {
    return viewOf(this.#schema, fact.model, fact.key, { ...this.heldFields(fact), ...fact.previous });
  }

  /** The keys of the rows, known and not gone, whose columns have these values together. */
  keysBy(table: ModelTable, columns: readonly ModelColumn[], join: string): readonly string[] {
    if (isKey(table, columns) && this.#schema.hasTextKey(columns)) {
      const key = formatKey(partsInOrder(table, columns, join));
      return this.exists(table.name, key) ? [key] : [];
    }
    const name = JSON.stringify([table.name, ...columns.map((column) => column.name)]);
    let index = this.#indexes.get(name);
    if (!index) {
      index = this.#indexBy(table, columns);
      this.#indexes.set(name, index);
    }
    return index.get(join) ?? [];
  }

  /**
   * True if the message has a row of the table without these columns, so that `keysBy` may miss it.
   */
  mayMiss(table: ModelTable, columns: readonly ModelColumn[]): boolean {
    for (const fact of this.#facts.rows.values()) {
      if (fact.model !== table || fact.gone || fact.kind === 'LEAVE') continue;
      if (this.#schema.joinOf(this.view(fact.table, fact.key), columns) === undefined) return true;
    }
    return false;
  }

  #indexBy(table: ModelTable, columns: readonly ModelColumn[]): ReadonlyMap<string, readonly string[]> {
    const index = new Map<string, string[]>();
    for (const key of this.#cache.keys(table.name)) {
      const join = this.exists(table.name, key)
        ? this.#schema.joinOf(this.view(table.name, key), columns)
        : null;
      if (typeof join !== 'string') continue;
      const keys = index.get(join);
      if (keys) keys.push(key);
      else index.set(join, [key]);
    }
    return index;
  }

  /**
   * True if the database may have changed one of the columns; false only if the message says so.
   */
  mayHaveChanged(fact: RowFact, columns: Iterable<ModelColumn>): boolean {
    if (fact.kind !== 'UPDATE') return true;
    const now = viewOf(this.#schema, fact.model, fact.key, fact.fields);
    for (const column of columns) {
      if (fact.changed) {
        if (fact.changed.has(column.name)) return true;
      } else if (column.isKey) {
        // A changed key is another row.
      } else if (!sent(fact.previous, column) || !sent(fact.fields, column)) {
        return true;
      } else if (this.previous(fact)(column) !== now(column)) {
        return true;
      }
    }
    return false;
  }

  /** True if one of the columns differs from the cached one, or may differ. */
  differs(fact: RowFact, columns: Iterable<ModelColumn>): boolean {
    const now = this.view(fact.table, fact.key);
    const held = this.held(fact.table, fact.key);
    for (const column of columns) {
      const before = held(column);
      if (before !== undefined && before === now(column)) continue;
      if (fact.kind === null && now(column) === undefined) continue;
      if (this.mayHaveChanged(fact, [column])) return true;
    }
    return false;
  }
}

/** True if the columns are those of the key, in any order. */
function isKey({ key }: ModelTable, columns: readonly ModelColumn[]): boolean {
  return columns.length === key.length && key.every((column) => columns.includes(column));
}

/** The texts of a join, in the order of the key. */
function partsInOrder({ key }: ModelTable, columns: readonly ModelColumn[], join: string): readonly string[] {
  const cells = JSON.parse(join) as readonly string[];
  return key.map((column) => cells[columns.indexOf(column)]!);
}

function sent(fields: RowFields | null, column: ModelColumn): boolean {
  return fields !== null && Object.hasOwn(fields, column.name);
}
