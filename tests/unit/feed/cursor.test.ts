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

  test('fits into a header of HTTP, however many transactions are in progress', () => {
    const open = Array.from({ length: 1_000 }, (_, n) => 7_000_000_000n + BigInt(n * 3 + (n % 2)));
    const crowded = { xmin: open[0]!, xmax: open.at(-1)! + 10n, xip: new Set(open) };
    const text = codec.encode(crowded);
    expect(text.length).toBeLessThan(8_000);
    expect(codec.decode(text).snapshot).toEqual(crowded);
  });

  test.each([
    ['small', snapshot],
    ['packed', { ...snapshot, xip: new Set(Array.from({ length: 300 }, (_, n) => BigInt(100 + n))) }],
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
