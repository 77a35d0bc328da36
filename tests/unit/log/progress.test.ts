import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Progress } from '../../../src/log/progress.js';
import { isVisible, type Snapshot } from '../../../src/log/snapshot.js';
import { propertyOptions } from '../../support/property.js';

const RANGE = 40n;
const everyXid = Array.from({ length: 90 }, (_, i) => BigInt(65 + i));

const snapshotOf = (xmax: bigint, open: readonly bigint[]): Snapshot => {
  const xip = new Set(open.filter((xid) => xid < xmax));
  return { xmin: [...xip, xmax].reduce((a, b) => (a < b ? a : b)), xmax, xip };
};

/** Two moments of one history, and some of the transactions that ended between them, in any order. */
const anyReading = fc
  .record({
    ends: fc.tuple(fc.bigInt(100n, 100n + RANGE), fc.bigInt(0n, RANGE / 4n)),
    open: fc.uniqueArray(fc.bigInt(80n, 100n + RANGE)),
    stillOpen: fc.array(fc.boolean(), { minLength: 70, maxLength: 70 }),
    logged: fc.array(fc.boolean(), { minLength: 70, maxLength: 70 }),
    order: fc.array(fc.nat(), { minLength: 70, maxLength: 70 }),
  })
  .map(({ ends: [from, more], open, stillOpen, logged, order }) => {
    const since = snapshotOf(from, open);
    const begun = Array.from({ length: Number(more) }, (_, i) => from + BigInt(i));
    const candidates = [...since.xip, ...begun];
    const until = snapshotOf(
      from + more,
      candidates.filter((_, i) => stillOpen[i]),
    );
    const found = candidates
      .map((xid, i) => ({ xid, i }))
      .filter(({ xid, i }) => isVisible(until, xid) && logged[i])
      .sort((a, b) => order[a.i]! - order[b.i]!)
      .map(({ xid }) => xid);
    return { since, until, found };
  });

test('each position sees what was read so far, and neither what was not nor what had not ended', () => {
  fc.assert(
    fc.property(anyReading, ({ since, until, found }) => {
      const progress = new Progress(since, until, BigInt64Array.from(found));
      for (let read = 1; read <= found.length; read++) {
        const position = progress.next();
        const [seen, unseen] = [found.slice(0, read), found.slice(read)];
        for (const xid of everyXid) {
          const isSeen = isVisible(position, xid);
          if (seen.includes(xid) || isVisible(since, xid)) expect(isSeen).toBe(true);
          if (unseen.includes(xid) || !isVisible(until, xid)) expect(isSeen).toBe(false);
        }
        const newest = seen.reduce((a, b) => (a > b ? a : b));
        expect(position.xmax).toBe(newest < since.xmax ? since.xmax : newest + 1n);
      }
    }),
    propertyOptions(500),
  );
});

test('what else was written in between is not listed, however much', () => {
  const progress = new Progress(
    snapshotOf(100n, []),
    snapshotOf(2n ** 40n, []),
    BigInt64Array.from([2n ** 39n, 150n]),
  );
  expect(progress.next()).toEqual({ xmin: 150n, xmax: 2n ** 39n + 1n, xip: new Set([150n]) });
  expect(progress.next()).toEqual({ xmin: 2n ** 39n + 1n, xmax: 2n ** 39n + 1n, xip: new Set() });
});
