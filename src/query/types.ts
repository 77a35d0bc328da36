import type { Filter, OrderTerm, RowCells } from '../../shared/filter/types.js';
import type { ModelColumn, ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { Snapshot } from '../log/snapshot.js';

/**
 * The plan of a read: a table's rows and, below them, related rows. The filter is complete: the
 * caller's `where` (guarded) and the read policy are both in it.
 */
export interface SelectPlan {
  readonly table: ModelTable;
  readonly filter: Filter;
  /** Ends with the primary key, so that the order is total. */
  readonly orderBy: readonly OrderTerm[];
  readonly limit: number | null;
  readonly offset: number;
  readonly related: readonly RelatedPlan[];
  /**
   * The columns to read, the key's always among them; the others' cells are `null`. Not set: all.
   * Where an answer is compared with the one before, what is not shown must not be in it.
   */
  readonly columns?: ReadonlySet<ModelColumn> | undefined;
}

export interface RelatedPlan {
  /** The GraphQL response key (alias or field name) under which the rows are found. */
  readonly responseKey: string;
  readonly relation: ModelRelation;
  /** Filters the junction row of a `through` relation; the junction's read policy. */
  readonly via: Filter;
  /** Filters the source row: the relation's own `where` where that names the source's columns. */
  readonly onSource?: Filter;
  readonly plan: SelectPlan;
}

/** A row as the GraphQL resolvers, the scopes and the reducer see it. */
export interface RowNode {
  readonly table: ModelTable;
  /** The key as `ID`. */
  readonly key: string;
  readonly cells: RowCells;
  /** By response key: a list for a `many` relation, a row or `null` for a `one`. */
  readonly related: ReadonlyMap<string, readonly RowNode[] | RowNode | null>;
}

export interface SelectResult {
  readonly rows: readonly RowNode[];
  /** The answer as Postgres sent it: equal text means an equal answer. */
  readonly raw: string;
  /** The snapshot the statement ran in. */
  readonly snapshot: Snapshot;
}
