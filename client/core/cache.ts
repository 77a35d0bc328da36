import type { ModelRelation } from '../../shared/model/types.js';

/** A row, by its table's name in the manifest and its `id`. */
export interface EntityReference {
  readonly table: string;
  readonly key: string;
}

/** A row's columns as GraphQL shows them. What is not known is not there. */
export type RowFields = Readonly<Record<string, unknown>>;

/** The arguments with which a list was asked for. */
export interface ListArgs {
  readonly where?: Readonly<Record<string, unknown>> | null;
  readonly orderBy?: readonly Readonly<Record<string, unknown>>[] | null;
  /** Left out: the manifest's `defaultRows`, as the server does it. `null`: no limit. */
  readonly limit?: number | null;
  readonly offset?: number | null;
}

/**
 * A place where rows are linked: a relation of a row that was loaded, or a root field. The same
 * object each time the cache is asked, until the cache says otherwise; the reducer keeps notes by
 * it.
 */
export interface CachedField {
  /** `null`: a root field. */
  readonly parent: EntityReference | null;
  /** `null`: a root field. */
  readonly relation: ModelRelation | null;
  /** The table of the rows in it. */
  readonly table: string;
  readonly kind: 'one' | 'many';
  readonly args: ListArgs;
}

/** The result of `link` for the row at its new place. */
export interface LinkResult {
  /**
   * Relations that readers of this place expect below the row and that hold nothing yet: to be
   * filled.
   */
  readonly empty: readonly CachedField[];
  /** False where readers of this place expect columns that are not known. */
  readonly complete: boolean;
}

/**
 * The cache that the reducer works on: a normalized cache, or an adapter to something else. All
 * calls of one reduction happen in one turn, reads first, so an adapter may collect the writes and
 * apply them as one.
 *
 * An adapter must list everything that it contains: a row it does not list is a row that is not
 * updated.
 */
export interface ReducerCache {
  /**
   * All that is known of a row, also of one that was only written; `undefined` where nothing is.
   */
  read(entity: EntityReference): RowFields | undefined;
  /** The keys of all rows of a table of which something is known. */
  keys(table: string): Iterable<string>;
  /** The fields below a row, `null`: the root fields, that were loaded or are to be filled. */
  fields(parent: EntityReference | null): readonly CachedField[];
  /**
   * The fields of one relation that are filled, where a cache finds them without looking at every
   * row.
   */
  fieldsOf?(relation: ModelRelation): readonly CachedField[];
  /** The fields in which a row is linked. */
  holders(entity: EntityReference): readonly CachedField[];
  /**
   * The keys of the rows in a field, in order; a `one` has one or none. `undefined`: not filled.
   */
  members(field: CachedField): readonly string[] | undefined;
  /**
   * True if a row is in a field. Only for caches that know without reading all rows of the field.
   */
  holds?(field: CachedField, key: string): boolean;
  /** Remembers columns of a row; what was known besides stays. */
  write(entity: EntityReference, fields: RowFields): void;
  /** Marks a field as filled, with nothing in it. */
  fill(field: CachedField): void;
  /** Puts a row at a place, counted without the row itself. It was written before, or was known. */
  link(field: CachedField, key: string, at: number): LinkResult;
  unlink(field: CachedField, key: string): void;
  /**
   * Forgets a row that is gone for this reader. It is linked nowhere any more, but as the value of
   * a root field of one row.
   */
  drop(entity: EntityReference): void;
  /** False for a field below a row that was unlinked from its last place. */
  isReachable(field: CachedField): boolean;
}
