import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { ModelColumn, ModelRelation, ModelTable } from '../../../shared/model/types.js';
import type { ChangeKind, ChangeOp, Link, ResetReason } from '../../../shared/protocol/messages.js';
import type { DecodedCursor } from '../../feed/cursor.js';
import type { Snapshot } from '../../log/snapshot.js';
import type { RelatedPlan, RowNode, SelectPlan, SelectResult } from '../../query/types.js';
import type { PushStream } from '../delivery/outbox.js';
import type { SendBudget } from '../delivery/send-budget.js';

/** The rows and relations that a change stream watches. Two equal specs share one scope. */
export interface ChangeSpec {
  readonly table: ModelTable;
  /** The subscriber's `where` (guarded) and the read policy, normalized. */
  readonly filter: Filter;
  /**
   * The read policy alone, by which a replay is delivered; `null`: server code, which reads
   * everything.
   */
  readonly rights: Filter | null;
  /**
   * Only what the database did in one of these ways; `null`: everything, changes of rights
   * included.
   */
  readonly ops: ReadonlySet<ChangeOp> | null;
  /**
   * An UPDATE counts only when it changed one of these; ENTER and LEAVE always count. `null`: any
   * column.
   */
  readonly columns: ReadonlySet<ModelColumn> | null;
  /** Columns the subscriber may not read: an UPDATE of these alone is not delivered. */
  readonly hidden: ReadonlySet<ModelColumn>;
  /** The relations that each message's nodes carry. */
  readonly related: readonly RelatedPlan[];
  /** The scopes that hang from this one and follow it. */
  readonly graph: readonly RelatedSpec[];
}

/** A scope below another: the rows that a relation leads to from the rows above. */
export interface RelatedSpec {
  readonly responseKey: string;
  readonly relation: ModelRelation;
  /** The filter of the rows: the subscriber's `where`, the relation's own and the read policy. */
  readonly filter: Filter;
  /** As `ChangeSpec.rights`. */
  readonly rights: Filter | null;
  /** The filter of a junction row: its read policy. */
  readonly via: Filter;
  /** The filter of the row above: the relation's own `where`, if that names the source. */
  readonly onSource: Filter | null;
  readonly hidden: ReadonlySet<ModelColumn>;
  readonly related: readonly RelatedPlan[];
  readonly graph: readonly RelatedSpec[];
}

/** The changes of one transaction to a scope below another. */
export interface RelatedMessage {
  readonly changes: readonly ScopeChange[];
  /**
   * Links that ended come before links that began, so that a `one` relation can be applied link by
   * link.
   */
  readonly links: readonly Link[];
  readonly related: RelatedMessages;
}

/** By response key. */
export type RelatedMessages = ReadonlyMap<string, RelatedMessage>;

export const NOTHING_RELATED: RelatedMessages = new Map();

/**
 * One row's change relative to the scope. A row that changed several times in one transaction has
 * one, its net effect.
 */
export interface ScopeChange {
  readonly kind: ChangeKind;
  /**
   * The database's operation on the row; `null` if the row itself did not change, and on a LEAVE
   * that is no DELETE.
   */
  readonly op: ChangeOp | null;
  readonly key: string;
  /** The row now; `null` on LEAVE. */
  readonly node: RowNode | null;
  /** The row before, where it was in the scope: on UPDATE, and on LEAVE by DELETE. */
  readonly previous: RowCells | null;
  /** Readable columns that differ between the two; empty unless `kind` is UPDATE. */
  readonly changedColumns: readonly ModelColumn[];
}

/**
 * The changes of one transaction to the scope. For a slow subscriber it can be several
 * transactions: then `cursor` and `transaction` are those of the last. `reset` set: continuity is
 * lost, and `changes` comes after the loss.
 */
export interface ScopeMessage {
  readonly cursor: Snapshot;
  readonly reset: ResetReason | null;
  /** `null` where a reset did not come from a transaction, and where a replay names none. */
  readonly transaction: TransactionInfo | null;
  readonly changes: readonly ScopeChange[];
  readonly related: RelatedMessages;
}

/**
 * A transaction as all messages about it name it: one object, so that what is known of it can be
 * kept with it.
 */
export interface TransactionInfo {
  readonly xid: bigint;
  readonly loggedAt: string;
  readonly mutationId: string | null;
}

export interface FollowOptions {
  readonly after?: DecodedCursor | undefined;
  /** Begin with a reset for this reason, and go on from now. Not beside `after`. */
  readonly reset?: ResetReason | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Shared by everything that goes to one peer. Default: one of its own. */
  readonly allowance?: SendBudget | undefined;
  /**
   * The owner of the subscription: a user, or an address. Changes for an owner of many filters that
   * Postgres evaluates follow behind those of others. Statements of a live query count for the
   * owner as well: see `QueryOptions.owner`. Default: no owner, which is not limited.
   */
  readonly owner?: string | undefined;
}

export interface ScopeRegistry {
  /**
   * Follows a scope from now on, or from `after`: every transaction committed since is evaluated,
   * in order, exactly once. If that is impossible, the first message says why (`reset`), and the
   * stream goes on from now. The iterable ends when `signal` aborts, when `return()` is called, or
   * with an error when the scope cannot go on. Rejects with `SCOPE_TOO_LARGE` where the scope must
   * keep its keys and has too many.
   */
  changes(spec: ChangeSpec, options?: FollowOptions): PushStream<ScopeMessage>;
  /**
   * Sends the current result of a query, and a new result each time it changes; never the same
   * result twice in a row.
   */
  live(
    plan: SelectPlan,
    options?: Pick<FollowOptions, 'signal' | 'allowance' | 'owner'>,
  ): PushStream<SelectResult>;
  status(): ScopesStatus;
  /** Counts of deliveries so far, and of waiting changes. */
  figures(): ScopesFigures;
  /**
   * Continuity is lost on these tables (by their names in the model): who depends on one is told so
   * (`SCHEMA_CHANGED`) and followed anew from now, or ended with an error where the table is
   * refused.
   */
  lose(tables: ReadonlySet<string>): Promise<void>;
  /** The scopes and live queries that are watched now, each once. */
  list(): readonly ListedScope[];
  /** Ends every iterable. Pending `next` calls resolve as done. */
  stop(): Promise<void>;
}

export type ListedScope =
  | (ListedBase & { readonly kind: 'changes'; readonly spec: ChangeSpec })
  | (ListedBase & { readonly kind: 'query'; readonly plan: SelectPlan });

interface ListedBase {
  readonly subscribers: number;
  readonly state: 'loading' | 'live';
  /** True if it contains a row; `null` if it does not know (yet), and only the filter can tell. */
  holds(table: string, key: string): boolean | null;
}

export interface ScopesFigures {
  /** Messages and answers handed over for one subscriber each. */
  readonly deliveries: number;
  /** Changes that wait for slow subscribers. */
  readonly queued: number;
  /** Scopes that wait for the database longer than the others do. */
  readonly behind: number;
  /** Resets told to a subscriber each, by reason. */
  readonly resets: Readonly<Record<ResetReason, number>>;
}

export interface ScopesStatus {
  readonly scopes: number;
  readonly liveQueries: number;
  readonly subscribers: number;
}
