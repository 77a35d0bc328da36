import { setTimeout as delay } from 'node:timers/promises';
import { errorEntry } from '../error-texts.js';
import { codedError, codeOf, SQLSTATE } from './errors.js';

export interface RetryOptions {
  /** Ends the waiting; the error of the last try is then thrown. */
  readonly signal: AbortSignal;
  /** Called before each wait. */
  readonly onRetry?: (error: unknown, waitMs: number) => void;
  /** Selects the errors after which the work is tried again. @default isPassing */
  readonly isPassing?: (error: unknown) => boolean;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/**
 * True for an error that says nothing of the statement: not reached, overloaded, or in another
 * transaction's way.
 */
export function isPassing(error: unknown): boolean {
  const coded = codedError(error);
  return coded !== undefined && errorEntry(coded).retryable === true;
}

/** True where a database is there that is starting, recovering or about to stop. */
export function isNotReady(error: unknown): boolean {
  return codeOf(error) === SQLSTATE.cannotConnectNow;
}

/**
 * Runs a reading until the database answers: a passing error is tried again, with growing waits and
 * jitter, for as long as it takes; any other error is thrown at once.
 */
export async function untilAnswered<T>(
  work: () => Promise<T>,
  { signal, onRetry, isPassing: isTriedAgain = isPassing }: RetryOptions,
): Promise<T> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !isTriedAgain(error)) throw error;
      const waitMs = Math.round(wait * (0.5 + Math.random()));
      onRetry?.(error, waitMs);
      await delay(waitMs, undefined, { signal }).catch(() => {});
    }
  }
}
