import { afterEach, describe, expect, test } from 'vitest';
import { createLedger, type Followed } from '../support/ledger.js';
import type { Meddler } from '../support/proxy.js';
import { waitFor } from '../support/wait-for.js';

const ledger = await createLedger();
const open: Followed[] = [];
afterEach(async () => {
  for (const followed of open.splice(0)) await followed.close();
});

async function follow(): Promise<Followed> {
  const followed = await ledger.follow({ pollMs: 50 });
  open.push(followed);
  await ledger.write();
  await followed.settle();
  return followed;
}

/** Breaks each `every`th part in which rows come. */
function breaking(
  every: number,
  how: (bytes: Buffer, cut: () => void) => Buffer,
): Meddler & { broken: number } {
  let seen = 0;
  const meddler = ((bytes, cut) => {
    if (!bytes.includes('counters') && bytes.length < 100) return bytes;
    if (++seen % every !== 0) return bytes;
    meddler.broken++;
    return how(bytes, cut);
  }) as Meddler & { broken: number };
  meddler.broken = 0;
  return meddler;
}

describe('F8: links that break', () => {
  test.each<[what: string, how: (bytes: Buffer, cut: () => void) => Buffer]>([
    [
      'in the middle of a message',
      (bytes, cut) => {
        setImmediate(cut);
        return bytes.subarray(0, bytes.length >> 1);
      },
    ],
    [
      'before an answer',
      (_, cut) => {
        cut();
        return Buffer.alloc(0);
      },
    ],
    [
      'by a message of no known type',
      (bytes) => {
        const copy = Buffer.from(bytes);
        copy[0] = 0x7f;
        return copy;
      },
    ],
    [
      'by a length that is too long, so that the rest is waited for in vain',
      (bytes) => {
        const copy = Buffer.from(bytes);
        copy.writeInt32BE(copy.readInt32BE(1) + 100_000, 1);
        return copy;
      },
    ],
  ])(
    '%s: nothing is lost, doubled, or out of order',
    async (_, how) => {
      const followed = await follow();
      const meddler = breaking(7, how);
      const stopWriting = ledger.writeOn();
      followed.proxy.meddle(meddler);
      await waitFor('it was broken', () => meddler.broken >= 2, 20_000);
      followed.proxy.meddle(null);
      await stopWriting();
      await followed.settle(15_000);
      expect(followed.resets).toEqual([]);
    },
    45_000,
  );

  test('slowly, at 20 kB a second: what takes longer than a silence is waited for', async () => {
    const followed = await follow();
    followed.proxy.meddle(
      (bytes) => new Promise((resolve) => setTimeout(() => resolve(bytes), bytes.length / 20)),
    );
    const stopWriting = ledger.writeOn();
    const { written } = ledger;
    await waitFor('much was written', () => ledger.written > written + 300);
    await stopWriting();
    await followed.settle(20_000);
    expect(followed.feed.status().state).toBe('live');
    expect(followed.warned).toEqual([]);
  }, 30_000);
});
