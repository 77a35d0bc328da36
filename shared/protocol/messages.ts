/** The kind of a change, relative to the rows that a subscriber watches. */
export type ChangeKind = 'ENTER' | 'UPDATE' | 'LEAVE';

/** The database's operation on a row. */
export type ChangeOp = 'INSERT' | 'UPDATE' | 'DELETE';

/**
 * Why a subscriber must fetch again. `TRUNCATED`: a table that the scope depends on was emptied;
 * `OVERFLOW`: the subscriber read too slowly; `LOG_LOST`: the change log could not be followed;
 * `TOO_OLD`: more was missed than is replayed, or than the log keeps; `OTHER_LOG`: the cursor was
 * made by another log; `SCHEMA_CHANGED`: a table that the scope depends on was changed in a way
 * that cannot be told row by row; `RIGHTS_CHANGED`: the subscriber's own rights became others;
 * `TOO_LARGE`: the scope outgrew what may be kept, and the stream ends with `SCOPE_TOO_LARGE`.
 */
export type ResetReason =
  | 'TRUNCATED'
  | 'OVERFLOW'
  | 'LOG_LOST'
  | 'TOO_OLD'
  | 'OTHER_LOG'
  | 'SCHEMA_CHANGED'
  | 'RIGHTS_CHANGED'
  | 'TOO_LARGE';

/** A transaction as messages name it. */
export interface ChangeTransaction {
  /** An opaque name, equal in all streams for one transaction; not a number, and in no order. */
  readonly xid: string;
  readonly loggedAt: string;
  /** The `mutationId` of the mutation that wrote it; `null` if there was none. */
  readonly mutationId: string | null;
}

/** A pair of related rows: ENTER when the relation between them begins, LEAVE when it ends. */
export interface Link {
  readonly kind: 'ENTER' | 'LEAVE';
  /** The `key` of the row above. */
  readonly parent: string;
  /** The `key` of the row below. */
  readonly child: string;
}

/** For inference only: the type of the row that a change is about. */
declare const ROW: unique symbol;

interface ChangeOf<TRow> {
  /** As an ID in GraphQL: the text of the key. */
  readonly key: string;
  readonly [ROW]?: TRow;
}

/** One row's change, relative to the set of rows that is watched. */
export type Change<TNode, TRow = TNode> =
  | (ChangeOf<TRow> & {
      readonly kind: 'ENTER';
      /** `null` where the row itself did not change. */
      readonly op: ChangeOp | null;
      readonly node: TNode;
      readonly previous: null;
      readonly changedColumns: readonly [];
    })
  | (ChangeOf<TRow> & {
      readonly kind: 'UPDATE';
      readonly op: ChangeOp | null;
      readonly node: TNode;
      /** The row before. */
      readonly previous: TRow | null;
      readonly changedColumns: readonly (keyof TRow & string)[];
    })
  | (ChangeOf<TRow> & {
      readonly kind: 'LEAVE';
      /** `null` where the row is still there, or where that is not to be told. */
      readonly op: 'DELETE' | null;
      readonly node: null;
      /** The row as it was, where it was deleted. */
      readonly previous: TRow | null;
      readonly changedColumns: readonly [];
    });

/** The changes to the rows of one relation of `with`. */
export interface RelatedChanges<TNode, TRow, TRelated> {
  readonly changes: readonly Change<TNode, TRow>[];
  readonly links: readonly Link[];
  readonly related: TRelated;
}

/**
 * The changes of one whole transaction to the watched rows. All listeners share the object, so it
 * must not be changed.
 */
export interface ChangeMessage<TNode, TRow, TRelated> {
  /** Drizzle's key of the table that `changes` are about. */
  readonly table: string;
  /** The position after this message. */
  readonly cursor: string;
  /** Not null: continuity is lost, read again. */
  readonly reset: ResetReason | null;
  /** `null` only where a reset did not come from a transaction. */
  readonly transaction: ChangeTransaction | null;
  readonly changes: readonly Change<TNode, TRow>[];
  /** By relation; every relation of `with` is there. */
  readonly related: TRelated;
}
