import { describe, expect, test } from 'vitest';
import { type SyncOptions, syncWithNeeds } from '../../../client/core/sync.js';
import type {
  SelectedChange,
  SelectedMessage,
  SelectedRelatedMap,
} from '../../../shared/protocol/selected.js';
import { schema } from './blog.js';
import { frozen } from './changes.js';

function apply(value: unknown, message: SelectedMessage, more: Partial<SyncOptions> = {}) {
  const options = { manifest: schema, table: 'posts', ...more };
  const { value: once, needs } = syncWithNeeds(frozen(value), frozen(message), options);
  expect(needs).toEqual([]);
  expect(syncWithNeeds(frozen(once), message, options).value).toBe(once);
  return once;
}

const related = (scopes: SelectedRelatedMap, changes: readonly SelectedChange[] = []): SelectedMessage => ({
  table: 'posts',
  changes,
  related: scopes,
});

/** Rows without their foreign keys: only the server can say what belongs to what. */
const value = [
  { id: '1', comments: [{ id: '5', body: 'a' }], labels: [{ id: '3' }] },
  { id: '2', comments: [], labels: [] },
];

describe('links', () => {
  test('move a row between two parents', () => {
    const message = related({
      comments: {
        changes: [
          { kind: 'UPDATE', op: 'UPDATE', key: '5', node: { id: '5', body: 'a' }, changedColumns: [] },
        ],
        links: [
          { kind: 'LEAVE', parent: '1', child: '5' },
          { kind: 'ENTER', parent: '2', child: '5' },
        ],
      },
    });
    const after = apply(value, message) as typeof value;
    expect(after.map(({ comments }) => comments)).toEqual([[], [{ id: '5', body: 'a' }]]);
    expect(after[1]!.comments[0]).toBe(value[0]!.comments[0]);
  });

  test('link a row that is already there to one more parent, though nothing of it was sent', () => {
    const after = apply(value, related({ labels: { links: [{ kind: 'ENTER', parent: '2', child: '3' }] } }));
    expect(after).toEqual([value[0], { ...value[1], labels: [{ id: '3' }] }]);
  });

  test('bring a row with all that hangs from it', () => {
    const message = related(
      {
        comments: {
          links: [{ kind: 'ENTER', parent: '9', child: '6' }],
          changes: [{ kind: 'ENTER', op: null, key: '6', node: { id: '6', body: 'b' } }],
        },
        labels: { links: [] },
      },
      [{ kind: 'ENTER', op: null, key: '9', node: { id: '9' } }],
    );
    expect(apply(value, message)).toEqual([
      ...value,
      { id: '9', comments: [{ id: '6', body: 'b' }], labels: [] },
    ]);
  });

  test('of a parent that leaves are no news about the pair, which may be shown elsewhere', () => {
    const shown = [
      {
        id: '7',
        posts: [{ id: '1', comments: [{ id: '5' }] }],
        reviews: [{ id: '1', comments: [{ id: '5' }] }],
      },
    ];
    const message = related({
      posts: {
        changes: [{ kind: 'LEAVE', op: null, key: '1', node: null }],
        links: [{ kind: 'LEAVE', parent: '7', child: '1' }],
        related: {
          comments: {
            changes: [{ kind: 'LEAVE', op: null, key: '5', node: null }],
            links: [{ kind: 'LEAVE', parent: '1', child: '5' }],
          },
        },
      },
    });
    expect(apply(shown, { ...message, table: 'persons' }, { table: 'persons' })).toEqual([
      { id: '7', posts: [], reviews: [{ id: '1', comments: [{ id: '5' }] }] },
    ]);
  });

  test('win over what columns say', () => {
    const shown = [{ id: '7', posts: [] }];
    const message = related({
      posts: {
        changes: [{ kind: 'UPDATE', op: 'UPDATE', key: '1', node: { id: '1', authorId: '7' } }],
        links: [],
      },
    });
    expect(apply(shown, { ...message, table: 'persons' }, { table: 'persons' })).toBe(shown);
  });

  test('to a row of which nothing is known have the field fetched', () => {
    const message = related({ comments: { links: [{ kind: 'ENTER', parent: '2', child: '8' }] } });
    const { value: same, needs } = syncWithNeeds(value, message, { manifest: schema, table: 'posts' });
    expect(same).toBe(value);
    expect(needs).toEqual([
      { kind: 'refetch', field: { parent: { table: 'posts', key: '2' }, relation: 'comments' } },
    ]);
  });

  test('are about the list with the where that the stream was asked for with', () => {
    const message = related({
      comments: {
        changes: [{ kind: 'ENTER', op: 'INSERT', key: '6', node: { id: '6', body: 'b' } }],
        links: [],
      },
    });
    const shown = [{ id: '2', comments: [{ id: '7', body: 'b' }] }];
    const where = { body: { eq: 'b' } };
    expect(apply(shown, message, { with: { comments: { where } } })).toBe(shown);
  });
});
