import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { ModelColumn, ModelRelation, ModelTable } from '../../../shared/model/types.js';
import type { ChangeKind, ChangeOp, Link, ResetReason } from '../../../shared/protocol/messages.js';
import type { DecodedCursor } from '../../feed/cursor.js';
import type { Snapshot } from '../../log/snapshot.js';
import type { RelatedPlan, RowNode, SelectPlan, SelectResult } from '../../query/types.js';
import type { PushStream } from '../delivery/outbox.js';
import type { SendBudget } from '../delivery/send-budget.js';

/** What a change stream watches. Two equal specs share one scope. */
export interface ChangeSpec {
  readonly table: ModelTable;
  /** The subscriber's `where` (guarded) and the read policy, normalized. */
  readonly filter: Filter;
  /** The read policy alone, by which a replay is delivered; `null`: server code, which reads everything. */
  readonly rights: Filter | null;
  /** Only what the database did in one of these ways; `null`: everything, changes of rights included. */
  readonly ops: ReadonlySet<ChangeOp> | null;
  /** An UPDATE counts only when it changed one of these; ENTER and LEAVE always count. `null`: any column. */
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
  /** What the rows must satisfy: the subscriber's `where`, the relation's own and the read policy. */
  readonly filter: Filter;
  /** As `ChangeSpec.rights`. */
  readonly rights: Filter | null;
  /** What a junction row must satisfy: its read policy. */
  readonly via: Filter;
  /** What the row above must satisfy: the relation's own `where` where that names the source. */
  readonly onSource: Filter | null;
  readonly hidden: ReadonlySet<ModelColumn>;
  readonly related: readonly RelatedPlan[];
  readonly graph: readonly RelatedSpec[];
}

/** What one transaction did to a scope below another. */
export interface RelatedMessage {
  readonly changes: readonly ScopeChange[];
  /** Those that ended before those that began, so that a `one` relation can be applied link by link. */
  readonly links: readonly Link[];
  readonly related: RelatedMessages;
}

/** By response key. */
export type RelatedMessages = ReadonlyMap<string, RelatedMessage>;

export const NOTHING_RELATED: RelatedMessages = new Map();

/** One row's change relative to the scope. A row that changed several times in one transaction has one, its net effect. */
export interface ScopeChange {
  readonly kind: ChangeKind;
  /** What the database did to the row; `null` where the row itself did not change, and on a LEAVE that is no DELETE. */
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
 * What one transaction did to the scope, or, where a subscriber was slow, several: then `cursor` and `transaction` are those of the last.
 * `reset` set: continuity is lost, and `changes` comes after the loss.
 */
export interface ScopeMessage {
  readonly cursor: Snapshot;
  readonly reset: ResetReason | null;
  /** `null` where a reset did not come from a transaction, and where a replay names none. */
  readonly transaction: TransactionInfo | null;
  readonly changes: readonly ScopeChange[];
  readonly related: RelatedMessages;
}

/** A transaction as all messages about it name it: one object, so that what is known of it can be kept with it. */
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
   * Whom the subscription counts for: a user, or an address. Changes for an owner of many filters that Postgres evaluates follow behind the
   * others'. Statements of a live query count for it as well: see `QueryOptions.owner`. Default: nobody, who is not limited.
   */
  readonly owner?: string | undefined;
}

export interface ScopeRegistry {
  /**
   * Follows a scope from now on, or from `after`: every transaction committed since is judged, in order, exactly once. Where that
   * cannot be had the first message says why (`reset`), and the stream goes on from now.
   * The iterable ends when `signal` aborts, when `return()` is called, or with an error when the scope cannot go on.
   * Rejects with `SCOPE_TOO_LARGE` where the scope must keep its keys and has too many.
   */
  changes(spec: ChangeSpec, options?: FollowOptions): PushStream<ScopeMessage>;
  /** The answer of a query now, and again whenever it is another one; never the same answer twice in a row. */
  live(
    plan: SelectPlan,
    options?: Pick<FollowOptions, 'signal' | 'allowance' | 'owner'>,
  ): PushStream<SelectResult>;
  status(): ScopesStatus;
  /** What was told so far, and what waits to be. */
  figures(): ScopesFigures;
  /**
   * Continuity is lost on these tables (by their names in the model): who depends on one is told so (`SCHEMA_CHANGED`) and followed anew from
   * now, or ended with an error where the table is refused.
   */
  lose(tables: ReadonlySet<string>): Promise<void>;
  /** What is watched now: each scope and each live query once, however many subscribe to it. */
  list(): readonly ListedScope[];
  /** Ends every iterable; those that wait are told they are done. */
  stop(): Promise<void>;
}

export type ListedScope =
  | (ListedBase & { readonly kind: 'changes'; readonly spec: ChangeSpec })
  | (ListedBase & { readonly kind: 'query'; readonly plan: SelectPlan });

interface ListedBase {
  readonly subscribers: number;
  readonly state: 'loading' | 'live';
  /** Whether a row is in it; `null` where it does not know (yet), and only the filter can say. */
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
