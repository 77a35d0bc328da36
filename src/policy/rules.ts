import type { AnyRelations } from 'drizzle-orm';
import type { PolicyColumns, PolicyFilter } from './policy-filter.js';
import type { Action } from './types.js';

/**
 * Who may do what with a table's rows, as data: a filter that the rows must satisfy, `true` for all, `false` for none, or a
 * function of the context that returns one of these. What is not said is denied.
 *
 * - `read`: the rows that exist for this context.
 * - `insert`: what a new row must satisfy.
 * - `update`: what a row must satisfy before and after. Only rows that may be read can be updated.
 * - `delete`: what a row must satisfy. Only rows that may be read can be deleted.
 */
export interface TableRules<TContext = never, TFilter = UntypedFilter>
  extends ActionRules<TContext, TFilter> {
  /** By column. A column without a rule is read and written with its row; the primary key cannot be hidden. */
  readonly columns?: Readonly<Record<string, ColumnRules<TContext>>>;
}

/** A filter that no schema has checked. */
export type UntypedFilter = Readonly<Record<string, unknown>>;

export type ActionRules<TContext, TFilter> = { readonly [A in Action]?: Rule<TContext, TFilter> };

export type Rule<TContext, TFilter> = boolean | TFilter | ((context: TContext) => boolean | TFilter);

/** A column whose `read` is the constant `false` is not even in the schema; with a `write` that is, no input has it. */
export interface ColumnRules<TContext = never> {
  readonly read?: boolean | ((context: TContext) => boolean);
  readonly write?: boolean | ((context: TContext) => boolean);
}

/** By Drizzle's key of the table. A table that is not named does not exist for clients. */
export type Policies<TContext = never> = Readonly<Record<string, TableRules<TContext>>>;

/** `Policies` whose filters and columns are checked against a Drizzle schema. */
export type PolicyRules<TRelations extends AnyRelations, TContext> = {
  readonly [K in keyof TRelations]?: ActionRules<TContext, PolicyFilter<TRelations, K>> & {
    readonly columns?: { readonly [C in keyof PolicyColumns<TRelations, K>]?: ColumnRules<TContext> };
  };
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
