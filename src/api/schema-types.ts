import type { AnyRelations, BuildQueryResult } from 'drizzle-orm';
import type { PolicyFilter } from '../policy/policy-filter.js';

/** The schema's types where they are known, else those of any schema. */
export type KnownRelations<R> = R extends AnyRelations ? R : AnyRelations;

/** The schema's tables, as Drizzle table objects. */
export type TableOf<R extends AnyRelations> = R[keyof R]['table'];

/**
 * The name of a table in the relations config; every name where the schema's types are not known.
 */
export type NameOf<R extends AnyRelations, T> = string extends keyof R
  ? string
  : {
      [K in keyof R]: [R[K]['table']] extends [T] ? ([T] extends [R[K]['table']] ? K : never) : never;
    }[keyof R];

export type ColumnOf<R extends AnyRelations, K extends keyof R> = keyof SelectOf<R, K> & string;

/** The row without relations, as Drizzle returns it. */
export type SelectOf<R extends AnyRelations, K extends keyof R> = R[K]['table'] extends {
  readonly $inferSelect: infer TRow extends Record<string, unknown>;
}
  ? TRow
  : Record<string, unknown>;

/**
 * A relational filter as in Drizzle's `findMany`, without `RAW`, which cannot be evaluated on
 * changes.
 */
export type TableFilter<R extends AnyRelations, K extends keyof R> = PolicyFilter<R, K>;

type TargetOf<R extends AnyRelations, K extends keyof R, N> = N extends keyof R[K]['relations']
  ? R[K]['relations'][N]['targetTableName']
  : never;

/**
 * The relations to load and to follow, to any depth: `{ comments: { author: true } }`. Where rows
 * are filtered it is written out: `{ comments: { where: { … }, with: { author: true } } }`.
 */
export type WithOption<R extends AnyRelations, K extends keyof R> = {
  readonly [N in keyof R[K]['relations']]?:
    | true
    | WithFiltered<R, TargetOf<R, K, N>>
    | (WithOption<R, TargetOf<R, K, N>> & { readonly where?: never; readonly with?: never });
};

export interface WithFiltered<R extends AnyRelations, K extends keyof R> {
  readonly where?: TableFilter<R, K> | undefined;
  readonly with?: WithOption<R, K> | undefined;
}

/** The relations config of `findMany` for the same relations. */
export type DrizzleWith<W> = { [N in keyof W]: DrizzleInclude<W[N]> };

type DrizzleInclude<I> = I extends true
  ? true
  : 'with' extends keyof I
    ? { with: DrizzleWith<I['with']> } & ('where' extends keyof I ? { where: I['where'] } : unknown)
    : 'where' extends keyof I
      ? { where: I['where'] }
      : { with: DrizzleWith<I> };

/** The row with what `with` loads, typed as `findMany` types it. */
export type NodeOf<R extends AnyRelations, K extends keyof R, W> = string extends keyof R
  ? Record<string, unknown>
  : BuildQueryResult<R, R[K], { with: DrizzleWith<W> }>;

/** A row as a context with fewer rights sees it: everything except the key may be missing. */
export type VisibleOf<R extends AnyRelations, K extends keyof R, W> = Partial<SelectOf<R, K>> & {
  [N in keyof W & keyof R[K]['relations']]: R[K]['relations'][N]['relationType'] extends 'one'
    ? VisibleOf<R, TargetOf<R, K, N>, BelowOf<W[N]>> | null
    : VisibleOf<R, TargetOf<R, K, N>, BelowOf<W[N]>>[];
};

/** The relations that an entry of `with` goes on to. */
export type BelowOf<I> = I extends true
  ? unknown
  : 'with' extends keyof I
    ? I['with']
    : 'where' extends keyof I
      ? unknown
      : I;

export type RelatedTarget<R extends AnyRelations, K extends keyof R, N> = TargetOf<R, K, N>;
