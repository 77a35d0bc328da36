import { defineRelations, sql } from 'drizzle-orm';
import { customType, integer, jsonb, pgTable } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { filterKey } from '../../../shared/filter/normalize.js';
import { parseFilter } from '../../../shared/filter/parse.js';
import { drizzleColumn } from '../../../src/model/drizzle.js';
import { readModel } from '../../../src/model/read.js';
import { type PolicyFault, resolveRights } from '../../../src/policy/resolve-rights.js';
import { rightsKey } from '../../../src/policy/rights-key.js';
import type { Policies, PolicyRule, UntypedFilter } from '../../../src/policy/rules.js';
import { exampleModel as model } from '../../support/example.js';
import { EMPTY_FILTER } from '../../support/vacuous.js';

const tasks = model.table('tasks');
const users = model.table('users');

function readOf(rule: PolicyRule<never, UntypedFilter>, context: unknown = {}) {
  const faults: PolicyFault[] = [];
  const rights = resolveRights(model, { tasks: { read: rule } }, context, {
    onFault: (fault) => faults.push(fault),
  });
  return { filter: rights.filter(tasks, 'read'), faults };
}

function holed(item: unknown): readonly unknown[] {
  const list = [item];
  list[2] = item;
  return list;
}

describe('a policy', () => {
  test('that is a filter is parsed as one', () => {
    const { filter } = readOf((context: { userId: number }) => ({ assigneeId: context.userId }), {
      userId: 7,
    });
    expect(filter).toMatchObject({ kind: 'compare', op: 'eq', value: '7' });
  });

  test('that is a boolean allows all rows or none', () => {
    expect(readOf(true).filter).toEqual({ kind: 'const', value: true });
    expect(readOf(() => false).filter).toEqual({ kind: 'const', value: false });
  });

  test('that is missing denies, and so does the table', () => {
    const rights = resolveRights(model, { tasks: { read: true } }, {});
    for (const action of ['insert', 'update', 'delete'] as const) {
      expect(rights.filter(tasks, action)).toEqual({ kind: 'const', value: false });
    }
    expect(rights.isExposed(tasks)).toBe(true);
    expect(rights.isExposed(users)).toBe(false);
    expect(rights.filter(users, 'read')).toEqual({ kind: 'const', value: false });
    expect(rights.canReadColumn(users, users.column('email'))).toBe(false);
  });

  test('is asked once for a context, and only when it is needed', () => {
    let calls = 0;
    const count = () => {
      calls++;
      return true;
    };
    const rights = resolveRights(model, { tasks: { read: count, delete: count } }, {});
    expect(calls).toBe(0);
    rights.filter(tasks, 'read');
    rights.filter(tasks, 'read');
    expect(calls).toBe(1);
  });

  const denying: Readonly<Record<string, unknown>> = {
    throws: () => {
      throw new Error('no');
    },
    'returns nothing': () => undefined,
    'returns null': () => null,
    'returns a number': () => 1,
    'returns a text': () => 'true',
    'returns a list': () => [],
    'returns a date': () => new Date(),
    'returns a function': () => () => true,
    'returns a promise of true': async () => true,
    'returns a promise of a filter': async () => ({ id: 1 }),
    'returns SQL': () => sql`true`,
    'returns an instance of a class': () => new (class Filter {})(),
    'returns a filter on an unknown column': () => ({ nope: 1 }),
    'returns a filter with undefined for a value': () => ({ assigneeId: undefined }),
    'returns a filter with null for a value': () => ({ assigneeId: null }),
    'returns a filter with a promise for a value': () => ({ assigneeId: Promise.resolve(1) }),
    'returns a filter with a promise for a relation': () => ({ project: Promise.resolve({ id: 1 }) }),
    'returns an empty filter': () => ({}),
    'returns an empty filter on a relation': () => ({ project: { members: {} } }),
    'returns an empty OR': () => ({ OR: [] }),
    'returns an empty part of an OR': () => ({ OR: [{ id: 1 }, {}] }),
    'returns an empty NOT': () => ({ NOT: {} }),
    'returns an empty NOT of a column': () => ({ assigneeId: { NOT: {} } }),
    'returns an AND of a column with an empty part': () => ({ assigneeId: { AND: [{}] } }),
    'returns an OR of a column with an empty part': () => ({ assigneeId: { OR: [{ eq: 1 }, {}] } }),
    'returns a column without a condition': () => ({ assigneeId: {} }),
    'returns a json column without a condition': () => ({ meta: {} }),
    'returns undefined inside of a json value': () => ({ meta: { ne: { owner: undefined } } }),
    'returns an instance of a class in a json value': () => ({ meta: { eq: { owner: new Map() } } }),
    'returns a promise in a json value': () => ({ meta: { ne: [Promise.reject(new Error('late'))] } }),
    'returns the empty filter': () => EMPTY_FILTER,
    'returns the empty filter in the place of a condition': () => ({ assigneeId: EMPTY_FILTER }),
    'returns the empty filter in the place of an operand': () => ({ assigneeId: { eq: EMPTY_FILTER } }),
    'returns the empty filter in a list': () => ({ AND: [{ id: 1 }, EMPTY_FILTER] }),
    'returns a list of values with a hole': () => ({ assigneeId: { notIn: holed(1) } }),
    'returns a list of conditions with a hole': () => ({ OR: holed({ id: 1 }) }),
    'returns an array that every array contains': () => ({ places: { arrayContains: [] } }),
    'returns lists in lists that every array contains': () => ({ places: { arrayContains: [[], []] } }),
    'returns a column of the schema for a value': () => ({
      assigneeId: { ne: drizzleColumn(tasks.column('id')) },
    }),
    'returns a promise behind a cycle': () => {
      const cycle: Record<string, unknown> = { late: Promise.reject(new Error('late')) };
      for (let at = 0; at < 40; at++) cycle[`again${at}`] = cycle;
      return { assigneeId: cycle };
    },
    'returns a getter that throws': () => ({
      get assigneeId() {
        throw new Error('no');
      },
    }),
    'returns a date for a text': () => ({ title: new Date() }),
    'returns NaN': () => ({ assigneeId: { lte: Number.NaN } }),
    'returns a rejected promise': async () => {
      throw new Error('late');
    },
    'returns RAW': () => ({ RAW: sql`true` }),
  };
  for (const [what, rule] of Object.entries(denying)) {
    test(`that ${what} denies and is told`, () => {
      const { filter, faults } = readOf(rule as PolicyRule<never, UntypedFilter>);
      expect(filter).toEqual({ kind: 'const', value: false });
      expect(faults).toMatchObject([{ table: 'tasks', rule: 'read' }]);
    });
  }

  test('means what its values say: an empty `in` shows nothing, an empty `notIn` excludes nothing', () => {
    const nothing = readOf(() => ({ assigneeId: { in: [] } }));
    const everything = readOf(() => ({ assigneeId: { notIn: [] } }));
    expect(nothing).toEqual({ filter: { kind: 'const', value: false }, faults: [] });
    expect(everything).toEqual({ filter: { kind: 'const', value: true }, faults: [] });
    expect(readOf(() => ({ meta: { eq: {} } })).filter).toMatchObject({ kind: 'compare', value: '{}' });
  });

  test('compares with no instance of a class that a custom type or an array of JSON would write as {}', () => {
    const custom = customType<{ data: unknown; driverData: unknown }>({ dataType: () => 'text' });
    const id = integer('id').primaryKey();
    const things = pgTable('things', {
      id,
      odd: custom('odd'),
      odds: custom('odds').array(),
      list: jsonb().array(),
    });
    const odd = readModel(defineRelations({ things }));
    const readOdd = (filter: unknown) => {
      const rights = resolveRights(odd, { things: { read: () => filter } } as never, {});
      return rights.filter(odd.table('things'), 'read').kind;
    };
    for (const value of [new Map([[1, 2]]), new Set([1]), /x/, new Error('no'), Object('')]) {
      expect(readOdd({ odd: { ne: value } })).toBe('const');
      expect(readOdd({ odd: { notIn: [value] } })).toBe('const');
      expect(readOdd({ odds: { ne: [value] } })).toBe('const');
      expect(readOdd({ list: { NOT: [value] } })).toBe('const');
    }
    for (const value of ['x', 1, { a: [1] }, new Date(0), Buffer.from('x')])
      expect(readOdd({ odd: { ne: value } })).toBe('compare');
  });

  test('may ask whether a relation leads anywhere by `true` and `false` only', () => {
    expect(readOf(() => ({ project: true })).filter).toMatchObject({ kind: 'related' });
    expect(readOf(() => ({ project: false })).filter).toMatchObject({ kind: 'not' });
    expect(readOf(() => ({ project: {} })).filter).toEqual({ kind: 'const', value: false });
  });

  test('names the place of an empty part, and a promise, in its fault', () => {
    const faultOf = (rule: unknown) => String(readOf(rule as never).faults[0]!.error);
    expect(faultOf(() => ({ assigneeId: { NOT: {} } }))).toContain('policies.tasks.read.assigneeId.NOT');
    expect(faultOf(async () => ({ id: 1 }))).toContain('policies.tasks.read gave a promise');
  });

  test('that leads through prototypes finds no table', () => {
    const policies = JSON.parse('{"tasks": {"read": true}}') as Policies;
    const rights = resolveRights(model, policies, {});
    expect(rights.isExposed({ ...users, name: 'toString' })).toBe(false);
    expect(rights.isExposed({ ...users, name: '__proto__' })).toBe(false);
  });
});

