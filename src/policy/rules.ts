import type { AnyRelations } from 'drizzle-orm';
import type { DataOf, PolicyColumns, PolicyFilter } from './policy-filter.js';

/**
 * The permission for one action on a table's rows, as data: a filter that the rows must satisfy,
 * `true` for all, `false` for none, or a function of the context that returns one of these. What is
 * not said is denied.
 *
 * - `read`: the rows that exist for this context.
 * - `insert`: what a new row must satisfy. Other rows are read as they were before the write, other
 *   rows of the batch are not there.
 * - `update`: what a row must satisfy before and after; both times other rows are read as they were
 *   before. Only rows that may be read can be updated.
 * - `delete`: what a row must satisfy. Only rows that may be read can be deleted.
 */
export interface TableRules<TContext = never, TFilter = UntypedFilter>
  extends ActionRules<TContext, TFilter> {
  /**
   * By column. A column without a rule is read and written with its row; the primary key cannot be
   * hidden.
   */
  readonly columns?: Readonly<Record<string, ColumnRules<TContext>>>;
}

/** A filter that no schema has checked. */
export type UntypedFilter = Readonly<Record<string, unknown>>;

export interface ActionRules<TContext, TFilter, TValues = Readonly<Record<string, unknown>>> {
  readonly read?: PolicyRule<TContext, TFilter>;
  readonly insert?: PolicyRule<TContext, TFilter> | WriteRule<TContext, TFilter, TValues>;
  readonly update?: PolicyRule<TContext, TFilter> | WriteRule<TContext, TFilter, TValues>;
  readonly delete?: PolicyRule<TContext, TFilter>;
}

export type PolicyRule<TContext, TFilter> = boolean | TFilter | ((context: TContext) => boolean | TFilter);

/**
 * The long form of `insert` and `update`:
 *
 * ```ts
 * insert: {
 *   check: ({ userId }) => ({ task: { project: { members: { userId } } } }),
 *   columns: ['taskId', 'body'],
 *   preset: ({ userId }) => ({ authorId: userId }),
 * }
 * ```
 *
 * On a table with a column or relation called `check` an object with nothing but `check` is ambiguous and refused at start: there
 * `{ AND: [{ check: … }] }` is the filter, and `columns` or `preset` beside `check` makes it the long form.
 */
export interface WriteRule<TContext, TFilter, TValues> {
  /** The rule in its short form. */
  readonly check: PolicyRule<TContext, TFilter>;
  /**
   * The columns that a client may set. Default: all, without `preset`'s and without generated ones;
   * an insert also without a primary key that a sequence feeds, an update without the whole primary
   * key.
   */
  readonly columns?: readonly (keyof TValues & string)[];
  /**
   * Values that the server sets, and that a client then cannot: by column, each a value or a
   * function of the context, or one function that returns all. They may refer to any row. A
   * function is called once at start with a stand-in for the context, to learn its columns: they
   * must not depend on the context. Whatever throws, or gives other columns or a value that cannot
   * be stored, denies the write.
   */
  readonly preset?: PresetRule<TContext, TValues>;
}

export type PresetRule<TContext, TValues> =
  | ((context: TContext) => Partial<TValues>)
  | { readonly [C in keyof TValues]?: TValues[C] | ((context: TContext) => TValues[C]) };

/**
 * A column whose `read` is the constant `false` is not even in the schema; with a `write` that is,
 * no input has it.
 */
export interface ColumnRules<TContext = never> {
  readonly read?: boolean | ((context: TContext) => boolean);
  readonly write?: boolean | ((context: TContext) => boolean);
  /**
   * `any`: a client may refer to rows that it may not read. Default: a value that a client sends
   * for a foreign key, or for the columns of a `one` relation to a primary key, must name a row
   * that this client may read, by columns that it may read.
   */
  readonly references?: 'any';
}

/** By Drizzle's key of the table. A table that is not named does not exist for clients. */
export type Policies<TContext = never> = Readonly<Record<string, TableRules<TContext>>>;

/** `Policies` whose filters and columns are checked against a Drizzle schema. */
export type PolicyRules<TRelations extends AnyRelations, TContext> = {
  readonly [K in keyof TRelations]?: ActionRules<
    TContext,
    PolicyFilter<TRelations, K>,
    PresetColumns<TRelations, K>
  > & {
    readonly columns?: { readonly [C in keyof PolicyColumns<TRelations, K>]?: ColumnRules<TContext> };
  };
};

/** The values of a table's columns, as Drizzle has them. */
export type PresetColumns<TRelations extends AnyRelations, TTable extends keyof TRelations> = {
  readonly [C in keyof PolicyColumns<TRelations, TTable>]: DataOf<
    PolicyColumns<TRelations, TTable>[C]
  > | null;
};

/**
 * Names the policies of a schema:
 *
 * ```ts
 * definePolicies<typeof relations, Context>(relations, {
 *   tasks: { read: ({ userId }) => ({ project: { members: { userId } } }) },
 * });
 * ```
 *
 * A policy function must be pure and synchronous. One that throws, or returns anything but a filter or a boolean, denies. A filter must say
 * something in each of its parts: `{}`, `{ ownerId: { NOT: {} } }`, `OR: []`, `project: {}` and undefined values deny (or are refused at
 * start), because nothing said must not mean every row. For every row say `true`; for "has a project", `{ project: true }`. Lists of values mean
 * what they say: `in: []` matches no row, `notIn: []` excludes none.
 */
export function definePolicies<TRelations extends AnyRelations, TContext>(
  _relations: TRelations,
  rules: PolicyRules<TRelations, TContext>,
): Policies<TContext> {
  return rules as Policies<TContext>;
}
