import { describe, expect, test } from 'vitest';
import { readMessages } from '../../../client/core/read-message.js';
import { sync, syncWithNeeds } from '../../../client/core/sync.js';
import { RivuletError } from '../../../shared/errors.js';
import type { ChangeInput } from '../../../shared/protocol/selected.js';
import { schema } from './blog.js';
import { frozen } from './changes.js';

const options = { manifest: schema, table: 'posts' };

const value = frozen([
  { __typename: 'Post', id: '1', name: 'a', comments: [{ __typename: 'Comment', id: '5', body: 'x' }] },
  { __typename: 'Post', id: '2', name: 'b', comments: [] },
]);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof RivuletError) return error.code;
    throw error;
  }
  return 'none';
}

const post = (change: object) =>
  JSON.parse(JSON.stringify({ postChanges: { changes: [change] } })) as ChangeInput;
const update = (node: object) => post({ kind: 'UPDATE', op: 'UPDATE', key: '1', node });

describe('a message that no server sends', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['a row of another type', update({ __typename: 'Person', id: '1', name: 'z' })],
    ['a row with another id than its change', update({ id: '2', name: 'z' })],
    ['a row of another type below it', update({ id: '1', comments: [{ __typename: 'Post', id: '2' }] })],
    ['a row below it without an id', update({ id: '1', comments: [{ body: 'x' }] })],
    ['an id that cannot be one', post({ kind: 'LEAVE', op: 'DELETE', key: 'x', node: null })],
    ['a key that is no text', post({ kind: 'LEAVE', op: 'DELETE', key: 1, node: null })],
    ['an object where a text is expected', update({ id: '1', name: { a: 1 } })],
    ['a list where a row is expected', update([])],
    ['a relation that is no list', update({ id: '1', comments: { id: '5' } })],
    ['a kind that there is not', post({ kind: 'DROP', key: '1', node: null })],
    ['an operation that there is not', post({ kind: 'LEAVE', op: 'TRUNCATE', key: '1', node: null })],
    ['a row that leaves and is there', post({ kind: 'LEAVE', key: '1', node: { id: '1' } })],
    ['a row that enters and is not there', post({ kind: 'ENTER', key: '1', node: null })],
    ['a stream of no table', { ghostChanges: { changes: [] } }],
    ['a message of a table that there is not', { table: 'ghosts', changes: [] }],
    ['a message that names two tables', { __typename: 'PostChanges', table: 'persons', changes: [] }],
    ['a message of another type', { __typename: 'GhostChanges', changes: [] }],
    ['a scope of no relation', { postChanges: { changes: [], related: { ghosts: {} } } }],
    [
      'a link to something',
      {
        postChanges: {
          changes: [],
          related: { comments: { links: [{ kind: 'ENTER', parent: 'a', child: '1' }] } },
        },
      },
    ],
    ['nothing', null],
    ['a text', 'x'],
    ['a list of texts', ['x']],
  ];

  test.each(cases)('%s is refused, and nothing of it is applied', (_, message) => {
    expect(codeOf(() => sync(value, message as ChangeInput, options))).toBe('MESSAGE_INVALID');
  });

  test('names the place', () => {
    expect(() => sync(value, update({ id: '1', name: { a: 1 } }), options)).toThrow(
      'message.postChanges.changes[0].node.name: a value that the column cannot have',
    );
  });

  test('nested a million levels deep is refused without overflowing the stack', () => {
    let node: Record<string, unknown> = { id: '1' };
    for (let level = 0; level < 1_000_000; level++) node = { id: '1', author: { id: '7', posts: [node] } };
    expect(
      codeOf(() => sync(value, { postChanges: { changes: [{ kind: 'UPDATE', key: '1', node }] } }, options)),
    ).toBe('MESSAGE_INVALID');
    let related: Record<string, unknown> = {};
    for (let level = 0; level < 100_000; level++) related = { author: { related: { posts: { related } } } };
    expect(codeOf(() => sync(value, { postChanges: { changes: [], related } } as ChangeInput, options))).toBe(
      'MESSAGE_INVALID',
    );
  });
});