describe('a column', () => {
  const policies: Policies<{ admin: boolean }> = {
    users: {
      read: true,
      update: true,
      columns: {
        email: { read: ({ admin }) => admin, write: false },
        name: { read: (() => 1) as never, write: () => Promise.resolve(true) as never },
      },
    },
  };

  test('is read and written as its rule says', () => {
    const admin = resolveRights(model, policies, { admin: true });
    const other = resolveRights(model, policies, { admin: false });
    expect(admin.canReadColumn(users, users.column('email'))).toBe(true);
    expect(other.canReadColumn(users, users.column('email'))).toBe(false);
    expect(admin.canWriteColumn(users, users.column('email'), 'update')).toBe(false);
    expect(other.canReadColumn(users, users.column('createdAt'))).toBe(true);
  });

  test.each([
    ['false', { email: false }],
    ['null', { email: null }],
    ['undefined', { email: undefined }],
    ['empty', { email: {} }],
    ['misspelt', { email: { raed: false } }],
    ['misspelt beside one that is not', { email: { read: true, wirte: false } }],
    ['of a text', { email: { read: 'no' } }],
    ['undefined in part', { email: { read: undefined } }],
    ['of a symbol', { email: { [Symbol('read')]: false } }],
    ['inherited', { email: Object.create({ read: false }) }],
    ['a list', [{ email: { read: false } }]],
    ['for no object of columns', false],
  ])('is denied where its rule is %s', (_what, columns) => {
    const faults: PolicyFault[] = [];
    const unsafe = { users: { read: true, update: true, columns } } as unknown as Policies;
    const rights = resolveRights(model, unsafe, {}, { onFault: (fault) => faults.push(fault) });
    expect(rights.canReadColumn(users, users.column('email'))).toBe(false);
    expect(rights.canWriteColumn(users, users.column('email'), 'update')).toBe(false);
    expect(String(faults[0]!.error)).toContain('policies.users.columns');
  });

  test('is denied where the rule answers anything but a boolean', () => {
    const rights = resolveRights(model, policies, { admin: true });
    expect(rights.canReadColumn(users, users.column('name'))).toBe(false);
    expect(rights.canWriteColumn(users, users.column('name'), 'update')).toBe(false);
  });

  test('that the database generates cannot be written', () => {
    const rights = resolveRights(model, policies, { admin: true });
    expect(rights.canWriteColumn(users, users.column('id'), 'update')).toBe(false);
  });
});

