import { describe, expect, test } from 'vitest';
import { type SyncOptions, syncWithNeeds } from '../../../client/core/sync.js';
import type { ChangeInput } from '../../../shared/protocol/selected.js';
import { schema } from './blog.js';
import { change, deleted, frozen, inserted, updated } from './changes.js';

/** Applies changes to a frozen value, twice, and returns the value; nothing may be left to ask for. */
function apply(
  table: string,
  value: unknown,
  changes: ChangeInput,
  more: Partial<SyncOptions> = {},
): unknown {
  const options = { manifest: schema, table, ...more };
  const { value: once, needs } = syncWithNeeds(frozen(value), frozen(changes), options);
  expect(needs).toEqual([]);
  expect(syncWithNeeds(frozen(once), changes, options).value).toBe(once);
  return once;
}

describe('belongs-to', () => {
  const post = { id: '1', authorId: '7', author: { id: '7', name: 'ada' } };

  test('a deleted parent becomes null', () => {
    expect(apply('posts', post, deleted('persons', '7'))).toEqual({ ...post, author: null });
  });

  test('a changed parent shows its change', () => {
    const changed = apply('posts', post, updated('persons', { id: '7', name: 'Ada' }));
    expect(changed).toEqual({ ...post, author: { id: '7', name: 'Ada' } });
  });

  test('a row that points at another known parent shows that one', () => {
    const posts = [post, { id: '2', authorId: '8', author: { id: '8', name: 'grace' } }];
    const [first] = apply('posts', posts, updated('posts', { id: '1', authorId: '8' })) as unknown[];
    expect(first).toEqual({ id: '1', authorId: '8', author: { id: '8', name: 'grace' } });
  });

  test('a row that points at an unknown parent has it fetched, and shows no other meanwhile', () => {
    const { value, needs } = syncWithNeeds(post, updated('posts', { id: '1', authorId: '9' }), {
      manifest: schema,
      table: 'posts',
    });
    expect(value).toEqual({ id: '1', authorId: '9', author: null });
    expect(needs).toEqual([
      { kind: 'refetch', field: { parent: { table: 'posts', key: '1' }, relation: 'author' } },
    ]);
  });

  test('a parent that was sent inside of the row is shown', () => {
    const node = { id: '1', authorId: '9', author: { id: '9', name: 'alan' } };
    expect(apply('posts', post, updated('posts', node))).toEqual(node);
  });

  test('a row that points at nobody shows null', () => {
    expect(apply('posts', post, updated('posts', { id: '1', authorId: null }))).toEqual({
      id: '1',
      authorId: null,
      author: null,
    });
  });
});

describe('has-one', () => {
  const ada = { id: '7', profile: null };

  test('is found, changed and lost', () => {
    const found = apply('persons', ada, inserted('profiles', { id: '3', personId: '7', bio: 'x' }));
    expect(found).toEqual({ id: '7', profile: { id: '3', personId: '7', bio: 'x' } });
    expect(apply('persons', found, deleted('profiles', '3'))).toEqual(ada);
    expect(apply('persons', found, updated('profiles', { id: '3', personId: '8', bio: 'x' }))).toEqual(ada);
  });
});

