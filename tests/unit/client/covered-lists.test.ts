import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import {
  type ListStore,
  type LiveCoverage,
  type StoredField,
  streamReader,
  updateCachedLists,
} from '../../../client/core/lists/index.js';
import { schema } from './blog.js';

const listOf = (where: object | null): StoredField => ({
  name: 'posts',
  isOpaque: false,
  args: where ? { where: where as Record<string, unknown> } : {},
  parent: null,
  relation: null,
  table: 'posts',
  kind: 'many',
});
const live = listOf(null);
const other = listOf({ rank: { lt: 5 } });

/** Posts 1 and 2 with a name and a rank, in these lists. */
const storeOf = (...lists: readonly StoredField[]): ListStore => ({
  roots: () => lists,
  below: () => [],
  fields: () => [],
  members: () => ['1', '2'],
  row: ({ key }) => ({ id: key, name: `n${key}`, rank: 1 }),
});

/** A live query shows every post's name. */
const covered: LiveCoverage = {
  isOwnWrite: false,
  field: (field) => field === live,
  row: () => true,
  column: (_entity, name) => name === 'id' || name === 'name',
};

function told(where: string, change: object) {
  const query = `subscription { postChanges${where} { changes { kind op key changedColumns node { id name } } } }`;
  return streamReader(schema, parse(query), {})!.read({ postChanges: { changes: [change] } });
}

const deletion = told('', { kind: 'LEAVE', op: 'DELETE', key: '2', changedColumns: null, node: null });
const NOTHING = { rows: [], lists: [], stale: [], staleColumns: [], gone: [] };

describe('where live queries keep every list', () => {
  test('nothing is done to them', () => {
    expect(updateCachedLists(schema, storeOf(live), deletion, covered)).toEqual(NOTHING);
  });

  test('a column that they do not show is forgotten when it changed and was not sent', () => {
    const node = { id: '2', name: 'x' };
    const change = told('', {
      kind: 'UPDATE',
      op: 'UPDATE',
      key: '2',
      changedColumns: ['name', 'rank'],
      node,
    });
    const edits = updateCachedLists(schema, storeOf(live), change, covered);
    const entity = { table: 'posts', key: '2' };
    expect(edits).toEqual({ ...NOTHING, staleColumns: [{ entity, names: ['rank'] }] });
  });

  test('a column that they do not show is forgotten when its row left a set of rows', () => {
    const change = { kind: 'LEAVE', op: null, key: '2', changedColumns: null, node: null };
    const edits = updateCachedLists(
      schema,
      storeOf(live),
      told('(where: { rank: { lt: 5 } })', change),
      covered,
    );
    const entity = { table: 'posts', key: '2' };
    expect(edits).toEqual({ ...NOTHING, staleColumns: [{ entity, names: ['rank'] }] });
  });

  test('a list that is none of theirs is kept all the same', () => {
    const { lists } = updateCachedLists(schema, storeOf(live, other), deletion, covered);
    expect(lists).toEqual([{ field: other, keys: ['1'] }]);
  });

  test('an own write is shown in theirs, too', () => {
    const { lists } = updateCachedLists(schema, storeOf(live), deletion, { ...covered, isOwnWrite: true });
    expect(lists).toEqual([{ field: live, keys: ['1'] }]);
  });
});
