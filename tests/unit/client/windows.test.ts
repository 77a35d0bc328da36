import { describe, expect, test } from 'vitest';
import type { ListArgs } from '../../../client/core/cache.js';
import { syncWithNeeds } from '../../../client/core/sync.js';
import type { ChangeInput } from '../../../shared/protocol/selected.js';
import { schema } from './blog.js';
import { deleted, frozen, inserted, updated } from './changes.js';

const post = (id: string, rank: number | null, more: object = {}) => ({ id, rank, ...more });

function apply(value: readonly object[], changes: ChangeInput, args: ListArgs) {
  const result = syncWithNeeds(frozen(value), changes, { manifest: schema, table: 'posts', ...args });
  const rows = result.value as readonly { id: string }[];
  return {
    ids: rows.map(({ id }) => id).join(' '),
    needs: result.needs.map(({ kind }) => kind).join(' '),
    same: result.value === value,
  };
}

describe('a list with an order', () => {
  test.each([
    ['ASC', '9 1 2 3'],
    ['DESC', '3 2 1 9'],
    ['ASC_NULLS_FIRST', '3 9 1 2'],
    ['DESC_NULLS_LAST', '2 1 9 3'],
  ])('%s takes a row where it belongs', (direction, ids) => {
    const sorted = ids.split(' ').filter((id) => id !== '9');
    const ranks: Record<string, number | null> = { 1: 10, 2: 20, 3: null };
    const value = sorted.map((id) => post(id, ranks[id]!));
    const result = apply(value, inserted('posts', post('9', 5)), { orderBy: [{ rank: direction }] });
    expect(result).toEqual({ ids, needs: '', same: false });
  });

  test('decides between equals by the key as a number, not as a text', () => {
    const value = [post('2', 1), post('10', 1)];
    expect(apply(value, inserted('posts', post('9', 1)), { orderBy: [{ rank: 'ASC' }] }).ids).toBe('2 9 10');
  });

  test('orders an enum as it is declared, whatever GraphQL calls its labels', () => {
    const value = [post('1', 0, { mood: 'in_doubt' }), post('2', 0, { mood: 'glad' })];
    const args = { orderBy: [{ mood: 'ASC' }] };
    expect(apply(value, inserted('posts', post('3', 0, { mood: 'in_doubt' })), args).ids).toBe('1 3 2');
  });

  test('moves a row whose order changed', () => {
    const value = [post('1', 1), post('2', 2), post('3', 3)];
    expect(apply(value, updated('posts', post('1', 9)), { orderBy: [{ rank: 'ASC' }] })).toEqual({
      ids: '2 3 1',
      needs: '',
      same: false,
    });
  });

  test('of text asks where the row stands, unless the text is equal or an earlier column decides', () => {
    const value = [post('1', 0, { name: 'a' }), post('2', 0, { name: 'c' })];
    const byName = { orderBy: [{ name: 'ASC' }] };
    expect(apply(value, inserted('posts', post('3', 0, { name: 'b' })), byName)).toMatchObject({
      ids: '1 2 3',
      needs: 'order',
    });
    expect(apply([value[0]!], inserted('posts', post('3', 0, { name: 'a' })), byName).needs).toBe('');
    const byRank = { orderBy: [{ rank: 'ASC' }, { name: 'ASC' }] };
    expect(apply(value, inserted('posts', post('3', 7, { name: 'b' })), byRank).needs).toBe('');
  });
});

describe('a full window', () => {
  const value = [post('1', 10), post('2', 20), post('3', 30)];
  const args = { orderBy: [{ rank: 'ASC' }], limit: 3 };

  test.each([
    ['drops its last where a row enters before it', inserted('posts', post('9', 15)), '1 9 2', ''],
    ['takes nothing after its last', inserted('posts', post('9', 40)), '1 2 3', ''],
    ['asks for a refill where a row leaves', deleted('posts', '2'), '1 3', 'refill'],
    [
      'is right where one leaves and one enters before its last',
      [{ ...deleted('posts', '2'), ...{} }, inserted('posts', post('9', 5))],
      '9 1 3',
      'refill',
    ],
    [
      'asks what comes where its row moves behind all others',
      updated('posts', post('1', 99)),
      '2 3 1',
      'refill',
    ],
    ['keeps a last row that moved up', updated('posts', post('3', 25)), '1 2 3', ''],
    ['takes a row from outside that moved in', updated('posts', post('9', 15)), '1 9 2', ''],
  ] as const)('%s', (_, changes, ids, needs) => {
    expect(apply(value, changes as ChangeInput, args)).toMatchObject({ ids, needs });
  });

  test('needs nothing where one transaction takes a row and brings one before its last', () => {
    const both = {
      postChanges: {
        changes: [
          { kind: 'LEAVE', op: 'DELETE', key: '2', node: null },
          { kind: 'ENTER', op: 'INSERT', key: '9', node: post('9', 5) },
        ],
      },
    } as const;
    expect(apply(value, both, args)).toMatchObject({ ids: '9 1 3', needs: '' });
  });

  test('by a text that differs stays as it is and asks', () => {
    const named = [post('1', 0, { name: 'a' }), post('2', 0, { name: 'c' })];
    const result = apply(named, inserted('posts', post('3', 0, { name: 'b' })), {
      orderBy: [{ name: 'ASC' }],
      limit: 2,
    });
    expect(result).toEqual({ ids: '1 2', needs: 'refetch', same: true });
  });

  test('without a limit of its own is as long as the server makes it', () => {
    const many = Array.from({ length: 100 }, (_, index) => post(String(index + 1), index));
    expect(apply(many, inserted('posts', post('200', 200)), {})).toMatchObject({ needs: '', same: true });
    expect(apply(many, inserted('posts', post('200', 200)), { limit: null }).ids.endsWith(' 200')).toBe(true);
  });
});

describe('a window with an offset', () => {
  const value = [post('3', 30), post('4', 40)];
  const args = { orderBy: [{ rank: 'ASC' }], offset: 2, limit: 3 };

  test('takes a row that sorts inside of it, and asks where one comes before it', () => {
    expect(apply(value, inserted('posts', post('9', 35)), args)).toMatchObject({ ids: '3 9 4', needs: '' });
    expect(apply(value, inserted('posts', post('9', 5)), args)).toMatchObject({
      ids: '3 4',
      needs: 'refetch',
    });
    expect(apply(value, deleted('posts', '1'), args)).toMatchObject({ ids: '3 4', needs: 'refetch' });
  });
});

describe('a list with a where', () => {
  const value = [post('1', 5)];
  const where = { rank: { gte: 3 } };

  test('decides for a stream of the whole table', () => {
    const args = { where, follows: 'table' as const };
    expect(apply(value, inserted('posts', post('2', 1)), args).same).toBe(true);
    expect(apply(value, inserted('posts', post('2', 4)), args).ids).toBe('1 2');
    expect(apply(value, updated('posts', post('1', 1)), args).ids).toBe('');
  });

  test('that only Postgres decides is decided by the kind, where the stream follows the value', () => {
    const open = { where: { name: { ilike: '%x%' } } };
    expect(apply(value, inserted('posts', post('2', 1, { name: 'X' })), open)).toMatchObject({
      ids: '1 2',
      needs: '',
    });
    expect(
      apply(value, inserted('posts', post('2', 1, { name: 'X' })), { ...open, follows: 'table' } as ListArgs),
    ).toMatchObject({ ids: '1', needs: 'refetch' });
  });

  test('is refused with the code of filters where it is none', () => {
    expect(() => apply(value, inserted('posts', post('2', 1)), { where: { ghost: 1 } })).toThrow('ghost');
  });
});
