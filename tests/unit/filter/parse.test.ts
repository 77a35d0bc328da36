import { describe, expect, test } from 'vitest';
import { RivuletError } from '../../../shared/errors.js';
import { filterKey } from '../../../shared/filter/normalize.js';
import { type ParseOptions, parseFilter } from '../../../shared/filter/parse.js';
import { exampleModel as model } from '../../support/example.js';

const tasks = model.table('tasks');
const projects = model.table('projects');

const keyOf = (where: unknown) => filterKey(parseFilter(model, tasks, where));

function failureOf(where: unknown, options?: ParseOptions): { code: string; path: unknown; message: string } {
  try {
    parseFilter(model, tasks, where, options);
  } catch (error) {
    if (error instanceof RivuletError)
      return { code: error.code, path: error.details.path, message: error.message };
    throw error;
  }
  return expect.fail('the filter was accepted');
}

describe('a where', () => {
  test('takes a bare value as eq', () => {
    expect(keyOf({ title: 'x' })).toBe(keyOf({ title: { eq: 'x' } }));
    expect(keyOf({ createdAt: new Date('2026-01-02T03:04:05Z') })).toBe(
      keyOf({ createdAt: '2026-01-02T05:04:05+02:00' }),
    );
  });

  test('joins names and operators by AND', () => {
    const both = keyOf({ priority: { gt: 1, lt: 5 }, title: 'x' });
    expect(both).toBe(keyOf({ AND: [{ title: 'x' }, { priority: { lt: 5 } }, { priority: { gt: 1 } }] }));
  });

  test('takes logic beside columns and beside operators', () => {
    const inside = keyOf({ priority: { OR: [1, { gt: 5 }], NOT: { eq: 7 } } });
    const outside = keyOf({ OR: [{ priority: 1 }, { priority: { gt: 5 } }], NOT: { priority: 7 } });
    expect(inside).toBe(outside);
  });

  test('with an empty object, wherever, adds no condition', () => {
    for (const where of [
      {},
      { project: {} },
      { NOT: {} },
      { OR: [{}] },
      { project: { members: {} } },
      { title: {} },
    ]) {
      expect(keyOf(where)).toBe('true');
    }
    expect(keyOf({ OR: [{}, { title: 'x' }] })).toBe(keyOf({ title: 'x' }));
  });

  test("skips what Drizzle's EmptyFilter marks", () => {
    expect(keyOf({ title: Symbol.for('drizzle:EmptyFilter'), id: 1 })).toBe(keyOf({ id: 1 }));
  });

  test('folds in of nothing to false and notIn of nothing to true', () => {
    expect(keyOf({ id: { in: [] } })).toBe('false');
    expect(keyOf({ id: { notIn: [] } })).toBe('true');
  });

  test('knows that a relation has a row, or none', () => {
    expect(keyOf({ assignee: true })).toBe('related(["tasks","assignee"],true)');
    expect(keyOf({ assignee: false })).toBe('not(related(["tasks","assignee"],true))');
  });

  test("adds the relation's own where", () => {
    const open = filterKey(parseFilter(model, projects, { openTasks: { title: 'x' } }));
    expect(open).toBe('related(["projects","openTasks"],and(eq("title","x"),ne("status","done")))');
  });

  test('takes ids as strings and writes values as Postgres does', () => {
    expect(keyOf({ id: '007' })).toBe(keyOf({ id: 7 }));
    expect(keyOf({ id: 7n })).toBe(keyOf({ id: 7 }));
  });
});

