import { type DocumentNode, Kind } from 'graphql';
import type { ModelRelation } from '../../shared/model/types.js';
import type { ClientSchema } from '../core/index.js';
import { entityOf, FieldNames, type StoredField } from '../core/lists/index.js';

/** The place of a field in Graphcache. */
export interface FieldPlace {
  readonly key: string;
  /** `Query`, or `Task:1`. */
  readonly parentKey: string;
  readonly name: string;
  /** As Graphcache knows them. */
  readonly args: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The fields that Graphcache was given, by their places. Graphcache itself tells of the fields of a
 * row only in a way that makes every query that shows the row read it again.
 */
export class StoredFields {
  readonly #schema: ClientSchema;
  readonly #names: FieldNames;
  readonly #known = new Map<string, readonly StoredField[]>();
  readonly #roots = new Set<StoredField>();
  readonly #byParent = new Map<string, Set<StoredField>>();
  readonly #byRelation = new Map<ModelRelation, Set<StoredField>>();
  readonly #fragments = new Map<string, DocumentNode>();
  readonly #places = new Map<StoredField, FieldPlace>();

  constructor(schema: ClientSchema) {
    this.#schema = schema;
    this.#names = new FieldNames(schema);
  }

  get rootNames(): readonly string[] {
    return this.#names.rootNames;
  }

  /** `fieldKey`: Graphcache's own, of the name and the arguments. */
  add(parentKey: string, fieldKey: string, name: string, args: Readonly<Record<string, unknown>>): void {
    const key = `${parentKey}.${fieldKey}`;
    if (this.#known.has(key)) return;
    const fields = this.#read(parentKey, name, args);
    this.#known.set(key, fields);
    const given = Object.keys(args).length > 0 ? args : undefined;
    for (const field of fields) {
      this.#places.set(field, { key, parentKey, name, args: given });
      if (field.relation) {
        addTo(this.#byRelation, field.relation, field);
        addTo(this.#byParent, parentKey, field);
      } else this.#roots.add(field);
    }
  }

  forget(field: StoredField): void {
    const place = this.place(field);
    this.#known.delete(place.key);
    this.#places.delete(field);
    this.#roots.delete(field);
    this.#byParent.get(place.parentKey)?.delete(field);
    if (this.#byParent.get(place.parentKey)?.size === 0) this.#byParent.delete(place.parentKey);
    if (field.relation) this.#byRelation.get(field.relation)?.delete(field);
  }

  place(field: StoredField): FieldPlace {
    return this.#places.get(field)!;
  }

  roots(): readonly StoredField[] {
    return [...this.#roots];
  }

  below(relation: ModelRelation): readonly StoredField[] {
    return [...(this.#byRelation.get(relation) ?? [])];
  }

  under(parentKey: string): readonly StoredField[] {
    return [...(this.#byParent.get(parentKey) ?? [])];
  }

  /** Columns of a row, as a document. */
  fragment(typeName: string, names: readonly string[]): DocumentNode {
    const text = `${typeName} ${names.join(' ')}`;
    const known = this.#fragments.get(text) ?? fragmentOf(typeName, names);
    this.#fragments.set(text, known);
    return known;
  }

  #read(parentKey: string, name: string, args: Readonly<Record<string, unknown>>): readonly StoredField[] {
    if (parentKey === 'Query') return this.#names.root(name, args);
    const parent = entityOf(this.#schema, parentKey);
    const field = parent && this.#names.below(parent, name, args);
    return field ? [field] : [];
  }
}

function addTo<Key>(sets: Map<Key, Set<StoredField>>, key: Key, field: StoredField): void {
  const set = sets.get(key);
  if (set) set.add(field);
  else sets.set(key, new Set([field]));
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
