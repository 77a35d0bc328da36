import type { ModelRelation } from '../../../shared/model/types.js';
import type { CachedField, EntityReference, LinkResult, ReducerCache, RowFields } from '../cache.js';
import { isEqual } from '../equal.js';
import { entityId } from '../message-facts.js';
import type { ClientSchema } from '../schema.js';
import type { ListEdits, ListStore, StoredField } from './list-store.js';

/**
 * A normalized cache as the reducer works on it. Nothing is written to the cache itself: `edits`
 * says what is to be done.
 */
export class StoreCache implements ReducerCache {
  readonly #schema: ClientSchema;
  readonly #store: ListStore;
  readonly #rows = new Map<string, { readonly entity: EntityReference; fields: RowFields | undefined }>();
  readonly #written = new Map<string, { readonly entity: EntityReference; fields: RowFields }>();
  /** By parent; what the cache itself holds does not change meanwhile. */
  readonly #fields = new Map<string, readonly StoredField[]>();
  readonly #members = new Map<StoredField, string[] | undefined>();
  readonly #changed = new Set<StoredField>();
  readonly #holders = new Map<string, Map<string, StoredField[]>>();
  readonly #gone = new Map<string, EntityReference>();
  readonly #stale = new Set<StoredField>();
  readonly #staleColumns: { readonly entity: EntityReference; readonly names: readonly string[] }[] = [];

  constructor(schema: ClientSchema, store: ListStore) {
    this.#schema = schema;
    this.#store = store;
  }

  read(entity: EntityReference): RowFields | undefined {
    const id = entityId(entity.table, entity.key);
    if (this.#gone.has(id)) return undefined;
    const stored = this.stored(entity);
    const written = this.#written.get(id)?.fields;
    return stored && written ? { ...stored, ...written } : (written ?? stored);
  }

  /** As the cache has it. */
  stored(entity: EntityReference): RowFields | undefined {
    const id = entityId(entity.table, entity.key);
    let known = this.#rows.get(id);
    if (!known) {
      known = { entity, fields: this.#store.row(entity) };
      this.#rows.set(id, known);
    }
    return known.fields;
  }

  keys(table: string): Iterable<string> {
    const keys = new Set(this.#holdersOf(table).keys());
    for (const { entity } of this.#written.values()) if (entity.table === table) keys.add(entity.key);
    return keys;
  }

  fields(parent: EntityReference | null): readonly StoredField[] {
    const id = parent === null ? '' : entityId(parent.table, parent.key);
    let known = this.#fields.get(id);
    if (!known) {
      const fields = parent === null ? this.#store.roots() : this.#store.fields(parent);
      known = fields.filter((field) => this.members(field) !== undefined);
      this.#fields.set(id, known);
    }
    return known;
  }

  fieldsOf(relation: ModelRelation): readonly StoredField[] {
    return this.#store.below(relation).filter((field) => this.members(field) !== undefined);
  }

  holders({ table, key }: EntityReference): readonly StoredField[] {
    const known = this.#holdersOf(table).get(key) ?? [];
    return known.filter((field) => this.members(field)?.includes(key));
  }

  members(field: CachedField): readonly string[] | undefined {
    const stored = field as StoredField;
    if (stored.isOpaque) return undefined;
    if (!this.#members.has(stored)) {
      const keys = this.#store.members(stored);
      this.#members.set(stored, keys && [...keys]);
    }
    return this.#members.get(stored);
  }

  write(entity: EntityReference, fields: RowFields): void {
    const id = entityId(entity.table, entity.key);
    const known = this.#written.get(id)?.fields;
    this.#written.set(id, { entity, fields: { ...known, ...fields } });
  }

  fill(): void {}

  /** Readers of this place fetch fields below the row that are not cached. */
  link(field: CachedField, key: string, at: number): LinkResult {
    this.members(field);
    this.#members.get(field as StoredField)?.splice(at, 0, key);
    this.#changed.add(field as StoredField);
    const holders = this.#holdersOf(field.table);
    holders.set(key, [...(holders.get(key) ?? []), field as StoredField]);
    return { empty: [], complete: true };
  }

  unlink(field: CachedField, key: string): void {
    const members = this.#members.get(field as StoredField);
    members?.splice(members.indexOf(key), 1);
    this.#changed.add(field as StoredField);
  }

  drop(entity: EntityReference): void {
    this.#gone.set(entityId(entity.table, entity.key), entity);
  }

  isReachable(): boolean {
    return true;
  }

  markStale(field: CachedField): void {
    this.#stale.add(field as StoredField);
  }

  /** The changes of cached columns. The key never changes. */
  markColumnsStale(entity: EntityReference, isStale: (name: string) => boolean): void {
    const isKey = (name: string) => this.#schema.model.table(entity.table).column(name).isKey;
    const names = Object.keys(this.stored(entity) ?? {}).filter((name) => !isKey(name) && isStale(name));
    if (names.length > 0) this.#staleColumns.push({ entity, names });
  }

  edits(): ListEdits {
    const lists = [...this.#changed]
      .filter((field) => !this.#stale.has(field))
      .map((field) => ({ field, keys: this.#members.get(field) ?? [] }));
    const linked = new Set(lists.flatMap(({ field, keys }) => keys.map((key) => entityId(field.table, key))));
    const rows = [...this.#written].flatMap(([id, { entity, fields }]) => {
      const stored = this.stored(entity);
      if (this.#gone.has(id) || !(stored || linked.has(id))) return [];
      const differs = Object.keys(fields).some(
        (name) => !stored || !Object.hasOwn(stored, name) || !isEqual(stored[name], fields[name]),
      );
      return differs ? [{ entity, fields }] : [];
    });
    return {
      rows,
      lists,
      stale: [...this.#stale],
      staleColumns: this.#staleColumns,
      gone: [...this.#gone.values()],
    };
  }

  #holdersOf(table: string): Map<string, StoredField[]> {
    const known = this.#holders.get(table);
    if (known) return known;
    const found = new Map<string, StoredField[]>();
    this.#holders.set(table, found);
    const model = this.#schema.model.table(table);
    const roots = this.#store.roots().filter((field) => field.table === table);
    const below = this.#schema.into(model).flatMap((relation) => this.#store.below(relation));
    for (const field of [...roots, ...below]) {
      for (const key of this.members(field) ?? []) {
        const fields = found.get(key);
        if (fields) fields.push(field);
        else found.set(key, [field]);
      }
    }
    return found;
  }
}