describe('a where that cannot be understood', () => {
  test.each([
    [{ nope: 1 }, 'FILTER_UNKNOWN_FIELD', 'where.nope'],
    [{ project: { members: { nope: 1 } } }, 'FILTER_UNKNOWN_FIELD', 'where.project.members.nope'],
    [{ OR: [{ title: 'x' }, { nope: 1 }] }, 'FILTER_UNKNOWN_FIELD', 'where.OR[1].nope'],
    [{ title: { equals: 'x' } }, 'FILTER_UNKNOWN_FIELD', 'where.title.equals'],
    [{ RAW: 'true' }, 'FILTER_UNKNOWN_FIELD', 'where.RAW'],
    [{ title: null }, 'FILTER_INVALID', 'where.title'],
    [{ title: { eq: null } }, 'FILTER_INVALID', 'where.title.eq'],
    [{ title: { in: ['x', null] } }, 'FILTER_INVALID', 'where.title.in[1]'],
    [{ title: { in: 'x' } }, 'FILTER_INVALID', 'where.title.in'],
    [{ title: undefined }, 'FILTER_INVALID', 'where.title'],
    [{ title: { eq: undefined } }, 'FILTER_INVALID', 'where.title.eq'],
    [{ title: { isNull: false } }, 'FILTER_INVALID', 'where.title.isNull'],
    [{ title: { like: 'a\\' } }, 'FILTER_INVALID', 'where.title.like'],
    [{ title: { like: 1 } }, 'FILTER_INVALID', 'where.title.like'],
    [{ meta: { gt: 1 } }, 'FILTER_INVALID', 'where.meta.gt'],
    [{ priority: { like: '1%' } }, 'FILTER_INVALID', 'where.priority.like'],
    [{ project: null }, 'FILTER_INVALID', 'where.project'],
    [{ project: 7 }, 'FILTER_INVALID', 'where.project'],
    [{ OR: [] }, 'FILTER_INVALID', 'where.OR'],
    [{ AND: { title: 'x' } }, 'FILTER_INVALID', 'where.AND'],
    [{ NOT: undefined }, 'FILTER_INVALID', 'where.NOT'],
    [undefined, 'FILTER_INVALID', 'where'],
    [null, 'FILTER_INVALID', 'where'],
    [[{ title: 'x' }], 'FILTER_INVALID', 'where'],
    [new Map(), 'FILTER_INVALID', 'where'],
    [{ id: 'seven' }, 'VALUE_INVALID', 'where.id'],
    [{ id: 2 ** 31 }, 'VALUE_INVALID', 'where.id'],
    [{ status: { in: ['todo', 'lost'] } }, 'VALUE_INVALID', 'where.status.in[1]'],
    [{ title: 'a\0b' }, 'VALUE_INVALID', 'where.title'],
  ])('%j is refused with a code and its place', (where, code, path) => {
    const failure = failureOf(where);
    expect([failure.code, failure.path]).toEqual([code, path]);
    expect(failure.message).toMatch(/^where/);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__'])(
    'has no way to a prototype: %s is no field, no operator',
    (name) => {
      const own = JSON.parse(`{${JSON.stringify(name)}: {"eq": 1}}`) as unknown;
      expect(failureOf(own).code).toBe('FILTER_UNKNOWN_FIELD');
      expect(failureOf({ title: own }).code).toBe('FILTER_UNKNOWN_FIELD');
      expect(failureOf({ project: own }).code).toBe('FILTER_UNKNOWN_FIELD');
    },
  );

  test('an object that inherits its conditions is no filter', () => {
    expect(failureOf(Object.create({ title: 'x' })).code).toBe('FILTER_INVALID');
  });

  test('an unknown name is answered without the names that exist', () => {
    expect(failureOf({ titel: 'x' }).message).not.toMatch(/title|project/);
  });
});

describe('the size of a where', () => {
  const wrap = (inner: unknown, depth: number, around: (inner: unknown) => unknown): unknown => {
    let where = inner;
    for (let level = 0; level < depth; level++) where = around(where);
    return where;
  };
  const nested = (depth: number) => wrap({ title: 'x' }, depth, (inner) => ({ NOT: inner }));
  const through = (depth: number) => wrap({ id: 1 }, depth, (inner) => ({ project: { tasks: inner } }));

  test('is limited in depth', () => {
    expect(filterKey(parseFilter(model, tasks, nested(12)))).toBe('eq("title","x")');
    expect(failureOf(nested(13)).code).toBe('FILTER_TOO_LARGE');
    expect(failureOf(nested(100_000)).code).toBe('FILTER_TOO_LARGE');
    expect(failureOf(through(7)).code).toBe('FILTER_TOO_LARGE');
    expect(failureOf(nested(3), { maxDepth: 2 }).code).toBe('FILTER_TOO_LARGE');
  });

  test('is limited in values, over all lists together', () => {
    const ids = Array.from({ length: 6_000 }, (_, id) => id);
    expect(keyOf({ id: { in: ids } })).toContain('in("id","0","1","10"');
    expect(failureOf({ id: { in: [...ids, ...ids] } }).code).toBe('FILTER_TOO_LARGE');
    expect(failureOf({ OR: [{ id: { in: ids } }, { priority: { notIn: ids } }] }).code).toBe(
      'FILTER_TOO_LARGE',
    );
  });

  test('is limited in conditions and in the length of patterns', () => {
    const many = Array.from({ length: 600 }, (_, id) => ({ id }));
    expect(failureOf({ OR: many }).code).toBe('FILTER_TOO_LARGE');
    expect(failureOf({ title: { like: 'x'.repeat(1_001) } }).code).toBe('FILTER_TOO_LARGE');
  });
});
