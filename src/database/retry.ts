import { setTimeout as delay } from 'node:timers/promises';
import { codedError } from './errors.js';

export interface RetryOptions {
  /** Ends the waiting; the error of the last try is then thrown. */
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onRetry?: (error: unknown, waitMs: number) => void;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/**
 * Runs `work` until the database answers: an error that means "not reached" or "lost" is tried again, with growing waits
 * and jitter, for as long as it takes; any other error is thrown at once.
 */
export async function onceConnected<T>(
  work: () => Promise<T>,
  { signal, onRetry }: RetryOptions,
): Promise<T> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || codedError(error)?.code !== 'DATABASE_UNAVAILABLE') throw error;
      const waitMs = Math.round(wait * (0.5 + Math.random()));
      onRetry?.(error, waitMs);
      await delay(waitMs, undefined, { signal }).catch(() => {});
    }
  }
}
