import type { ApolloCache, InMemoryCache, NormalizedCacheObject, StoreObject } from '@apollo/client';
import { type DocumentNode, Kind } from 'graphql';
import type { ModelRelation } from '../../shared/model/types.js';
import type { ClientSchema, EntityReference, RowFields } from '../core/index.js';
import {
  columnsOf,
  entityOf,
  FieldNames,
  idOf,
  type ListEdits,
  type ListStore,
  type StoredField,
} from '../core/lists/index.js';

/** The place of a field in Apollo's cache. */
interface ApolloFieldPlace {
  readonly id: string;
  /** With its arguments. */
  readonly storeName: string;
}

/**
 * The schema's rows in Apollo's cache. Objects that did not change since the last read are not read
 * again.
 */
export class ApolloLists {
  readonly schema: ClientSchema;
  readonly #names: FieldNames;
  /** Apollo replaces an object whenever something in it changes. */
  readonly #known = new WeakMap<StoreObject, readonly StoredField[]>();
  readonly #places = new WeakMap<StoredField, ApolloFieldPlace>();

  constructor(schema: ClientSchema) {
    this.schema = schema;
    this.#names = new FieldNames(schema);
  }

  fieldsOf(id: string, object: StoreObject): readonly StoredField[] {
    const known = this.#known.get(object);
    if (known) return known;
    const parent = id === ROOT ? null : entityOf(this.schema, id);
    const fields =
      parent === undefined ? [] : Object.keys(object).flatMap((each) => this.#read(id, parent, each));
    this.#known.set(object, fields);
    return fields;
  }

  place(field: StoredField): ApolloFieldPlace {
    return this.#places.get(field)!;
  }

  #read(id: string, parent: EntityReference | null, storeName: string): readonly StoredField[] {
    const { name, args } = partsOf(storeName);
    const below = parent && this.#names.below(parent, name, args ?? {});
    const found = parent ? (below ? [below] : []) : this.#names.root(name, args ?? {});
    // Under other key arguments than its own it is not known what is in it.
    const fields = args ? found : found.map((field) => ({ ...field, args: {}, isOpaque: true }));
    for (const field of fields) this.#places.set(field, { id, storeName });
    return fields;
  }
}

const ROOT = 'ROOT_QUERY';

