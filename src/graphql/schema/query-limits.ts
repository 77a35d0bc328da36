/** Limits of one request. */
export interface QueryLimits {
  /** Rows of a list that names no `limit`. Default 100. */
  readonly defaultRows: number;
  /** Largest `limit`, `first` or `last`. Default 1,000. */
  readonly maxRows: number;
  /** Largest `offset`. Default 100,000. */
  readonly maxOffset: number;
  /** Levels of rows in a selection, the root's rows being the first. Default 12. */
  readonly maxDepth: number;
  /** Relations selected below one root field, on all levels together. Default 200. */
  readonly maxRelations: number;
  /**
   * Rows that a request's `limit`s allow, all levels multiplied, of all root fields together.
   * Default 5,000,000.
   */
  readonly maxPossibleRows: number;
  /** Rows that a request reads, on all levels and of all root fields together. Default 50,000. */
  readonly maxTotalRows: number;
  /** Rows that one mutation field may write. Default 1,000. */
  readonly maxWrites: number;
}

export const DEFAULT_LIMITS: QueryLimits = Object.freeze({
  defaultRows: 100,
  maxRows: 1_000,
  maxOffset: 100_000,
  maxDepth: 12,
  maxRelations: 200,
  maxPossibleRows: 5_000_000,
  maxTotalRows: 50_000,
  maxWrites: 1_000,
});
