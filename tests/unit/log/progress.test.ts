import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReadPositions } from '../../../src/log/read-positions.js';
import { covers, isVisible, type Snapshot } from '../../../src/log/snapshot.js';
import { propertyOptions } from '../../support/property.js';

/** A reading: where it began, what it ran in, and what it found, in any order that transactions can have. */
const readings = fc
  .record({
    start: fc.bigInt({ min: 100n, max: 110n }),
    /** Of the numbers from 95 on, what had become of each. */
    fates: fc.array(
      fc.constantFrom('seen', 'openThen', 'openStill', 'openThenEmpty', 'since', 'sinceEmpty', 'sinceOpen'),
      { minLength: 1, maxLength: 30 },
    ),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ start, fates, order }) => {
    const found: bigint[] = [];
    const [openBefore, openAfter] = [new Set<bigint>(), new Set<bigint>()];
    let next = 95n;
    let xmax = start;
    for (const fate of fates) {
      const xid = next++;
      const isBefore = xid < start;
      const isOpenThen = isBefore && fate.startsWith('open');
      if (isOpenThen) openBefore.add(xid);
      if (fate === 'openStill' || fate === 'sinceOpen') {
        if (isOpenThen || !isBefore) openAfter.add(xid);
      } else if (isOpenThen ? fate === 'openThen' : !isBefore && (fate === 'since' || fate === 'openThen')) {
        found.push(xid);
      }
      if (xid >= xmax) xmax = xid + 1n;
    }
    const shuffled = found
      .map((xid) => ({ xid, at: order.next().value as number }))
      .sort((a, b) => a.at - b.at)
      .map(({ xid }) => xid);
    return { since: snapshot(start, openBefore), until: snapshot(xmax, openAfter), xids: shuffled };
  });

function snapshot(xmax: bigint, xip: ReadonlySet<bigint>): Snapshot {
  let xmin = xmax;
  for (const xid of xip) if (xid < xmin) xmin = xid;
  return { xmin, xmax, xip };
}

test('each position sees exactly what was read up to it, and never what was or is still open', () => {
  const property = fc.property(readings, ({ since, until, xids }) => {
    const progress = new ReadPositions(since, until, BigInt64Array.from(xids));
    let before = since;
    for (const [at] of xids.entries()) {
      const position = progress.next();
      for (const [i, xid] of xids.entries()) expect(isVisible(position, xid)).toBe(i <= at);
      for (const xid of until.xip) expect(isVisible(position, xid)).toBe(false);
      // What began after the reading is never taken for read.
      expect(position.xmax <= until.xmax).toBe(true);
      for (let xid = 90n; xid < since.xmax; xid++)
        if (isVisible(since, xid)) expect(isVisible(position, xid)).toBe(true);
      expect(covers(position, before)).toBe(true);
      expect(covers(until, position)).toBe(true);
      expect([...position.xip].every((xid) => xid >= position.xmin && xid < position.xmax)).toBe(true);
      before = position;
    }
  });
  fc.assert(property, propertyOptions(1_000));
});

test('a position stays small however many transactions there are, and were between them', () => {
  const since = snapshot(1_000n, new Set());
  const xids = BigInt64Array.from({ length: 50_000 }, (_, n) => 1_000n + BigInt(n) * 7n);
  const progress = new ReadPositions(since, snapshot(500_000n, new Set([400_000n])), xids);
  for (let n = 0; n < xids.length; n++) expect(progress.next().xip.size).toBeLessThanOrEqual(1);
});
