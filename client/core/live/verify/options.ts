import type { LiveDifference } from './report.js';

/** Times of the comparison of live queries with the network; for development. */
export interface VerifyOptions {
  /**
   * Time between two comparisons of one live query; each is put off by up to half of it, at random.
   * Default: 10000.
   */
  readonly everyMs?: number;
  /**
   * So long a difference has to last although both sides were told of the same transaction.
   * Default: 1000.
   */
  readonly confirmMs?: number;
  /** The same, where nothing is told that would show how far each side is. Default: 10000. */
  readonly patienceMs?: number;
  /** A comparison that came to no end by then is given up. Default: 60000. */
  readonly giveUpMs?: number;
  /** Called with each difference, besides the warning on the console. Default: none. */
  readonly onProblem?: ((difference: LiveDifference) => void) | undefined;
}

export const DEFAULT_VERIFY = {
  everyMs: 10_000,
  confirmMs: 1_000,
  patienceMs: 10_000,
  giveUpMs: 60_000,
} as const;
