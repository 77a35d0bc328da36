import type { ModelColumn, ModelRelation } from '../model/types.js';

/**
 * A filter in normal form: what every evaluator (SQL, predicate, index) reads.
 *
 * Values are text in the form in which Postgres reads the column's type, so that one literal means
 * the same in SQL and in the predicate. SQL's three-valued logic holds: a comparison with NULL is
 * unknown, and only `true` selects a row.
 */
export type Filter =
  | { readonly kind: 'const'; readonly value: boolean }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | {
      readonly kind: 'compare';
      readonly column: ModelColumn;
      readonly op: CompareOp;
      readonly value: string;
      /**
       * The cast of the value where it came from a column of another type, which a relation joins
       * with this one.
       */
      readonly castType?: string | undefined;
    }
  /**
   * `values` are distinct and sorted; an empty list is folded to a constant before it gets here.
   */
  | {
      readonly kind: 'in';
      readonly column: ModelColumn;
      readonly values: readonly string[];
      /** As that of `compare`. */
      readonly castType?: string | undefined;
    }
  | { readonly kind: 'isNull'; readonly column: ModelColumn }
  | {
      readonly kind: 'like';
      readonly column: ModelColumn;
      readonly pattern: string;
      readonly insensitive: boolean;
    }
  /** `value` is a Postgres array literal: `{1,2}`. */
  | { readonly kind: 'array'; readonly column: ModelColumn; readonly op: ArrayOp; readonly value: string }
  /**
   * Some row at the other end of `relation` satisfies `filter`. The relation's own `where` is
   * already part of `filter` (or stands beside this node where it names the source). `via` filters
   * the junction row.
   */
  | {
      readonly kind: 'related';
      readonly relation: ModelRelation;
      readonly filter: Filter;
      readonly via?: Filter;
    };

export type CompareOp = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte';
export type ArrayOp = 'arrayContains' | 'arrayContained' | 'arrayOverlaps';

/**
 * One row's columns as text, in `ModelTable.columns` order; `null` is SQL NULL. This is also a
 * change's image.
 */
export type RowCells = readonly (string | null)[];

/** SQL's truth of a filter for one row; `null` is unknown. */
export type RowPredicate = (row: RowCells) => boolean | null;

export type OrderDirection =
  | 'ASC'
  | 'DESC'
  | 'ASC_NULLS_FIRST'
  | 'ASC_NULLS_LAST'
  | 'DESC_NULLS_FIRST'
  | 'DESC_NULLS_LAST';

/** As in Postgres, ASC alone puts NULLs last and DESC alone puts them first. */
export interface OrderTerm {
  readonly column: ModelColumn;
  readonly direction: OrderDirection;
}
