/** Times of live queries. */
export interface LiveTimes {
  /**
   * Least time between two answers of one query that were asked for because a change could not be
   * decided here. Default: 100.
   */
  readonly refetchGapMs: number;
  /**
   * After a RESET, which reaches everyone at once, the query is sent again within this time, at
   * random. Default: 1000.
   */
  readonly resetSpreadMs: number;
  /** The wait before a broken stream or request is tried again; doubled each time. Default: 250. */
  readonly retryFirstMs: number;
  /** Its largest. Default: 30000. */
  readonly retryMostMs: number;
  /**
   * So long after a stream was resumed, what it shows counts as true again, if nothing came sooner.
   * Default: 300.
   */
  readonly catchUpMs: number;
  /**
   * So long after the answer of an own mutation live queries wait for its echo before they show
   * other news. Default: 300.
   */
  readonly echoMs: number;
  /**
   * So long a change waits for what other live queries are told of the same transaction. Default:
   * 5.
   */
  readonly gatherMs: number;
  /**
   * The same, where another live query shows a row that was changed and therefore will be told.
   * Default: 50.
   */
  readonly togetherMs: number;
  /**
   * So long after an answer of something else was written into the cache, live queries write what
   * they know over it. Default: 1000.
   */
  readonly settleMs: number;
}

export const DEFAULT_TIMES: LiveTimes = {
  refetchGapMs: 100,
  resetSpreadMs: 1_000,
  retryFirstMs: 250,
  retryMostMs: 30_000,
  catchUpMs: 300,
  echoMs: 300,
  gatherMs: 5,
  togetherMs: 50,
  settleMs: 1_000,
};
