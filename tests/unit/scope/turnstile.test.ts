import { expect, test } from 'vitest';
import { AbandonedWork, WorkSemaphore } from '../../../src/scope/lifecycle/work-semaphore.js';

/** Work that ends when it is told to. */
function work<T>(value: T) {
  let end = (): void => {};
  const done = new Promise<T>((resolve) => {
    end = () => resolve(value);
  });
  return { run: () => done, end };
}

const always = () => true;

test('so many pass at a time, and the next in order when one is done', async () => {
  const turnstile = new WorkSemaphore(2);
  const works = [work(1), work(2), work(3), work(4)];
  const begun: number[] = [];
  const passed = works.map(({ run }, at) =>
    turnstile.pass(always, () => {
      begun.push(at);
      return run();
    }),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  works[1]!.end();
  expect(await passed[1]).toBe(2);
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  for (const { end } of works) end();
  expect(await Promise.all(passed)).toEqual([1, 2, 3, 4]);
});

test('what is not wanted any more when its turn comes is not begun, and keeps nobody waiting', async () => {
  const turnstile = new WorkSemaphore(1);
  const first = work('first');
  const held = turnstile.pass(always, first.run);
  let isWanted = true;
  const crowd = Array.from({ length: 100 }, () =>
    turnstile.pass(
      () => isWanted,
      () => Promise.reject(new Error('begun')),
    ),
  );
  const last = turnstile.pass(always, async () => 'last');
  isWanted = false;
  first.end();
  expect(await held).toBe('first');
  for (const each of crowd) await expect(each).rejects.toThrow(AbandonedWork);
  expect(await last).toBe('last');
});

test('work that fails gives its place back', async () => {
  const turnstile = new WorkSemaphore(1);
  await expect(turnstile.pass(always, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await turnstile.pass(always, async () => 'yes')).toBe('yes');
});
