import type { Cache, FieldArgs } from '@urql/exchange-graphcache';
import type { ModelRelation } from '../../shared/model/types.js';
import type { ClientSchema, EntityReference, RowFields } from '../core/index.js';
import {
  columnsOf,
  entityOf,
  idOf,
  type ListEdits,
  type ListStore,
  type StoredField,
} from '../core/lists/index.js';
import type { StoredFields } from './stored-fields.js';

/** Graphcache inside of one of its updates; to be read until `apply`, and not after it. */
export class GraphcacheStore implements ListStore {
  readonly #schema: ClientSchema;
  readonly #fields: StoredFields;
  readonly #cache: Cache;
  /** Keeps fields' contents, because Graphcache copies them at each read. */
  readonly #links = new Map<StoredField, unknown>();

  constructor(schema: ClientSchema, fields: StoredFields, cache: Cache) {
    this.#schema = schema;
    this.#fields = fields;
    this.#cache = cache;
  }

  roots(): readonly StoredField[] {
    return this.#fields.roots().filter((field) => this.#isThere(field));
  }

  below(relation: ModelRelation): readonly StoredField[] {
    return this.#fields.below(relation).filter((field) => this.#isThere(field));
  }

  fields(parent: EntityReference): readonly StoredField[] {
    return this.#fields.under(idOf(this.#schema, parent)).filter((field) => this.#isThere(field));
  }

  members(field: StoredField): readonly string[] | undefined {
    const link = this.#read(field);
    if (field.kind === 'one' && link === null) return [];
    const links: readonly unknown[] = field.kind === 'one' ? [link] : Array.isArray(link) ? link : [null];
    const keys: string[] = [];
    for (const each of links) {
      const entity = typeof each === 'string' ? entityOf(this.#schema, each) : undefined;
      if (entity?.table !== field.table) return undefined;
      keys.push(entity.key);
    }
    return keys;
  }

  row(entity: EntityReference): RowFields | undefined {
    const id = idOf(this.#schema, entity);
    if (typeof this.#cache.resolve(id, '__typename') !== 'string') return undefined;
    const table = this.#schema.model.table(entity.table);
    return columnsOf(table, (name) => this.#cache.resolve(id, name));
  }

  /** `isExpected`: an optimistic layer, in which nothing is forgotten. */
  apply(edits: ListEdits, isExpected: boolean): void {
    const cache = this.#cache;
    for (const { entity, fields } of edits.rows) this.#write(entity, fields);
    for (const { field, keys } of edits.lists) {
      const { parentKey, name, args } = this.#fields.place(field);
      const ids = keys.map((key) => idOf(this.#schema, { table: field.table, key }));
      const link = field.kind === 'one' ? (ids[0] ?? null) : ids;
      if (args) cache.link(parentKey, name, args as FieldArgs, link);
      else cache.link(parentKey, name, link);
    }
    if (isExpected) return;
    for (const field of edits.stale) {
      const { parentKey, name, args } = this.#fields.place(field);
      cache.invalidate(parentKey, name, args as FieldArgs);
    }
    for (const { entity, names } of edits.staleColumns) {
      const id = idOf(this.#schema, entity);
      for (const name of names) if (cache.resolve(id, name) !== undefined) cache.invalidate(id, name);
    }
    for (const entity of edits.gone) {
      const id = idOf(this.#schema, entity);
      if (typeof cache.resolve(id, '__typename') === 'string') cache.invalidate(id);
    }
  }

  #write({ table, key }: EntityReference, fields: RowFields): void {
    const { typeName } = this.#schema.model.table(table);
    const row = { __typename: typeName, id: key, ...fields };
    const names = Object.keys(row).filter((name) => name !== '__typename');
    this.#cache.writeFragment(this.#fields.fragment(typeName, names), row);
  }

  #isThere(field: StoredField): boolean {
    if (this.#read(field) !== undefined) return true;
    this.#fields.forget(field);
    return false;
  }

  #read(field: StoredField): unknown {
    if (!this.#links.has(field)) {
      const { parentKey, name, args } = this.#fields.place(field);
      this.#links.set(field, this.#cache.resolve(parentKey, name, args as FieldArgs));
    }
    return this.#links.get(field);
  }
}
