import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { at, until } from '../../../src/server/expiry.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream that yields when told to, and notes that it was returned. */
function source() {
  const waiting: ((result: IteratorResult<string>) => void)[] = [];
  const state = { returned: 0 };
  const iterator: AsyncIterableIterator<string> = {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    return: async () => {
      state.returned++;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return { iterator, state, push: (value: string) => waiting.shift()?.({ done: false, value }) };
}

test('what comes before the moment is delivered; then one last word, the end, and the source is returned', async () => {
  const { iterator, state, push } = source();
  const stream = until(iterator, 1_000, () => 'expired');
  const first = stream.next();
  push('one');
  expect(await first).toEqual({ done: false, value: 'one' });
  const second = stream.next();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await second).toEqual({ done: false, value: 'expired' });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(state.returned).toBe(1);
});

test('a consumer that leaves early returns the source and leaves no timer', async () => {
  const { iterator, state } = source();
  const stream = until(iterator, 1_000, () => 'expired');
  await stream.return?.();
  expect(state.returned).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a moment further away than a timer can wait is waited for all the same', async () => {
  const days = 40;
  let called = 0;
  at(days * 86_400_000, () => called++);
  await vi.advanceTimersByTimeAsync((days - 1) * 86_400_000);
  expect(called).toBe(0);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(called).toBe(1);
});

test('what was called off does not happen', async () => {
  let called = 0;
  at(1_000, () => called++)();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(called).toBe(0);
});
