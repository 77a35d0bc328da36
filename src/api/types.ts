import type { AnyRelations } from 'drizzle-orm';
import type { ChangeOp, ResetReason } from '../scope/types.js';
import type {
  BelowOf,
  ColumnOf,
  NameOf,
  NodeOf,
  RelatedTarget,
  SelectOf,
  TableOf,
  VisibleOf,
  Where,
  With,
} from './schema-types.js';

/** What one change stream is to tell. */
export interface ChangesOptions<R extends AnyRelations, K extends keyof R> extends CommonOptions {
  /** Only rows that satisfy this. @default every row */
  readonly where?: Where<R, K> | undefined;
  /** Relations that nodes carry, and whose rows' own changes arrive in `related`. */
  readonly with?: With<R, K> | undefined;
  /** An UPDATE counts only when it changes one of these; ENTER and LEAVE always count. @default any column */
  readonly columns?: readonly ColumnOf<R, K>[] | undefined;
  /** Only updates and deletes of these rows, given as rows, as keys or as values of a key of one column. */
  readonly rows?: RowReference<R, K> | readonly RowReference<R, K>[] | undefined;
}

export interface CommonOptions {
  /** Only what the database did in one of these ways. @default all, and changes of rights */
  readonly ops?: readonly ChangeOp[] | undefined;
  /** A message's `cursor`, or that of a GraphQL answer: the stream starts right after it. @default now */
  readonly after?: string | undefined;
  /** Ends the stream, as leaving the loop does. */
  readonly signal?: AbortSignal | undefined;
  /**
   * A context for the policies: what it may not read is not told. Without one nothing is hidden: this is server code.
   */
  readonly as?: unknown;
}

/** A row with at least its key's columns, a change's `key`, or the value of a key of one column. */
export type RowReference<R extends AnyRelations, K extends keyof R> =
  | Partial<SelectOf<R, K>>
  | string
  | number
  | bigint;

/** The options of a stream by label: what the label's table is only the configuration knows. */
export interface LabelOptions extends CommonOptions {
  readonly where?: Readonly<Record<string, unknown>> | undefined;
  readonly with?: Readonly<Record<string, unknown>> | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly rows?: UntypedRowReference | readonly UntypedRowReference[] | undefined;
}

export type UntypedRowReference = Readonly<Record<string, unknown>> | string | number | bigint;

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

/** A row above holds a row below: ENTER when that began, LEAVE when it ended. */
export interface ChangeLink {
  readonly kind: 'ENTER' | 'LEAVE';
  readonly parent: string;
  readonly child: string;
}

/** What happened to the rows of one relation of `with`. */
export interface RelatedChanges<TNode, TRow, TRelated> {
  readonly changes: readonly Change<TNode, TRow>[];
  readonly links: readonly ChangeLink[];
  readonly related: TRelated;
}

/** What one transaction did to the rows that are watched; never half of it. Shared by all who listen: not to be changed. */
export interface ChangesMessage<TNode, TRow, TRelated> {
  /** Drizzle's key of the table that `changes` are about. */
  readonly table: string;
  /** The position after this message. */
  readonly cursor: string;
  /** Not null: continuity is lost, read again. */
  readonly reset: ResetReason | null;
  /** `null` only where a reset did not come from a transaction. */
  readonly transaction: {
    /** An opaque name, as in GraphQL: equal for one transaction, whoever is told of it. */
    readonly xid: string;
    readonly loggedAt: string;
    readonly mutationId: string | null;
  } | null;
  readonly changes: readonly Change<TNode, TRow>[];
  /** By relation; every relation of `with` is there. */
  readonly related: TRelated;
}

export type RelatedOf<R extends AnyRelations, K extends keyof R, W, TVisible extends boolean> = {
  readonly [N in keyof W & keyof R[K]['relations']]: RelatedChanges<
    ViewOf<R, RelatedTarget<R, K, N>, BelowOf<W[N]>, TVisible>,
    RowOf<R, RelatedTarget<R, K, N>, TVisible>,
    RelatedOf<R, RelatedTarget<R, K, N>, BelowOf<W[N]>, TVisible>
  >;
};

type ViewOf<R extends AnyRelations, K extends keyof R, W, TVisible extends boolean> = TVisible extends true
  ? NodeOf<R, K, W>
  : VisibleOf<R, K, W>;

