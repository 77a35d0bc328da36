import { describe, expect, test } from 'vitest';
import type { FetchNeed } from '../../../client/core/fetch-needs.js';
import { type SyncOptions, syncWithNeeds } from '../../../client/core/sync.js';
import type { ChangeInput } from '../../../shared/protocol/selected.js';
import { schema } from './blog.js';
import { deleted, frozen, inserted, updated } from './changes.js';

function apply(value: unknown, changes: ChangeInput, more: Partial<SyncOptions> = {}) {
  return syncWithNeeds(frozen(value), frozen(changes), { manifest: schema, table: 'posts', ...more });
}

const refetch = (parent: string | null, relation: string | null): FetchNeed => ({
  kind: 'refetch',
  field: { parent: parent === null ? null : { table: 'posts', key: parent }, relation },
});

describe('a list that shows the same row twice', () => {
  const twice = [
    { id: '1', name: 'a' },
    { id: '2', name: 'b' },
    { id: '1', name: 'a' },
  ];

  test('stays as it is where nothing of it changes', () => {
    const { value, needs } = apply(twice, updated('persons', { id: '1', name: 'p' }));
    expect(value).toBe(twice);
    expect(needs).toEqual([]);
  });

  test.each([
    ['an update', updated('posts', { id: '1', name: 'c' }), [{ id: '1', name: 'c' }, twice[1]]],
    ['an insert', inserted('posts', { id: '3', name: 'd' }), [twice[0], twice[1], { id: '3', name: 'd' }]],
    ['the deletion of that row', deleted('posts', '1'), [twice[1]]],
    ['the deletion of another', deleted('posts', '2'), [twice[0]]],
  ])('follows %s, and shows each row once', (_name, changes, expected) => {
    expect(apply(twice, changes)).toEqual({ value: expected, needs: [] });
    const below = [{ id: '9', name: 'z', labels: [{ id: '1' }, { id: '1' }] }];
    expect(apply(below, deleted('labels', '1'))).toEqual({
      value: [{ id: '9', name: 'z', labels: [] }],
      needs: [],
    });
  });
});

describe('a full window that shows a row twice', () => {
  const value = [{ id: '1' }, { id: '1' }];
  const fetched = { value, needs: [refetch(null, null)] };

  test('has to be fetched again, because rows may stand behind it', () => {
    for (const changes of [deleted('posts', '1'), inserted('posts', { id: '3' })]) {
      expect(apply(value, changes, { limit: 2 })).toEqual(fetched);
      expect(apply(value, changes, { limit: 9, offset: 1 })).toEqual(fetched);
    }
  });

  test('is followed where its limit is not reached', () => {
    expect(apply(value, deleted('posts', '1'), { limit: 3 })).toEqual({ value: [], needs: [] });
  });
});

describe('a list with something in it that is no row of its table', () => {
  const odd: readonly (readonly [string, unknown])[] = [
    ['a row without an id', { name: 'draft' }],
    ['a row of another type', { __typename: 'Person', id: '1' }],
    ['null', null],
    ['a text', 'x'],
  ];

  test.each(odd)('has to be fetched again where it shows %s, once its table changes', (_name, item) => {
    const value = [{ id: '1', name: 'a' }, item];
    for (const changes of [
      updated('posts', { id: '1', name: 'b' }),
      deleted('posts', '1'),
      inserted('posts', { id: '3', name: 'c' }),
    ]) {
      expect(apply(value, changes)).toEqual({ value, needs: [refetch(null, null)] });
    }
    expect(apply(value, updated('persons', { id: '1', name: 'p' }))).toEqual({ value, needs: [] });
  });

  test.each(odd)('does so below a row, and the rest is followed: %s', (_name, item) => {
    const value = [{ id: '1', name: 'a', comments: [{ id: '5', body: 'x' }, item] }];
    expect(apply(value, updated('comments', { id: '5', body: 'y' }))).toEqual({
      value,
      needs: [refetch('1', 'comments')],
    });
    const { value: after } = apply(value, updated('posts', { id: '1', name: 'b' }));
    expect(after).toEqual([{ ...value[0], name: 'b' }]);
  });

  test('has to be fetched again where only what hangs from its rows changes', () => {
    const value = [{ name: 'draft', comments: [{ id: '5', body: 'x' }] }];
    expect(apply(value, updated('comments', { id: '5', body: 'y' })).needs).toEqual([refetch(null, null)]);
  });

  test('has nothing to be fetched where nothing in it is a row', () => {
    expect(apply([1, 2], deleted('posts', '1'))).toEqual({ value: [1, 2], needs: [] });
  });
});

