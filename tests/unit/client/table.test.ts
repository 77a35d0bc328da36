import { describe, expect, test } from 'vitest';
import { sync } from '../../../client/core/sync.js';
import type { ChangeData } from '../../../shared/protocol/selected.js';
import { schema } from './blog.js';
import { deleted, frozen, inserted, updated } from './changes.js';

const post = (id: string, more: object = {}) => ({ id, name: `Post ${id}`, ...more });
const comment = (id: string, postId: string) => ({ id, postId, body: `Comment ${id}` });

interface Row {
  readonly name: string;
  readonly table?: string;
  readonly input: unknown;
  readonly change: ChangeData;
  readonly output: unknown;
}

const ROWS: readonly Row[] = [
  { name: 'INSERT into nothing', input: [], change: inserted('posts', post('1')), output: [post('1')] },
  {
    name: 'INSERT into a list',
    input: [post('1')],
    change: inserted('posts', post('2')),
    output: [post('1'), post('2')],
  },
  {
    name: 'INSERT below a row',
    input: [post('1', { comments: [] })],
    change: inserted('comments', comment('1', '1')),
    output: [post('1', { comments: [comment('1', '1')] })],
  },
  { name: 'INSERT in place of null', input: null, change: inserted('posts', post('1')), output: post('1') },
  {
    name: 'UPDATE of the value itself',
    input: { id: '1', name: 'Name' },
    change: updated('posts', { id: '1', name: 'Updated name' }),
    output: { id: '1', name: 'Updated name' },
  },
  {
    name: 'UPDATE of a row that is not in the list',
    input: [post('1')],
    change: updated('posts', post('2')),
    output: [post('1'), post('2')],
  },
  {
    name: 'UPDATE of a row that is not below its parent',
    input: [post('1', { comments: [] })],
    change: updated('comments', comment('1', '1')),
    output: [post('1', { comments: [comment('1', '1')] })],
  },
  {
    name: 'UPDATE that moves a row to another parent',
    input: [post('1', { comments: [comment('1', '1')] }), post('2', { comments: [] })],
    change: updated('comments', comment('1', '2')),
    output: [post('1', { comments: [] }), post('2', { comments: [comment('1', '2')] })],
  },
  { name: 'DELETE from nothing', input: [], change: deleted('posts', '1'), output: [] },
  { name: 'DELETE of the value itself', input: post('1'), change: deleted('posts', '1'), output: post('1') },
  {
    name: 'DELETE from a list',
    input: [post('1'), post('2')],
    change: deleted('posts', '2'),
    output: [post('1')],
  },
  {
    name: 'DELETE below a row',
    input: [post('1', { comments: [comment('1', '1')] })],
    change: deleted('comments', '1'),
    output: [post('1', { comments: [] })],
  },
  { name: 'anything on an empty text', input: '', change: inserted('posts', post('1')), output: '' },
  { name: 'anything on a number', input: 9, change: deleted('posts', '1'), output: 9 },
  {
    name: 'anything on a list of numbers',
    input: [1, 2],
    change: inserted('posts', post('1')),
    output: [1, 2],
  },
  {
    name: 'anything on an object without an id',
    input: { a: 1 },
    change: deleted('posts', '1'),
    output: { a: 1 },
  },
];

describe('sync', () => {
  test.each(ROWS)('$name', ({ input, change, output, table = 'posts' }) => {
    const before = frozen(input);
    const once = sync(before, change, { manifest: schema, table });
    expect(once).toEqual(output);
    expect(sync(frozen(once), change, { manifest: schema, table })).toBe(once);
    if (JSON.stringify(input) === JSON.stringify(output)) expect(once).toBe(before);
  });
});
