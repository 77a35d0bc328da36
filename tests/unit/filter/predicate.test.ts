import { describe, expect, test } from 'vitest';
import { parseFilter } from '../../../shared/filter/parse.js';
import { compilePredicate } from '../../../shared/filter/predicate.js';
import { exampleModel as model } from '../../support/example.js';

const tasks = model.table('tasks');
const compile = (where: unknown) => compilePredicate(parseFilter(model, tasks, where));

describe('a predicate', () => {
  test.each([
    { project: true },
    { NOT: { labels: { name: 'x' } } },
    { title: { ilike: 'a%' } },
    { title: { gt: 'a' } },
    { status: { lt: 'done' } },
    { meta: { eq: { a: 1 } } },
    { title: { like: `%${'a_'.repeat(20)}%` } },
    { OR: [{ id: 1 }, { title: { notIlike: 'a' } }] },
  ])('is not guessed where only Postgres can decide: %j', (where) => {
    expect(compile(where)).toBeNull();
  });

  test.each([
    { title: 'a', status: { in: ['todo', 'done'] } },
    { title: { notLike: 'a_%' } },
    { meta: { isNull: true } },
    { OR: [{ estimate: { gte: '1.5' } }, { dueOn: { lt: '2026-01-01' } }] },
    {},
  ])('is there where JavaScript decides exactly: %j', (where) => {
    expect(compile(where)).not.toBeNull();
  });

  test('of a row with too few cells is an error, not unknown', () => {
    expect(() => compile({ updatedAt: '2026-01-01T00:00:00Z' })!(['1'])).toThrow(TypeError);
  });
});