function partsOf(storeName: string): { readonly name: string; readonly args: RowFields | undefined } {
  const [name] = storeName.split(/[(:@]/, 1);
  if (name === storeName) return { name, args: {} };
  if (!storeName.endsWith(')') || storeName[name!.length] !== '(') return { name: name!, args: undefined };
  try {
    return { name: name!, args: JSON.parse(storeName.slice(name!.length + 1, -1)) as RowFields };
  } catch {
    return { name: name!, args: undefined };
  }
}

/** Apollo's cache, below all that is only expected. */
export class ApolloStore implements ListStore {
  readonly #lists: ApolloLists;
  readonly #objects: NormalizedCacheObject;
  readonly #below = new Map<ModelRelation, StoredField[]>();
  #isIndexed = false;

  constructor(lists: ApolloLists, cache: InMemoryCache) {
    this.#lists = lists;
    this.#objects = cache.extract();
  }

  roots(): readonly StoredField[] {
    return this.#fieldsOf(ROOT);
  }

  below(relation: ModelRelation): readonly StoredField[] {
    if (!this.#isIndexed) {
      this.#isIndexed = true;
      for (const id of Object.keys(this.#objects)) {
        for (const field of this.#fieldsOf(id)) {
          if (!field.relation) continue;
          const fields = this.#below.get(field.relation);
          if (fields) fields.push(field);
          else this.#below.set(field.relation, [field]);
        }
      }
    }
    return this.#below.get(relation) ?? [];
  }

  fields(parent: EntityReference): readonly StoredField[] {
    return this.#fieldsOf(idOf(this.#lists.schema, parent));
  }

  members(field: StoredField): readonly string[] | undefined {
    const { id, storeName } = this.#lists.place(field);
    const value = this.#objects[id]?.[storeName];
    if (field.kind === 'one' && value === null) return [];
    const items: readonly unknown[] = field.kind === 'one' ? [value] : Array.isArray(value) ? value : [null];
    const keys: string[] = [];
    for (const item of items) {
      const entity = isReference(item) ? entityOf(this.#lists.schema, item.__ref) : undefined;
      if (entity?.table !== field.table) return undefined;
      keys.push(entity.key);
    }
    return keys;
  }

  row(entity: EntityReference): RowFields | undefined {
    const object = this.#objects[idOf(this.#lists.schema, entity)];
    if (!object) return undefined;
    return columnsOf(this.#lists.schema.model.table(entity.table), (name) => object[name]);
  }

  #fieldsOf(id: string): readonly StoredField[] {
    const object = this.#objects[id];
    return object ? this.#lists.fieldsOf(id, object) : [];
  }
}

/** All edits as one write. */
export function applyEdits(lists: ApolloLists, cache: ApolloCache, edits: ListEdits): void {
  const { schema } = lists;
  const writers = new Map<string, Map<string, ApolloFieldWriter>>();
  const at = (id: string) => {
    const known = writers.get(id) ?? new Map<string, ApolloFieldWriter>();
    writers.set(id, known);
    return known;
  };
  for (const { field, keys } of edits.lists) {
    const { id, storeName } = lists.place(field);
    const refs = keys.map((key) => ({ __ref: idOf(schema, { table: field.table, key }) }));
    at(id).set(storeName, () => (field.kind === 'one' ? (refs[0] ?? null) : refs));
  }
  for (const field of edits.stale) {
    const { id, storeName } = lists.place(field);
    at(id).set(storeName, (_value, { DELETE }) => DELETE);
  }
  for (const { entity, names } of edits.staleColumns) {
    for (const name of names) at(idOf(schema, entity)).set(name, (_value, { DELETE }) => DELETE);
  }
  cache.batch({
    update: () => {
      for (const { entity, fields } of edits.rows) writeRow(schema, cache, entity, fields);
      for (const [id, fields] of writers) {
        // By name `tasks` would stand for `tasks(…)` with any arguments, too.
        const write = (value: unknown, details: WriterDetails): unknown => {
          const writer = fields.get(details.storeFieldName);
          return writer ? writer(value, details) : value;
        };
        cache.modify({ id, fields: write as never });
      }
      for (const entity of edits.gone) cache.evict({ id: idOf(schema, entity) });
    },
  });
}

type ApolloFieldWriter = (value: unknown, details: WriterDetails) => unknown;

interface WriterDetails {
  readonly storeFieldName: string;
  readonly DELETE: unknown;
}

function writeRow(
  schema: ClientSchema,
  cache: ApolloCache,
  { table, key }: EntityReference,
  fields: RowFields,
): void {
  const { typeName } = schema.model.table(table);
  const data = { __typename: typeName, id: key, ...fields };
  cache.writeFragment({
    id: `${typeName}:${key}`,
    fragment: fragmentOf(typeName, Object.keys(data)),
    data,
  });
}

function fragmentOf(typeName: string, names: readonly string[]): DocumentNode {
  const named = (value: string) => ({ kind: Kind.NAME, value }) as const;
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        kind: Kind.FRAGMENT_DEFINITION,
        name: named('Row'),
        typeCondition: { kind: Kind.NAMED_TYPE, name: named(typeName) },
        selectionSet: {
          kind: Kind.SELECTION_SET,
          selections: names.map((name) => ({ kind: Kind.FIELD, name: named(name) })),
        },
      },
    ],
  };
}

function isReference(value: unknown): value is { readonly __ref: string } {
  return typeof value === 'object' && value !== null && '__ref' in value && typeof value.__ref === 'string';
}
