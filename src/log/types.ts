import type { RowCells } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import type { Snapshot } from './snapshot.js';

/** The database's operation. (A subscriber sees a kind: ENTER, UPDATE, LEAVE.) */
export type ChangeOperation = 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';

/** One changed row, decoded into the model's column order. */
export interface LoggedChange {
  readonly seq: bigint;
  readonly table: ModelTable;
  readonly op: ChangeOperation;
  /** The row before: UPDATE and DELETE. */
  readonly old: RowCells | null;
  /** The row after: INSERT and UPDATE. */
  readonly new: RowCells | null;
}

/** The changes of one database transaction, in their order. */
export interface LoggedTransaction {
  readonly xid: bigint;
  /** When its first change was logged, as an ISO 8601 instant; for people, never for ordering. */
  readonly loggedAt: string;
  /** The writer's `rivulet.mutation_id`, if it set one. */
  readonly mutationId: string | null;
  readonly changes: readonly LoggedChange[];
  /**
   * Tables that it changed in a way that cannot be told row by row: continuity is lost there. Why,
   * for people.
   */
  readonly unreadable: ReadonlyMap<ModelTable, string>;
  /** It changed more than is read; all its tables are `unreadable`. */
  readonly isTooLarge?: boolean;
  /**
   * The position after this transaction: a reader that starts here misses nothing and sees nothing
   * twice.
   */
  readonly cursor: Snapshot;
}
