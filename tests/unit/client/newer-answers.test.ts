import { parse } from 'graphql';
import { expect, test } from 'vitest';
import {
  type ListStore,
  type StoredField,
  streamReader,
  updateCachedLists,
} from '../../../client/core/lists/index.js';
import { schema } from './blog.js';

const listOf = (name: string, isOpaque: boolean, where?: object): StoredField => ({
  name,
  isOpaque,
  args: where ? { where: where as Record<string, unknown> } : {},
  parent: null,
  relation: null,
  table: 'posts',
  kind: 'many',
});
/** Answered a moment ago, and knows post 3. */
const newer = listOf('posts', false, { rank: { gt: 0 } });
const older = listOf('posts', false);
const page = listOf('postsConnection', true);

const store: ListStore = {
  roots: () => [newer, older, page],
  below: () => [],
  fields: () => [],
  members: (field) => (field === newer ? ['1', '3'] : field === older ? ['1'] : undefined),
  row: ({ key }) => ({ id: key, name: `n${key}`, rank: 1 }),
};

const entered = streamReader(
  schema,
  parse('subscription { postChanges { changes { kind op key changedColumns node { id name rank } } } }'),
  {},
)!.read({
  postChanges: {
    changes: [
      { kind: 'ENTER', op: null, key: '3', changedColumns: [], node: { id: '3', name: 'n3', rank: 1 } },
    ],
  },
});

test('a row that may be seen now is news to every list, although a newer answer brought it into the cache before', () => {
  const { lists, stale, staleColumns } = updateCachedLists(schema, store, entered);
  const places = [...lists.map(({ field }) => field), ...stale];
  expect(places).toContain(older);
  expect(places).toContain(page);
  expect(places).not.toContain(newer);
  // It did not change itself: what the cache has of it stays.
  expect(staleColumns).toEqual([]);
});