describe('has-many with a where', () => {
  const ada = { id: '7', testPosts: [], otherPosts: [], namelessPosts: [] };
  const post = (name: string | null) => ({ id: '1', authorId: '7', name });

  test.each([
    ['test', { testPosts: [post('test')] }],
    ['draft', {}],
    ['news', { otherPosts: [post('news')] }],
    [null, { namelessPosts: [post(null)] }],
  ])('a post called %s stands where it belongs', (name, lists) => {
    expect(apply('persons', ada, inserted('posts', post(name)))).toEqual({ ...ada, ...lists });
  });

  test('an update moves a row from one to the other', () => {
    const before = { ...ada, testPosts: [post('test')] };
    const after = { ...ada, otherPosts: [post('news')] };
    expect(apply('persons', before, updated('posts', post('news')))).toEqual(after);
    expect(apply('persons', after, updated('posts', post('draft')))).toEqual(ada);
  });

  test('what only a collation can decide is fetched, and left as it is', () => {
    const value = { id: '7', loudPosts: [post('LOUD')] };
    const options = { manifest: schema, table: 'persons' };
    const { value: after, needs } = syncWithNeeds(value, updated('posts', post('quiet')), options);
    expect(after).toEqual({ id: '7', loudPosts: [post('quiet')] });
    expect(needs).toMatchObject([{ kind: 'refetch', field: { relation: 'loudPosts' } }]);
    const same = syncWithNeeds(
      value,
      updated('posts', { ...post('LOUD'), rank: 2 }, { changedColumns: ['rank'] }),
      options,
    );
    expect(same.needs).toEqual([]);
  });
});

describe('two relations to the same table by different keys', () => {
  test('each follows its own', () => {
    const ada = { id: '7', posts: [], reviews: [] };
    const post = { id: '1', authorId: '7', reviewerId: '8' };
    const written = apply('persons', ada, inserted('posts', post));
    expect(written).toEqual({ ...ada, posts: [post] });
    const both = { ...post, reviewerId: '7' };
    expect(apply('persons', written, updated('posts', both))).toEqual({
      ...ada,
      posts: [both],
      reviews: [both],
    });
  });
});

describe('has-many by a column that is no key', () => {
  const ada = { id: '7', name: 'ada', namedPosts: [{ id: '1', name: 'ada' }] };
  const asks = (parent: string) => [
    { kind: 'refetch', field: { parent: { table: 'persons', key: parent }, relation: 'namedPosts' } },
  ];

  test('takes and loses rows by it', () => {
    expect(apply('persons', ada, inserted('posts', { id: '2', name: 'ada' }))).toEqual({
      ...ada,
      namedPosts: [...ada.namedPosts, { id: '2', name: 'ada' }],
    });
    expect(apply('persons', ada, updated('posts', { id: '1', name: 'x' }))).toEqual({
      ...ada,
      namedPosts: [],
    });
  });

  test('is fetched where the column changes, and for a new row, whose rows may have been there before', () => {
    const options = { manifest: schema, table: 'persons' };
    expect(syncWithNeeds(ada, updated('persons', { id: '7', name: 'Ada' }), options).needs).toEqual(
      asks('7'),
    );
    expect(syncWithNeeds([ada], inserted('persons', { id: '8', name: 'x' }), options).needs).toEqual(
      asks('8'),
    );
    expect(apply('persons', ada, updated('persons', { id: '7', name: null }))).toEqual({
      id: '7',
      name: null,
      namedPosts: [],
    });
  });
});

describe('has-many through', () => {
  const ada = { id: '7', posts: [{ id: '1', authorId: '7' }], allTags: [] };
  const tag = { id: '5', postId: '1', name: 'x' };

  test('a row at the far end is linked by the row between', () => {
    expect(apply('persons', ada, inserted('tags', tag))).toEqual({ ...ada, allTags: [tag] });
  });

  test('all of them go with the row between', () => {
    const value = { ...ada, allTags: [tag, { ...tag, id: '6', postId: '2' }] };
    expect(apply('persons', value, deleted('posts', '1', { authorId: '7' }))).toEqual({
      id: '7',
      posts: [],
      allTags: [{ ...tag, id: '6', postId: '2' }],
    });
  });

  test('a row of which nobody knows the row between has the list fetched', () => {
    const { value, needs } = syncWithNeeds(ada, inserted('tags', { ...tag, postId: '9' }), {
      manifest: schema,
      table: 'persons',
    });
    expect(value).toBe(ada);
    expect(needs).toMatchObject([{ kind: 'refetch', field: { relation: 'allTags' } }]);
  });
});