describe('the rights key', () => {
  const byUser: Policies<{ userId: number }> = {
    tasks: { read: ({ userId }) => ({ OR: [{ assigneeId: userId }, { projectId: 1 }] }) },
    users: { read: true, columns: { email: { read: ({ userId }) => userId === 1 } } },
  };
  const keyFor = (userId: number, tables = [tasks, users]) =>
    rightsKey(resolveRights(model, byUser, { userId }), tables);

  test('is equal for equal rights', () => {
    expect(keyFor(2)).toBe(keyFor(2, [users, tasks, users]));
  });

  test('differs where rows or columns differ', () => {
    expect(keyFor(2, [tasks])).not.toBe(keyFor(3, [tasks]));
    expect(keyFor(2, [users])).toBe(keyFor(3, [users]));
    expect(keyFor(1, [users])).not.toBe(keyFor(2, [users]));
  });

  test('differs between a table without a policy and one that denies', () => {
    const none = resolveRights(model, {}, {});
    const denied = resolveRights(model, { tasks: {} }, {});
    expect(rightsKey(none, [tasks])).not.toBe(rightsKey(denied, [tasks]));
  });
});

describe('a client’s filter', () => {
  const policies: Policies<{ userId: number }> = {
    tasks: {
      read: ({ userId }) => ({ project: { members: { userId } } }),
      columns: { status: { read: false } },
    },
    projects: { read: ({ userId }) => ({ members: { userId } }) },
    labels: { read: { color: 'red' } },
    taskLabels: { read: { taskId: 5 } },
    comments: { read: true, columns: { body: { read: false } } },
  };
  const rights = resolveRights(model, policies, { userId: 7 });
  const guarded = (table: string, where: unknown) =>
    rights.guard(model.table(table), parseFilter(model, model.table(table), where));

  test('on the row’s own readable columns stays as it is', () => {
    const filter = parseFilter(model, tasks, { title: { like: 'a%' }, NOT: { priority: 1 } });
    expect(filterKey(rights.guard(tasks, filter))).toBe(filterKey(filter));
  });

  test('sees only the readable rows of a relation, at any depth and below NOT', () => {
    const filter = guarded('comments', { NOT: { task: { project: { name: 'x' } } } });
    const wanted = parseFilter(model, model.table('comments'), {
      NOT: {
        task: {
          project: { name: 'x', members: { userId: 7 } },
          AND: [{ project: { members: { userId: 7 } } }],
        },
      },
    });
    expect(filterKey(filter)).toBe(filterKey(wanted));
  });

  test('sees only readable junction rows', () => {
    const filter = guarded('tasks', { labels: { name: 'bug' } });
    expect(filter).toMatchObject({ kind: 'related', via: { kind: 'compare', value: '5' } });
    expect(filterKey(filter)).toContain('"color","red"');
  });

  test.each([
    ['tasks', { status: 'done' }],
    ['tasks', { status: { isNull: true } }],
    ['tasks', { OR: [{ title: 'a' }, { NOT: { status: { in: ['todo'] } } }] }],
    ['projects', { tasks: { comments: { body: { like: 's%' } } } }],
  ])('may not name a hidden column (%s %j)', (table, where) => {
    expect(() => guarded(table, where)).toThrow(expect.objectContaining({ code: 'COLUMN_FORBIDDEN' }));
  });

  test('may pass a relation whose own condition names a hidden column, and may not name it itself', () => {
    // openTasks: { where: { status: { ne: 'done' } } }
    expect(() => guarded('projects', { openTasks: { title: 'a' } })).not.toThrow();
    expect(() => guarded('projects', { openTasks: { NOT: { status: { ne: 'done' } } } })).toThrow();
    expect(() =>
      guarded('projects', { openTasks: { OR: [{ status: { ne: 'done' } }, { title: 'a' }] } }),
    ).toThrow();
    expect(() => guarded('projects', { tasks: { status: { ne: 'done' } } })).toThrow();
  });

  test('may not pass through a table without a policy', () => {
    expect(() => guarded('tasks', { assignee: { name: 'ada' } })).toThrow(
      expect.objectContaining({ code: 'FILTER_UNKNOWN_FIELD' }),
    );
  });
});
