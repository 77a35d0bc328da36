import type { ChangeKind, ChangeOp, Link } from './messages.js';

/**
 * A row as GraphQL JSON: columns, and relations as far as they were selected. Relations and columns
 * stand under their own names, not under aliases.
 */
export type WireRow = Readonly<Record<string, unknown>>;

/**
 * One row's change relative to a scope. What was not selected is not there; without `op` no row
 * counts as new, without `previous` and `changedColumns` more has to be fetched again.
 */
export interface SelectedChange<Row = WireRow> {
  readonly kind: ChangeKind;
  /** `null` where the row itself did not change. */
  readonly op?: ChangeOp | null;
  /** The row's `id`. */
  readonly key: string;
  /** The row now; `null` on LEAVE. */
  readonly node?: Row | null;
  /** Columns before the change. */
  readonly previous?: WireRow | null;
  readonly changedColumns?: readonly string[];
}

/**
 * The rows at the other end of one relation. `links` names every pair that began or ended, and
 * alone says what belongs to what; `changes` says what became of the rows.
 */
export interface SelectedRelated<Row = WireRow> {
  readonly changes?: readonly SelectedChange<Row>[];
  readonly links?: readonly Link[];
  readonly related?: SelectedRelatedMap<Row>;
}

/** By relation. */
export type SelectedRelatedMap<Row = WireRow> = Readonly<Record<string, SelectedRelated<Row>>>;

export interface SelectedTransaction {
  /** An opaque name, equal in all streams; not a number, and in no order. */
  readonly xid?: string;
  readonly loggedAt?: string;
  readonly mutationId?: string | null;
}

/** `TaskChanges`: what one database transaction did to a scope; never half of it. */
export interface SelectedMessage<Row = WireRow> {
  readonly __typename?: string;
  /** Drizzle's key of the table, in messages of the server API. */
  readonly table?: string;
  readonly cursor?: string;
  /** Not null: continuity is lost. */
  readonly reset?: string | null;
  readonly transaction?: SelectedTransaction | null;
  readonly changes: readonly SelectedChange<Row>[];
  readonly related?: SelectedRelatedMap<Row>;
}

/** A GraphQL result's `data`: `{ taskChanges: { … } }`. */
export type ChangeData<Row = WireRow> = Readonly<Record<string, SelectedMessage<Row>>>;

/** Everything that change streams bring. */
export type ChangeInput<Row = WireRow> =
  | SelectedMessage<Row>
  | ChangeData<Row>
  | readonly (SelectedMessage<Row> | ChangeData<Row>)[];