describe('what is needed at one place', () => {
  test('is needed where the row moves to in the same transaction', () => {
    const value = [
      { id: '7', posts: [{ id: '1', authorId: '7', labels: [] }] },
      { id: '8', posts: [] },
    ];
    const moved = {
      ...updated('posts', { id: '1', authorId: '8' }),
      ...inserted('postLabels', { postId: '1', labelId: '9' }),
    };
    const { needs } = syncWithNeeds(value, moved, { manifest: schema, table: 'persons' });
    expect(needs).toEqual([
      { kind: 'refetch', field: { parent: { table: 'posts', key: '1' }, relation: 'labels' } },
    ]);
  });

  test('is asked for where the row between is there, but not whose it is', () => {
    const value = { id: '7', posts: [{ id: '1' }], allTags: [] };
    const { value: same, needs } = syncWithNeeds(value, inserted('tags', { id: '5', postId: '1' }), {
      manifest: schema,
      table: 'persons',
    });
    expect(same).toBe(value);
    expect(needs).toMatchObject([{ kind: 'refetch', field: { relation: 'allTags' } }]);
  });
});

describe('many-to-many', () => {
  const good = { id: '3', name: 'good' };
  const bad = { id: '4', name: 'bad' };
  const posts = [
    { id: '1', labels: [good], goodLabels: [good] },
    { id: '2', labels: [bad], goodLabels: [] },
  ];

  test('a junction row links, with and without a where', () => {
    const changes = [
      inserted('postLabels', { postId: '2', labelId: '3' }),
      inserted('postLabels', { postId: '1', labelId: '4' }),
    ];
    expect(apply('posts', posts, changes)).toEqual([
      { id: '1', labels: [good, bad], goodLabels: [good] },
      { id: '2', labels: [good, bad], goodLabels: [good] },
    ]);
  });

  test('its deletion unlinks, by its key alone', () => {
    expect(apply('posts', posts, deleted('postLabels', '1:3'))).toEqual([
      { id: '1', labels: [], goodLabels: [] },
      posts[1],
    ]);
  });

  test('its update moves the pair', () => {
    const friends = [
      { id: '1', following: [{ id: '2' }] },
      { id: '2', following: [] },
    ];
    const move = updated(
      'follows',
      { id: '9', fromId: '2', toId: '2' },
      { previous: { fromId: '1', toId: '2' } },
    );
    const { value, needs } = syncWithNeeds(frozen(friends), move, { manifest: schema, table: 'persons' });
    expect(value).toEqual([
      { id: '1', following: [] },
      { id: '2', following: [{ id: '2' }] },
    ]);
    // The junction has a key of its own, so that it may hold the pair a second time.
    expect(needs).toEqual([
      { kind: 'refetch', field: { parent: { table: 'persons', key: '1' }, relation: 'following' } },
    ]);
  });

  test('a label that begins to match the where has the list fetched, one that stops leaves', () => {
    expect(apply('posts', posts, updated('labels', { id: '3', name: 'fair' }))).toEqual([
      { id: '1', labels: [{ id: '3', name: 'fair' }], goodLabels: [] },
      posts[1],
    ]);
    const { needs } = syncWithNeeds(posts, updated('labels', { id: '4', name: 'good' }), {
      manifest: schema,
      table: 'posts',
    });
    expect(needs.map((need) => need.kind === 'refetch' && need.field.relation)).toEqual([
      'goodLabels',
      'goodLabels',
    ]);
  });
});

