import { defineRelations } from 'drizzle-orm';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inCausalOrder } from '../../../src/log/order.js';
import type { LoggedChange } from '../../../src/log/types.js';
import { readModel } from '../../../src/model/read.js';
import { propertyOptions } from '../../support/property.js';

const rows = pgTable('rows', { id: integer().primaryKey(), v: integer() });
const relations = defineRelations({ rows });
const table = readModel(relations).table('rows');

/** A row's life: `null` is no row, a number its value. */
function changesOf(states: readonly (number | null)[]): LoggedChange[] {
  return states.slice(1).map((state, i) => {
    const [before, after] = [states[i]!, state].map((each) => (each === null ? null : ['1', String(each)]));
    const op = before === null ? 'INSERT' : after === null ? 'DELETE' : 'UPDATE';
    return { seq: BigInt(i), table, op, old: before!, new: after! };
  });
}

const isChain = (changes: readonly LoggedChange[]) =>
  changes.every((change, i) => i === 0 || JSON.stringify(changes[i - 1]!.new) === JSON.stringify(change.old));

test('changes that follow from one another stay as they are', () => {
  const changes = changesOf([null, 1, 2, 1, null, 5]);
  expect(inCausalOrder(changes)).toBe(changes);
});

test('an insert that was logged after the update that its trigger made comes first', () => {
  const [insert, update] = changesOf([null, 1, 2]);
  expect(inCausalOrder([update!, insert!])).toEqual([insert, update]);
});

test('shuffled changes become a chain again, with the same beginning and the same end', () => {
  const life = fc
    .array(fc.option(fc.integer({ min: 0, max: 4 })), { minLength: 3, maxLength: 12 })
    .map((states) => states.filter((state, i) => i === 0 || state !== states[i - 1]))
    .filter((states) => states.length > 2);
  fc.assert(
    fc.property(life, fc.infiniteStream(fc.nat()), (states, picks) => {
      const changes = changesOf(states);
      const shuffled = [...changes];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = picks.next().value! % (i + 1);
        [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      }
      const ordered = inCausalOrder(shuffled)!;
      expect(isChain(ordered)).toBe(true);
      expect(new Set(ordered)).toEqual(new Set(changes));
      // A life that ends where it began has no beginning of its own.
      if (JSON.stringify(states[0]) === JSON.stringify(states.at(-1))) return;
      expect(ordered[0]!.old).toEqual(changes[0]!.old);
      expect(ordered.at(-1)!.new).toEqual(changes.at(-1)!.new);
    }),
    propertyOptions(1_000),
  );
});

test('old and new images that stand beside others than their own leave the first and the last', () => {
  const life = fc
    .array(fc.option(fc.integer({ min: 0, max: 4 })), { minLength: 3, maxLength: 12 })
    .map((states) => states.filter((state, i) => i === 0 || state !== states[i - 1]))
    .filter((states) => states.length > 2);
  fc.assert(
    fc.property(life, fc.nat(), (states, by) => {
      const changes = changesOf(states);
      // As where a row of another key has come between, and all after it have shifted.
      const shifted = changes.map((change, i) => ({
        ...change,
        old: changes[(i + by) % changes.length]!.old,
      }));
      const found = inCausalOrder(shifted)!;
      const [first, last] = [changes[0]!.old, changes.at(-1)!.new];
      if (JSON.stringify(first) === JSON.stringify(last)) {
        expect(found.at(0)?.old ?? null).toEqual(found.at(-1)?.new ?? null);
        return;
      }
      expect([found[0]!.old, found.at(-1)!.new]).toEqual([first, last]);
    }),
    propertyOptions(1_000),
  );
});

test('where a change is missing there is no order', () => {
  const [first, , third] = changesOf([1, 2, 3, 4]);
  expect(inCausalOrder([third!, first!])).toBeNull();
  expect(inCausalOrder([first!, third!])).toBeNull();
});

test('where only some columns are logged, changes of others may be missing between them', () => {
  const change = (seq: bigint, old: LoggedChange['old'], next: LoggedChange['new']): LoggedChange => ({
    seq,
    table,
    op: 'UPDATE',
    old,
    new: next,
  });
  const first = change(1n, ['1', 'a', 'x'], ['1', 'b', 'x']);
  const second = change(0n, ['1', 'b', 'y'], ['1', 'c', 'y']);
  expect(inCausalOrder([second, first])).toBeNull();
  expect(inCausalOrder([second, first], [1])).toEqual([first, second]);
});
