import type { AnyRelations } from 'drizzle-orm';
import type { Change, ChangeMessage, ChangeOp, RelatedChanges } from '../../shared/protocol/messages.js';
import type {
  BelowOf,
  ColumnOf,
  NameOf,
  NodeOf,
  RelatedTarget,
  SelectOf,
  TableFilter,
  TableOf,
  VisibleOf,
  WithOption,
} from './schema-types.js';

/** Options of one change stream. */
export interface ChangesOptions<R extends AnyRelations, K extends keyof R> extends CommonOptions {
  /** Only rows that satisfy this. @default every row */
  readonly where?: TableFilter<R, K> | undefined;
  /** Relations that nodes carry, and whose rows' own changes arrive in `related`. */
  readonly with?: WithOption<R, K> | undefined;
  /**
   * An UPDATE counts only when it changes one of these; ENTER and LEAVE always count. @default any
   * column
   */
  readonly columns?: readonly ColumnOf<R, K>[] | undefined;
  /**
   * Only updates and deletes of these rows, given as rows, as keys or as values of a key of one
   * column.
   */
  readonly rows?: RowReference<R, K> | readonly RowReference<R, K>[] | undefined;
}

export interface CommonOptions {
  /** Only what the database did in one of these ways. @default all, and changes of rights */
  readonly ops?: readonly ChangeOp[] | undefined;
  /**
   * A message's `cursor`, or that of a GraphQL answer: the stream starts right after it. @default
   * now
   */
  readonly after?: string | undefined;
  /** Ends the stream, as leaving the loop does. */
  readonly signal?: AbortSignal | undefined;
  /**
   * A context for the policies: what it may not read is not told. Without one nothing is hidden:
   * this is server code.
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
export type MessageOf<R extends AnyRelations, K extends keyof R, O> = ChangeMessage<
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

/** One subscription, as plain data. */
export interface SubscriptionInfo {
  /** A change stream, or a live query. */
  readonly kind: 'changes' | 'query';
  /** Drizzle's name of the table. */
  readonly table: string;
  /**
   * The filter of its rows, policies included, in the filter language; `true` is every row, `false`
   * is none.
   */
  readonly where: Readonly<Record<string, unknown>> | boolean;
  /** `null`: all. */
  readonly ops: readonly ChangeOp[] | null;
  /** `null`: any column. */
  readonly columns: readonly string[] | null;
  /** The relations that are followed. */
  readonly with: SubscriptionRelations;
  readonly subscribers: number;
  /** `loading`: messages wait until the current rows are known. */
  readonly state: 'loading' | 'live';
}

export interface SubscriptionRelations {
  readonly [relation: string]: SubscriptionRelations;
}

/**
 * Change streams for server code. There are no policies here unless `as` names a context: who calls
 * this sees everything.
 */
export interface RivuletApi<R extends AnyRelations = AnyRelations> {
  /**
   * The changes that each transaction from now on (or from `after` on) makes to rows of a table:
   * every transaction once, in order. The subscription begins with the call, not with the first
   * `next()`, where the log has been read to: what was committed just before may still come. It
   * ends when the loop is left, with `return()`, or when `signal` aborts; where the stream cannot
   * go on it ends with a coded error.
   *
   * Throws at once, with what exists in the message, on names that do not: `CHANGES_UNKNOWN_TABLE`,
   * `CHANGES_UNKNOWN_LABEL`, `CHANGES_UNKNOWN_RELATION`, `CHANGES_UNKNOWN_COLUMN`,
   * `FILTER_UNKNOWN_FIELD`; `CHANGES_INVALID`, with all options of another shape;
   * `TABLE_NOT_WATCHED`; `CURSOR_INVALID`; `RIVULET_STOPPED` after `stop()`.
   */
  changes<T extends TableOf<R>, const O extends ChangesOptions<R, NameOf<R, T>> = Record<never, never>>(
    table: T,
    options?: ChangesOptions<R, NameOf<R, T>> extends O ? O : ChangesOptions<R, NameOf<R, T>>,
  ): ChangeStream<MessageOf<R, NameOf<R, T>, O>>;
  /**
   * The same by a watcher's label, whose `columns` count: other updates are not told. `TNode` is
   * what nodes are taken for.
   */
  changes<TNode extends object = UntypedRow>(
    label: string,
    options?: LabelOptions,
  ): ChangeStream<ChangeMessage<TNode, TNode, UntypedRelated>>;

  /**
   * The row of a change as it is in the database, `null` where it is not there (or, for a stream
   * with `as`, may not be read). A row is read once for a change, however often it is requested.
   * Requests of one turn of the event loop are one statement a table. A read that failed is tried
   * again with the next request.
   */
  get<TRow>(change: Change<unknown, TRow>): Promise<TRow | null>;

  /**
   * The subscriptions: all, those to a table (directly or through `with`) or label, or those to a
   * row. A row is one that the subscription holds, or would tell of as it is in the database.
   */
  subscriptions(
    watcher?: TableOf<R> | string,
    key?: UntypedRowReference,
  ): Promise<readonly SubscriptionInfo[]>;

  /**
   * A cursor for `after`: of the position up to which changes have been told, or of a snapshot in
   * Postgres's text (`select pg_current_snapshot()` in the transaction that reads the rows,
   * REPEATABLE READ: then nothing is missed and nothing told twice).
   */
  cursor(snapshot?: string): string;
}