describe('relations of a table to itself, and cycles', () => {
  test('a person moves from one boss to another', () => {
    const persons = [
      { id: '1', bossId: null, reports: [{ id: '3', bossId: '1' }] },
      { id: '2', bossId: null, reports: [] },
      { id: '3', bossId: '1', reports: [] },
    ];
    expect(apply('persons', persons, updated('persons', { id: '3', bossId: '2' }))).toEqual([
      { id: '1', bossId: null, reports: [] },
      { id: '2', bossId: null, reports: [{ id: '3', bossId: '2' }] },
      { id: '3', bossId: '2', reports: [] },
    ]);
  });

  test('person → posts → person → posts: the row arrives wherever it belongs', () => {
    const inner = { id: '7', posts: [{ id: '1', authorId: '7' }] };
    const value = { id: '7', posts: [{ id: '1', authorId: '7', author: inner }] };
    const post = { id: '2', authorId: '7' };
    const posts = [{ id: '1', authorId: '7' }, post];
    const author = { id: '7', posts };
    expect(apply('persons', value, inserted('posts', post))).toEqual({
      id: '7',
      posts: [
        { id: '1', authorId: '7', author },
        { ...post, author },
      ],
    });
    expect(apply('persons', value, deleted('posts', '1'))).toEqual({ id: '7', posts: [] });
  });

  test('a deleted person is gone below, and stays as the value itself', () => {
    const value = { id: '7', posts: [{ id: '1', author: { id: '7' } }] };
    expect(apply('persons', value, deleted('persons', '7'))).toEqual({
      id: '7',
      posts: [{ id: '1', author: null }],
    });
  });
});

describe('what is not loaded', () => {
  test('stays not loaded', () => {
    const value = [{ id: '1', name: 'a' }];
    expect(apply('posts', value, inserted('comments', { id: '5', postId: '1' }))).toBe(value);
  });

  test('a new row has loaded what the rows beside it have', () => {
    const value = [{ id: '1', comments: [], labels: [] }];
    expect(apply('posts', value, inserted('posts', { id: '2', name: 'x' }))).toEqual([
      ...value,
      { id: '2', comments: [], labels: [] },
    ]);
  });

  test('a row that came from elsewhere has its relations fetched', () => {
    const value = { id: '7', posts: [{ id: '1', comments: [] }] };
    const { value: after, needs } = syncWithNeeds(value, updated('posts', { id: '2', authorId: '7' }), {
      manifest: schema,
      table: 'persons',
    });
    expect(after).toEqual({ id: '7', posts: [{ id: '1', comments: [] }, { id: '2' }] });
    expect(needs).toEqual([
      { kind: 'refetch', field: { parent: { table: 'posts', key: '2' }, relation: 'comments' } },
    ]);
  });
});

describe('structural sharing', () => {
  test('branches that did not change are the same objects', () => {
    const value = [
      { id: '1', comments: [{ id: '5', body: 'a' }] },
      { id: '2', comments: [{ id: '6', body: 'b' }] },
    ];
    const after = apply(
      'posts',
      value,
      updated('comments', { id: '6', body: 'c' }, { changedColumns: ['body'] }),
    ) as typeof value;
    expect(after[0]).toBe(value[0]);
    expect(after[1]).not.toBe(value[1]);
  });

  test('a row that moves takes its branches along as they are', () => {
    const post = { id: '1', authorId: '7', comments: [{ id: '5', body: 'a' }] };
    const value = [
      { id: '7', posts: [post] },
      { id: '8', posts: [{ id: '2', authorId: '8', comments: [] }] },
    ];
    const after = apply('persons', value, updated('posts', { id: '1', authorId: '8' })) as typeof value;
    expect(after[1]!.posts[0]!.comments).toBe(post.comments);
  });

  test('an update with the values that are there gives the very same value', () => {
    const value = [{ id: '1', name: 'a', comments: [] }];
    expect(apply('posts', value, updated('posts', { id: '1', name: 'a' }))).toBe(value);
  });
});

describe('a policy', () => {
  test('hides a row everywhere', () => {
    const value = [{ id: '1', comments: [{ id: '5', postId: '1' }] }];
    const hidden = change('comments', { kind: 'LEAVE', op: null, key: '5', node: null });
    expect(apply('posts', value, hidden)).toEqual([{ id: '1', comments: [] }]);
  });
});
