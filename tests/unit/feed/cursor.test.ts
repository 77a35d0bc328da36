import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCursorCodec } from '../../../src/feed/cursor.js';
import { formatSnapshot, parseSnapshot } from '../../../src/log/snapshot.js';

const codec = createCursorCodec('secret', 'epoch-1');
const snapshot = parseSnapshot('100:120:100,105');

describe('a cursor', () => {
  test('comes back as the snapshot and the epoch that went in, on any node with the same secret', () => {
    const other = createCursorCodec('secret', 'epoch-2');
    const decoded = other.decode(codec.encode(snapshot));
    expect(formatSnapshot(decoded.snapshot)).toBe('100:120:100,105');
    expect(decoded.epoch).toBe('epoch-1');
  });

  test('keeps the transaction by which its history is recognized, and names the epoch of its making', () => {
    let epoch = 'epoch 1';
    const renewed = createCursorCodec('secret', () => epoch);
    const anchor = { xid: 119n, loggedAt: '2026-11-23T05:00:00.000001Z' };
    const before = renewed.encode({ ...snapshot, anchor });
    epoch = 'epoch 2';
    expect(renewed.decode(before)).toEqual({ epoch: 'epoch 1', snapshot: { ...snapshot, anchor } });
    expect(renewed.decode(renewed.encode(snapshot))).toEqual({ epoch: 'epoch 2', snapshot });
  });

  test('is URL-safe and does not show transaction ids', () => {
    const text = codec.encode(snapshot);
    expect(text).toMatch(/^[\w-]+$/);
    expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('120');
    expect(codec.encode(snapshot)).not.toBe(text);
  });

  test('of one moment is never the same twice, so that nobody can tell whether others have written', () => {
    const starts = Array.from({ length: 2_000 }, () => codec.encode(snapshot).slice(0, 16));
    expect(new Set(starts).size).toBe(starts.length);
  });

  test('T9: has one length, whatever is in progress, and one of a few if that is very much', () => {
    const lengths = (most: number, spread: bigint) => {
      const found = new Set<number>();
      for (let open = 0; open <= most; open++) {
        const xip = new Set(Array.from({ length: open }, (_, n) => 7_000_000_000n + BigInt(n) * spread));
        const xmax = 7_000_000_000n + BigInt(open) * spread + 5n;
        const anchor = { xid: xmax - 1n, loggedAt: '2026-11-23T05:00:00.000001Z' };
        const crowded = { xmin: xip.size > 0 ? 7_000_000_000n : xmax, xmax, xip, anchor };
        const uuids = createCursorCodec('secret', '6f6b5f0e-98c1-4d3c-8f53-0a0c4d9c9d11');
        const text = uuids.encode(crowded);
        expect(uuids.decode(text).snapshot).toEqual(crowded);
        found.add(text.length);
      }
      return [...found];
    };
    expect(lengths(60, 3n)).toEqual([210]);
    expect(lengths(60, 1n)).toEqual([210]);
    expect(lengths(1_000, 3n)).toHaveLength(3);
  });

  test('fits into a header of HTTP, however many transactions are in progress', () => {
    const open = Array.from({ length: 1_000 }, (_, n) => 7_000_000_000n + BigInt(n * 3 + (n % 2)));
    const crowded = { xmin: open[0]!, xmax: open.at(-1)! + 10n, xip: new Set(open) };
    const text = codec.encode(crowded);
    expect(text.length).toBeLessThan(8_000);
    expect(codec.decode(text).snapshot).toEqual(crowded);
  });

  test('keeps whatever is in progress, in runs and far apart', () => {
    const xid = fc.bigInt({ min: 3n, max: 2n ** 63n });
    const runs = fc.array(fc.tuple(xid, fc.integer({ min: 1, max: 40 })), { maxLength: 20 });
    fc.assert(
      fc.property(runs, (each) => {
        const xip = new Set(
          each.flatMap(([from, length]) => Array.from({ length }, (_, n) => from + BigInt(n))),
        );
        const sorted = [...xip].sort((a, b) => (a < b ? -1 : 1));
        const of = { xmin: sorted[0] ?? 3n, xmax: (sorted.at(-1) ?? 3n) + 1n, xip };
        expect(codec.decode(codec.encode(of)).snapshot).toEqual(of);
      }),
    );
  });

  test.each([
    ['small', snapshot],
    ['large', { ...snapshot, xip: new Set(Array.from({ length: 300 }, (_, n) => BigInt(100 + n))) }],
  ])('is refused when any bit of it was changed (%s)', (_size, of) => {
    const bytes = Buffer.from(codec.encode(of), 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const forged = Buffer.from(bytes);
        forged[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => codec.decode(forged.toString('base64url'))).toThrow('not valid');
      }),
    );
  });

  test('is refused when it comes from another secret, is cut, is huge, or is no cursor at all', () => {
    const text = codec.encode(snapshot);
    const foreign = createCursorCodec('other', 'epoch-1').encode(snapshot);
    for (const bad of [foreign, text.slice(0, -4), '', 'x', '{"a":1}', 'A'.repeat(1_000_000), `${text}=`]) {
      expect(() => codec.decode(bad)).toThrowError(expect.objectContaining({ code: 'CURSOR_INVALID' }));
    }
  });
});

describe('the name of a transaction', () => {
  test('T9: is the same on every node with the secret, and neither shows the number nor its order', () => {
    const other = createCursorCodec('secret', 'epoch-1');
    const names = Array.from({ length: 1_000 }, (_, n) => codec.nameTransaction(BigInt(n)));
    expect(names).toEqual(names.map((_, n) => other.nameTransaction(BigInt(n))));
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^[\w-]{22}$/.test(name))).toBe(true);
    const inOrder = names.filter((name, n) => n > 0 && names[n - 1]! < name).length;
    expect(Math.abs(inOrder - 500)).toBeLessThan(100);
  });

  test('is another one in another log, and with another secret', () => {
    const names = [codec, createCursorCodec('secret', 'epoch-2'), createCursorCodec('other', 'epoch-1')].map(
      (each) => each.nameTransaction(7n),
    );
    expect(new Set(names).size).toBe(3);
  });
});