describe('names that objects have of themselves', () => {
  const hostile = JSON.parse(
    '{"postChanges":{"changes":[{"kind":"UPDATE","op":"UPDATE","key":"1","node":{"id":"1","name":"new",' +
      '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":"x"}}]}}',
  ) as ChangeInput;

  test('change nothing but the row that is addressed', () => {
    const after = sync(value, hostile, options);
    expect(after).toEqual([{ ...value[0], name: 'new' }, value[1]]);
    expect(after[1]).toBe(value[1]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(after[0])).toBe(Object.prototype);
    expect(Object.keys(after[0]!)).toEqual(Object.keys(value[0]!));
  });

  test('stay out of new rows too', () => {
    const enter = JSON.parse(
      JSON.stringify(hostile).replaceAll('"1"', '"9"').replace('UPDATE', 'ENTER'),
    ) as ChangeInput;
    const row = (sync([], enter, options) as object[])[0]!;
    expect(Object.keys(row).sort()).toEqual(['id', 'name']);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  test('are no streams, no relations and no tables', () => {
    const proto = JSON.parse('{"__proto__":{"changes":[]}}') as ChangeInput;
    expect(codeOf(() => sync(value, proto, options))).toBe('MESSAGE_INVALID');
    const related = JSON.parse('{"postChanges":{"changes":[],"related":{"constructor":{}}}}') as ChangeInput;
    expect(codeOf(() => sync(value, related, options))).toBe('MESSAGE_INVALID');
  });
});

describe('the table', () => {
  const deleted = { kind: 'LEAVE', op: 'DELETE', key: '1', node: null } as const;

  test('of the value is told by its rows, or by the options, or is unknown', () => {
    expect(sync(value, { postChanges: { changes: [deleted] } }, { manifest: schema })).toEqual([value[1]]);
    expect(
      codeOf(() => sync([{ id: '1' }], { postChanges: { changes: [deleted] } }, { manifest: schema })),
    ).toBe('TABLE_UNKNOWN');
    expect(codeOf(() => sync(value, { changes: [] }, { manifest: schema, table: 'ghosts' }))).toBe(
      'TABLE_UNKNOWN',
    );
  });

  test('of a message is named by its field, by its type or by its table, and never taken to be that of the value', () => {
    expect(sync(value, { table: 'posts', changes: [deleted] }, options)).toEqual([value[1]]);
    expect(sync(value, { table: 'persons', changes: [deleted] }, options)).toBe(value);
    expect(codeOf(() => sync(value, { changes: [deleted] }, options))).toBe('TABLE_UNKNOWN');
    const aliased = { postChanges: { __typename: 'PersonChanges', changes: [deleted] } };
    expect(sync(value, aliased, options)).toBe(value);
    const comment = { __typename: 'CommentChanges', changes: [{ ...deleted, key: '5' }] };
    expect(sync(value, comment, options)[0]!.comments).toEqual([]);
    expect(codeOf(() => sync([], { changes: [] }, { manifest: schema }))).toBe('TABLE_UNKNOWN');
  });
});

describe('what cannot be placed', () => {
  const changes = {
    postChanges: { changes: [{ kind: 'LEAVE', op: 'DELETE', key: '1', node: null }] },
  } as const;

  test.each([
    ['rows without an id', [{ name: 'a' }, { name: 'b' }]],
    ['a row without an id', { name: 'a' }],
    ['rows by the columns of their key', [{ postId: '1', labelId: '2' }]],
    ['the data of a query', { posts: [{ __typename: 'Post', id: '1' }] }],
    ['rows of a type that the schema does not have', [{ __typename: 'Ghost', id: '1' }]],
  ])('is refused where no table is named: %s', (_name, odd) => {
    expect(codeOf(() => sync(odd, changes as never, { manifest: schema }))).toBe('TABLE_UNKNOWN');
  });

  test('is no scalar, which no change concerns', () => {
    for (const scalar of ['x', 5, true, undefined, ['x', 5]]) {
      expect(sync(scalar, changes as never, { manifest: schema })).toBe(scalar);
    }
  });

  test('is no stream whose alias is `changes`', () => {
    const aliased = { changes: { __typename: 'PostChanges', ...changes.postChanges } };
    expect(sync(value, aliased as never, options)).toEqual([value[1]]);
  });
});

test('a reset is a need, and what comes with it is applied', () => {
  const { needs, value: same } = syncWithNeeds(
    value,
    { table: 'posts', reset: 'OVERFLOW', changes: [] },
    options,
  );
  expect(needs).toEqual([{ kind: 'reset', reason: 'OVERFLOW' }]);
  expect(same).toBe(value);
});

test('what stands in one data is one transaction', () => {
  const read = readMessages(
    schema,
    { postChanges: { changes: [] }, commentChanges: { changes: [] } },
    undefined,
  );
  expect(read.map((group) => group.map(({ root }) => root.table.name))).toEqual([['posts', 'comments']]);
});
