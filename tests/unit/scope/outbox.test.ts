import { describe, expect, test, vi } from 'vitest';
import { Outbox } from '../../../src/scope/outbox.js';

function outbox(limit = 3) {
  const onClose = vi.fn();
  const box = new Outbox<number>({ limit, weigh: () => 1, overflow: () => -1, onClose });
  return { box, onClose };
}

describe('an outbox', () => {
  test('hands values over in the order in which they were pushed, waiting or not', async () => {
    const { box } = outbox();
    const first = box.next();
    box.push(1);
    box.push(2);
    expect(await first).toEqual({ value: 1, done: false });
    expect(await box.next()).toEqual({ value: 2, done: false });
  });

  test('replaces what waits by the overflow value once the limit is passed, and goes on after it', async () => {
    const { box } = outbox(3);
    for (const value of [1, 2, 3, 4, 5]) box.push(value);
    expect((await box.next()).value).toBe(-1);
    expect((await box.next()).value).toBe(5);
  });

  test('delivers what waits before it ends', async () => {
    const { box, onClose } = outbox();
    box.push(1);
    box.end();
    box.push(2);
    expect((await box.next()).value).toBe(1);
    expect((await box.next()).done).toBe(true);
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  test('delivers what waits before it fails, and fails once', async () => {
    const { box } = outbox();
    box.push(1);
    box.fail(new Error('gone'));
    expect((await box.next()).value).toBe(1);
    await expect(box.next()).rejects.toThrow('gone');
    expect((await box.next()).done).toBe(true);
  });

  test('return() ends a next() that waits, drops what is left, and closes once', async () => {
    const { box, onClose } = outbox();
    const waiting = box.next();
    await box.return();
    await box.return();
    box.end();
    expect((await waiting).done).toBe(true);
    expect((await box.next()).done).toBe(true);
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  test('a failure reaches one of the readers that wait, the others are done', async () => {
    const { box } = outbox();
    const readers = [box.next(), box.next()];
    box.fail(new Error('gone'));
    await expect(readers[0]).rejects.toThrow('gone');
    expect((await readers[1])?.done).toBe(true);
  });
});
