import type { ModelRelation } from '../../../shared/model/types.js';
import type { CachedField, EntityReference, ListArgs, RowFields } from '../cache.js';

/** A place in a normalized cache where rows of a table are linked. */
export interface StoredField extends CachedField {
  /** The field of the schema: `tasks`. */
  readonly name: string;
  /** A field whose contents are not decided here, such as a page of a connection. */
  readonly isOpaque: boolean;
  /** The keys as `where`, for a root field that names rows by their keys. */
  readonly args: ListArgs;
}

/**
 * A normalized cache, as far as its lists are kept. It stays as it is while it is read; all edits
 * come at the end, and a cache makes them one write.
 */
export interface ListStore {
  /** The fields of rows of any table that are cached under the root. */
  roots(): readonly StoredField[];
  /** The fields of one relation that are cached, below whatever rows. */
  below(relation: ModelRelation): readonly StoredField[];
  /** The fields that are cached below one row. */
  fields(parent: EntityReference): readonly StoredField[];
  /**
   * The keys of the rows in a field, in order; `undefined` where it holds something that is no row
   * with a key.
   */
  members(field: StoredField): readonly string[] | undefined;
  /** The columns of a row that are cached; `undefined` where it is not. */
  row(entity: EntityReference): RowFields | undefined;
}

/** The writes to a cache. */
export interface ListEdits {
  /** Columns of rows that are cached, or are linked now. */
  readonly rows: readonly { readonly entity: EntityReference; readonly fields: RowFields }[];
  /** Fields whose rows are known. */
  readonly lists: readonly { readonly field: StoredField; readonly keys: readonly string[] }[];
  /** Fields that have to be fetched again before they are shown again. */
  readonly stale: readonly StoredField[];
  /** Columns of rows that are old, and it is not known what they are now. */
  readonly staleColumns: readonly { readonly entity: EntityReference; readonly names: readonly string[] }[];
  /** Rows that are gone; no field has them any more. */
  readonly gone: readonly EntityReference[];
}

/** The fields and rows that live queries update themselves. */
export interface LiveCoverage {
  /**
   * True: what is certain is written all the same, because it is an own write, which is shown at
   * once.
   */
  readonly isOwnWrite: boolean;
  field(field: StoredField): boolean;
  row(entity: EntityReference): boolean;
  column(entity: EntityReference, name: string): boolean;
}

export const NOTHING_COVERED: LiveCoverage = Object.freeze({
  isOwnWrite: false,
  field: () => false,
  row: () => false,
  column: () => false,
});