type RowOf<R extends AnyRelations, K extends keyof R, TVisible extends boolean> = TVisible extends true
  ? SelectOf<R, K>
  : Partial<SelectOf<R, K>>;

type WithIn<O> = O extends { readonly with: infer W } ? W : unknown;
type AllVisibleIn<O> = 'as' extends keyof O ? false : true;

/** The messages of a stream with these options. */
export type MessageOf<R extends AnyRelations, K extends keyof R, O> = ChangesMessage<
  ViewOf<R, K, WithIn<O>, AllVisibleIn<O>>,
  RowOf<R, K, AllVisibleIn<O>>,
  RelatedOf<R, K, WithIn<O>, AllVisibleIn<O>>
>;

export type UntypedRow = Record<string, unknown>;

export interface UntypedRelated {
  readonly [relation: string]: RelatedChanges<UntypedRow, UntypedRow, UntypedRelated>;
}

/** A stream of messages; leaving the loop (or `return()`) ends the subscription. */
export type ChangeStream<TMessage> = AsyncIterableIterator<TMessage>;

/** Who listens to what, as plain data. */
export interface Subscription {
  /** A change stream, or a live query. */
  readonly kind: 'changes' | 'query';
  /** Drizzle's name of the table. */
  readonly table: string;
  /** What its rows satisfy, policies included, in the filter language; `true`: every row, `false`: none. */
  readonly where: Readonly<Record<string, unknown>> | boolean;
  /** `null`: all. */
  readonly ops: readonly ChangeOp[] | null;
  /** `null`: any column. */
  readonly columns: readonly string[] | null;
  /** The relations that are followed. */
  readonly with: SubscriptionRelations;
  readonly subscribers: number;
  /** Loading: what is told from now on waits until it is known what is there. */
  readonly state: 'loading' | 'live';
}

export interface SubscriptionRelations {
  readonly [relation: string]: SubscriptionRelations;
}

/**
 * Change streams for server code. There are no policies here unless `as` names a context: who calls this sees everything.
 */
export interface Api<R extends AnyRelations = AnyRelations> {
  /**
   * What each transaction from now on (or from `after` on) does to rows of a table: every transaction once, in order.
   * The subscription begins with the call, not with the first `next()`, where the log has been read to: what was committed just before
   * may still come. It ends when the loop is left, with `return()`, or when `signal` aborts; where the stream cannot go on it ends with
   * a coded error.
   *
   * Throws at once, with what exists in the message, on names that do not: `CHANGES_UNKNOWN_TABLE`, `CHANGES_UNKNOWN_LABEL`,
   * `CHANGES_UNKNOWN_RELATION`, `CHANGES_UNKNOWN_COLUMN`, `FILTER_UNKNOWN_FIELD`; `CHANGES_INVALID`, with all options of another shape;
   * `TABLE_NOT_WATCHED`; `CURSOR_INVALID`; `RIVULET_STOPPED` after `stop()`.
   */
  changes<T extends TableOf<R>, const O extends ChangesOptions<R, NameOf<R, T>> = Record<never, never>>(
    table: T,
    options?: ChangesOptions<R, NameOf<R, T>> extends O ? O : ChangesOptions<R, NameOf<R, T>>,
  ): ChangeStream<MessageOf<R, NameOf<R, T>, O>>;
  /** The same by a watcher's label, whose `columns` count: other updates are not told. `TNode` is what nodes are taken for. */
  changes<TNode extends object = UntypedRow>(
    label: string,
    options?: LabelOptions,
  ): ChangeStream<ChangesMessage<TNode, TNode, UntypedRelated>>;

  /**
   * The row of a change as it is in the database, `null` where it is not there (or, for a stream with `as`, may not be read).
   * Read once for a change, whoever asks and however often; what is asked in one turn is one statement a table. A reading that
   * failed is tried again when somebody asks again.
   */
  get<TRow>(change: Change<unknown, TRow>): Promise<TRow | null>;

  /**
   * Who listens: to anything, to a table (itself or through `with`) or label, to a row. A row is one that the subscription holds, or
   * would tell of as it is in the database.
   */
  subscriptions(watcher?: TableOf<R> | string, key?: UntypedRowReference): Promise<readonly Subscription[]>;

  /**
   * A cursor for `after`: of the position up to which changes have been told, or of a snapshot in Postgres's text
   * (`select pg_current_snapshot()` in the transaction that reads the rows, REPEATABLE READ: then nothing is missed and nothing told twice).
   */
  cursor(snapshot?: string): string;
}
