import { describe, expect, test, vi } from 'vitest';
import { Outbox, type Sink } from '../../../src/scope/delivery/outbox.js';
import { SendBudget } from '../../../src/scope/delivery/send-budget.js';

function outbox(
  limit = 3,
  allowance = new SendBudget(1_000),
  merge: (values: readonly number[]) => number | null = () => 30,
) {
  const onClose = vi.fn();
  const bytesOf = (value: number) => Math.max(1, value);
  // As heavy as its tens: what was merged need not be light.
  const weigh = (value: number) => Math.max(1, Math.floor(value / 10));
  const box = new Outbox<number>({ limit, weigh, allowance, bytesOf, merge, overflow: () => -1, onClose });
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

describe('an outbox whose reader is slow', () => {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

  test('merges what waits when it is too much, and only then', async () => {
    const { box } = outbox(4, new SendBudget(1_000), sum);
    for (const value of [1, 2, 3, 4]) box.push(value);
    expect(box.weight).toBe(4);
    box.push(5);
    expect((await box.next()).value).toBe(15);
  });

  test('gives up what does not get small by merging', async () => {
    const { box } = outbox(4, new SendBudget(1_000), (values) => values.length * 10);
    for (const value of [1, 2, 3, 4, 5]) box.push(value);
    expect((await box.next()).value).toBe(-1);
  });

  test('has nothing to say where nothing is left after merging', async () => {
    const { box } = outbox(2, new SendBudget(1_000), () => null);
    for (const value of [1, 2, 3]) box.push(value);
    expect([box.weight, box.bytes]).toEqual([0, 0]);
  });

  test('shares its allowance with others: the largest gives way first, and the others lose nothing', async () => {
    const allowance = new SendBudget(100);
    const [large, small] = [outbox(100, allowance, () => 90).box, outbox(100, allowance, sum).box];
    for (const value of [30, 30, 30]) large.push(value);
    for (const value of [5, 6]) small.push(value);
    expect((await large.next()).value).toBe(-1);
    expect((await small.next()).value).toBe(11);
    expect(allowance.bytes).toBe(0);
  });

  test('a first value of any size waits, and its bytes are given back however it ends', async () => {
    const allowance = new SendBudget(100);
    const { box } = outbox(100, allowance);
    box.push(500);
    expect(allowance.bytes).toBe(500);
    expect((await box.next()).value).toBe(500);
    box.push(400);
    await box.return();
    expect(allowance.bytes).toBe(0);
  });
});

describe('an outbox that is fed to a taker', () => {
  function taker() {
    const taken: (number | string)[] = [];
    const state = { isReady: true };
    const feed: Sink<number> = {
      get isReady() {
        return state.isReady;
      },
      take: (value) => {
        if (value === 13) throw new Error('unlucky');
        taken.push(value);
      },
      end: () => taken.push('end'),
      fail: (error) => taken.push(String(error)),
    };
    return { taken, state, feed };
  }

  test('hands over at once, what waited before it first', () => {
    const { box } = outbox();
    const { taken, feed } = taker();
    box.push(1);
    box.feed(feed);
    box.push(2);
    expect(taken).toEqual([1, 2]);
  });

  test('waits while the taker is behind, in order, and ends after what waited', () => {
    const { box, onClose } = outbox();
    const { taken, state, feed } = taker();
    box.feed(feed);
    state.isReady = false;
    box.push(1);
    box.push(2);
    box.end();
    expect(taken).toEqual([]);
    state.isReady = true;
    box.pump();
    expect(taken).toEqual([1, 2, 'end']);
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  test('tells a failure after what waited, and that of the taker itself at once', () => {
    const one = outbox();
    const { taken, feed } = taker();
    one.box.push(1);
    one.box.fail(new Error('gone'));
    one.box.feed(feed);
    expect(taken).toEqual([1, 'Error: gone']);
    const two = outbox();
    const other = taker();
    two.box.feed(other.feed);
    two.box.push(13);
    two.box.push(1);
    expect(other.taken).toEqual(['Error: unlucky']);
    expect(two.onClose).toHaveBeenCalledTimes(1);
  });

  test('says nothing after return()', async () => {
    const { box } = outbox();
    const { taken, feed } = taker();
    box.feed(feed);
    await box.return();
    box.push(1);
    expect(taken).toEqual([]);
  });
});