describe('relations that a message carries', () => {
  const comment = { id: '5', body: 'x', post: { id: '1', name: 'a' } };
  const post = { id: '1', name: 'a', comments: [comment], author: null };

  test('are shown by the rows of a list that was empty', () => {
    expect(apply([], inserted('posts', post))).toEqual({ value: [post], needs: [] });
    expect(apply(null, inserted('posts', post))).toEqual({ value: post, needs: [] });
    const below = [{ id: '1', name: 'a', comments: [] }];
    expect(apply(below, inserted('comments', { ...comment, postId: '1' })).value).toEqual([
      { ...below[0], comments: [{ ...comment, postId: '1' }] },
    ]);
  });

  test('are shown where related scopes carry them', () => {
    const changes = {
      table: 'posts',
      changes: [{ kind: 'ENTER', op: 'INSERT', key: '1', node: { id: '1', name: 'a' } }],
      related: {
        comments: {
          changes: [{ kind: 'ENTER', op: 'INSERT', key: '5', node: { id: '5', body: 'x' } }],
          links: [{ kind: 'ENTER', parent: '1', child: '5' }],
        },
      },
    } as const;
    expect(apply([], changes)).toEqual({
      value: [{ id: '1', name: 'a', comments: [{ id: '5', body: 'x' }] }],
      needs: [],
    });
  });

  test('end with the message where they come back to the same row', () => {
    const round = { id: '1', author: { id: '7', posts: [{ id: '1', name: 'a' }] } };
    expect(apply([], inserted('posts', round)).value).toEqual([
      { id: '1', name: 'a', author: { id: '7', posts: [{ id: '1', name: 'a' }] } },
    ]);
  });

  test('are left out where rows of the list, or `with`, say that they are not loaded', () => {
    const bare = { id: '1', name: 'a' };
    expect(apply([{ id: '2', name: 'b' }], inserted('posts', post)).value).toEqual(
      [{ id: '2', name: 'b' }, bare].sort((left, right) => (left.id < right.id ? -1 : 1)),
    );
    expect(apply([], inserted('posts', post), { with: {} }).value).toEqual([bare]);
    const shown = { ...bare, comments: [{ id: '5', body: 'x' }] };
    expect(apply([], inserted('posts', post), { with: { comments: {} } }).value).toEqual([shown]);
  });
});

describe('the options of sync', () => {
  const problemsOf = (options: unknown): unknown => {
    try {
      syncWithNeeds([], [], options as SyncOptions);
    } catch (error) {
      return (error as { code: string; details: { problems: unknown } }).code === 'OPTIONS_INVALID'
        ? (error as { details: { problems: unknown } }).details.problems
        : error;
    }
    return [];
  };

  test('are refused with all their problems at once', () => {
    expect(
      problemsOf({
        manifest: schema,
        tabel: 'posts',
        where: [],
        orderBy: 'id',
        limit: -1,
        offset: '1',
        columns: [1],
        follows: 'all',
        with: { comments: { limit: 1.5, odd: true } },
      }),
    ).toEqual([
      expect.stringMatching(/^tabel: there is no such option; there are .*table/),
      'where: must be an object, not a list',
      'orderBy: must be a list, not a string',
      'limit: must be a whole number from 0, not -1',
      'offset: must be a whole number from 0, not "1"',
      'columns[0]: must be a string, not 1',
      'follows: must be one of "value", "table", not "all"',
      'with.comments.limit: must be a whole number from 0, not 1.5',
      expect.stringMatching(/^with\.comments\.odd: there is no such option/),
    ]);
    expect(problemsOf({})).toEqual(['manifest: is missing']);
    expect(problemsOf(null)).toEqual(['the options: must be an object, not null', 'manifest: is missing']);
    expect(problemsOf({ manifest: 'x' })).toEqual([
      'manifest: must be a manifest, or what `readManifest` returned, not "x"',
    ]);
  });

  test('may be left out, or null where a query takes null', () => {
    const options = { where: null, orderBy: null, limit: null, offset: null, table: undefined, with: {} };
    expect(problemsOf({ manifest: schema, ...options })).toEqual([]);
  });
});
