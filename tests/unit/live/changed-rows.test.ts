import { parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ChangedRowFinder } from '../../../client/core/live/changed-rows.js';

const QUERY = `query ($all: Boolean!) {
  tasks(limit: 3) { id title @include(if: $all) comments { ...Comment } }
  tasks(limit: 3) { status }
  first: task(id: "1") { id title }
}
fragment Comment on Comment { id body }`;

const identify = ({ __typename, id }: Record<string, unknown>) =>
  id === undefined ? undefined : `${__typename}:${id}`;
const rows = (query = QUERY) => new ChangedRowFinder(parse(query), identify);
const task = (id: string, more: object = {}) => ({ __typename: 'Task', id, title: `t${id}`, ...more });

describe('rows that changed by themselves', () => {
  const [one, two, three] = [task('1'), task('2'), task('3')];
  const before = { tasks: [one, two, three], first: one };

  test('are those that are other objects at the same places, with all that the query shows of them', () => {
    const other = task('2', { title: 'other' });
    const [changed, ...more] = rows().between(before, { ...before, tasks: [one, other, three] })!;
    expect(more).toEqual([]);
    expect(changed).toMatchObject({ id: 'Task:2', data: other });
    expect(print(changed!.fragment).replace(/\s+/g, ' ')).toBe(
      `fragment ${changed!.fragmentName} on Task { id title @include(if: $all) comments { ...Comment } status } fragment Comment on Comment { id body }`,
    );
  });

  test('may be the row of a root field', () => {
    const first = task('1', { title: 'other' });
    expect(rows().between(before, { ...before, first })).toMatchObject([{ id: 'Task:1', data: first }]);
  });

  test('are none where all is the same', () => {
    expect(rows().between(before, { ...before })).toEqual([]);
  });

  test.each([
    ['a row came', { ...before, tasks: [one, two, three, task('4')] }],
    ['a row is gone', { ...before, tasks: [one, two] }],
    ['a row moved', { ...before, tasks: [two, one, three] }],
    ['another row stands in its place', { ...before, tasks: [one, task('9'), three] }],
    ['a row is there no more', { ...before, first: null }],
    ['a row has no id', { ...before, tasks: [one, { __typename: 'Task', title: 'x' }, three] }],
    ['a row does not say what it is', { ...before, tasks: [one, { id: '2', title: 'x' }, three] }],
    ['a value is no row', { ...before, first: 'text' }],
    ['more is shown', { ...before, more: 1 }],
  ])('%s: the whole is written', (_, after) => {
    expect(rows().between(before, after)).toBeUndefined();
  });

  test.each([
    '{ ...All } fragment All on Query { tasks { id title } first: task(id: "1") { id title } }',
    '{ tasks { id: title title } first: task(id: "1") { id title } }',
  ])('are not told apart in %s', (query) => {
    expect(
      rows(query).between(before, { ...before, tasks: [one, task('2', { title: 'x' }), three] }),
    ).toBeUndefined();
  });
});
