import { describe, expect, test } from 'vitest';
import { shareEqual } from '../../../client/core/live/share-equal.js';

const row = (id: string, name: string) => ({ id, name, tags: [{ id: `t${id}`, name }] });
type Shown = { readonly rows: readonly ReturnType<typeof row>[] };
const shown = (...rows: readonly ReturnType<typeof row>[]): Shown => ({ rows });

describe('what did not change is the same object', () => {
  const before = shown(row('1', 'a'), row('2', 'b'), row('3', 'c'));

  test('also the whole', () => {
    expect(shareEqual(before, structuredClone(before))).toBe(before);
  });

  test('wherever rows of a list stand now', () => {
    const next = shown(row('3', 'c'), row('1', 'x'), row('4', 'd'));
    const shared = shareEqual(before, next) as Shown;
    expect(shared).toEqual(next);
    expect(shared.rows[0]).toBe(before.rows[2]);
    expect(shared.rows[2]).toBe(next.rows[2]);
  });

  test('and so is a list that lost its end', () => {
    const shared = shareEqual(before, shown(row('1', 'a'))) as Shown;
    expect(shared.rows).toEqual([row('1', 'a')]);
    expect(shared.rows[0]).toBe(before.rows[0]);
  });

  test('without a look at what is the same object in what it was made of', () => {
    const source = structuredClone(before);
    const made = shareEqual(before, source) as Shown;
    const looks = { count: 0 };
    const watched = new Proxy(source.rows[0]!, {
      ownKeys: (target) => {
        looks.count++;
        return Reflect.ownKeys(target);
      },
    });
    const from: Shown = { rows: [watched, ...source.rows.slice(1)] };
    const next: Shown = { rows: [watched, row('2', 'x'), source.rows[2]!] };
    const shared = shareEqual(made, next, from) as Shown;
    expect(shared.rows[0]).toBe(before.rows[0]);
    expect(shared.rows[1]).toEqual(row('2', 'x'));
    expect(shared.rows[2]).toBe(before.rows[2]);
    expect(looks.count).toBe(0);
    expect(shareEqual(made, from, from)).toBe(made);
  });

  test('also where it moved away from what it was made of', () => {
    const source = structuredClone(before);
    const next: Shown = { rows: [source.rows[1]!, source.rows[0]!] };
    const shared = shareEqual(before, next, source) as Shown;
    expect(shared.rows).toEqual(next.rows);
    expect(shared.rows[0]).toBe(before.rows[1]);
    expect(shared.rows[1]).toBe(before.rows[0]);
  });
});
