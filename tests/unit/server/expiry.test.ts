import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { callAt } from '../../../src/server/auth/expiry-timer.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a moment further away than a timer can wait is waited for all the same', async () => {
  const days = 40;
  let called = 0;
  callAt(days * 86_400_000, () => called++);
  await vi.advanceTimersByTimeAsync((days - 1) * 86_400_000);
  expect(called).toBe(0);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(called).toBe(1);
});

test('what was called off does not happen', async () => {
  let called = 0;
  callAt(1_000, () => called++)();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(called).toBe(0);
});
