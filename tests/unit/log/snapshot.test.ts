import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  covers,
  formatSnapshot,
  isVisible,
  parseSnapshot,
  type Snapshot,
  settled,
  withVisible,
} from '../../../src/log/snapshot.js';
import { propertyOptions } from '../../support/property.js';

const RANGE = 40;

/** Snapshots around xids 100 to 140, in the form in which Postgres makes them. */
const anySnapshot: fc.Arbitrary<Snapshot> = fc
  .record({
    xmax: fc.integer({ min: 100, max: 100 + RANGE }),
    back: fc.uniqueArray(fc.integer({ min: 1, max: 20 })),
  })
  .map(({ xmax, back }) => {
    const xip = back.map((distance) => BigInt(xmax - distance));
    const xmin = [...xip, BigInt(xmax)].sort((a, b) => Number(a - b))[0]!;
    return { xmin, xmax: BigInt(xmax), xip: new Set(xip) };
  });
const anyXid = fc.bigInt({ min: 70n, max: 150n });
const everyXid = Array.from({ length: 90 }, (_, i) => BigInt(65 + i));

describe('parseSnapshot', () => {
  test('reads what Postgres writes', () => {
    expect(parseSnapshot('10:20:10,14,15')).toEqual({ xmin: 10n, xmax: 20n, xip: new Set([10n, 14n, 15n]) });
    expect(parseSnapshot('795:795:')).toEqual({ xmin: 795n, xmax: 795n, xip: new Set() });
    expect(parseSnapshot('18446744073709551614:18446744073709551615:').xmax).toBe(2n ** 64n - 1n);
  });

  test.each([
    '',
    '1',
    '1:2',
    '1:2:3,',
    '1:2:,3',
    'a:b:c',
    '1:2:3 ',
    '-1:2:',
    '1:2:3:4',
    '1'.repeat(21).concat(':2:'),
  ])('refuses %j', (text) => {
    expect(() => parseSnapshot(text)).toThrow(TypeError);
  });

  test('is the inverse of formatSnapshot', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        expect(parseSnapshot(formatSnapshot(snapshot))).toEqual(snapshot);
      }),
      propertyOptions(500),
    );
  });
});

describe('isVisible', () => {
  test('what ended before is seen; what was in progress or had not begun is not', () => {
    const snapshot = parseSnapshot('10:20:10,14');
    expect([9n, 10n, 11n, 14n, 19n, 20n, 21n].map((xid) => isVisible(snapshot, xid))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test('the rows to read are exactly those that it does not see', () => {
    fc.assert(
      fc.property(anySnapshot, anyXid, (snapshot, xid) => {
        expect(xid >= snapshot.xmax || snapshot.xip.has(xid)).toBe(!isVisible(snapshot, xid));
      }),
      propertyOptions(500),
    );
  });
});

describe('withVisible', () => {
  test('sees what the snapshot saw and what was made visible, and nothing else', () => {
    fc.assert(
      fc.property(anySnapshot, fc.array(anyXid, { maxLength: 10 }), (snapshot, xids) => {
        const later = withVisible(snapshot, xids);
        for (const xid of everyXid) {
          expect(isVisible(later, xid), String(xid)).toBe(isVisible(snapshot, xid) || xids.includes(xid));
        }
      }),
      propertyOptions(500),
    );
  });

  test('gives a snapshot in the form of Postgres, which covers the first', () => {
    fc.assert(
      fc.property(anySnapshot, fc.array(anyXid, { maxLength: 10 }), (snapshot, xids) => {
        const later = withVisible(snapshot, xids);
        expect(later.xmin <= later.xmax).toBe(true);
        for (const xid of later.xip) expect(xid >= later.xmin && xid < later.xmax).toBe(true);
        if (later.xip.size === 0) expect(later.xmin).toBe(later.xmax);
        else expect(later.xip.has(later.xmin)).toBe(true);
        expect(covers(later, snapshot)).toBe(true);
      }),
      propertyOptions(500),
    );
  });

  test('does not depend on order, or on doing it in steps, and changes nothing in place', () => {
    fc.assert(
      fc.property(anySnapshot, fc.array(anyXid, { maxLength: 10 }), (snapshot, xids) => {
        const before = formatSnapshot(snapshot);
        const atOnce = formatSnapshot(withVisible(snapshot, xids));
        expect(formatSnapshot(withVisible(snapshot, [...xids].reverse()))).toBe(atOnce);
        let stepwise = snapshot;
        for (const xid of xids) stepwise = withVisible(stepwise, [xid]);
        expect(formatSnapshot(stepwise)).toBe(atOnce);
        expect(formatSnapshot(snapshot)).toBe(before);
      }),
      propertyOptions(500),
    );
  });
});

describe('covers', () => {
  test('is true exactly when every visible transaction stays visible', () => {
    fc.assert(
      fc.property(anySnapshot, anySnapshot, (later, earlier) => {
        const expected = everyXid.every((xid) => !isVisible(earlier, xid) || isVisible(later, xid));
        expect(covers(later, earlier)).toBe(expected);
      }),
      propertyOptions(2_000),
    );
  });
});

describe('settled', () => {
  test('sees below the end what the snapshot sees, and nothing from there on', () => {
    fc.assert(
      fc.property(anySnapshot, anyXid, (snapshot, end) => {
        const position = settled(snapshot, end);
        for (const xid of everyXid) {
          expect(isVisible(position, xid)).toBe(xid < end && isVisible(snapshot, xid));
        }
        expect(formatSnapshot(parseSnapshot(formatSnapshot(position)))).toBe(formatSnapshot(position));
      }),
      propertyOptions(300),
    );
  });
});
