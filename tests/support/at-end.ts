import { afterAll, expect, onTestFinished } from 'vitest';

/** Runs when the test that calls this is over; outside of a test, when the file is. The last that was asked for goes first. */
export function atEnd(work: () => Promise<void>, timeoutMs = 60_000): void {
  if (expect.getState().currentTestName === undefined) afterAll(work, timeoutMs);
  else onTestFinished(work, timeoutMs);
}
