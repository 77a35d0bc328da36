import { describe, expect, test } from 'vitest';
import { RivuletError } from '../../../shared/errors.js';
import { checkPolicies } from '../../../src/policy/check.js';
import type { Policies } from '../../../src/policy/rules.js';
import { exposureOf } from '../../../src/policy/schema-exposure.js';
import { examplePolicies, exampleModel as model } from '../../support/example.js';

function problemsOf(policies: unknown): readonly string[] {
  try {
    checkPolicies(model, policies as Policies);
    return [];
  } catch (error) {
    if (!(error instanceof RivuletError)) throw error;
    expect(error.code).toBe('POLICY_INVALID');
    return error.details.problems as readonly string[];
  }
}

describe('checking policies', () => {
  test('finds nothing in those of the example', () => {
    expect(problemsOf(examplePolicies)).toEqual([]);
  });

  test('tells every misspelt table, rule and column at once', () => {
    const problems = problemsOf({
      task: { read: true },
      tasks: { raed: true, columns: { titel: { read: false }, id: { read: () => false } } },
      users: null,
      labels: { read: { colour: 'red' }, insert: {}, update: { color: 'red' }, delete: () => ({ nope: 1 }) },
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'policies.task',
      'policies.tasks.raed',
      'policies.tasks.columns.titel',
      'policies.tasks.columns.id',
      'policies.users',
      'policies.labels.read',
      'policies.labels.insert',
    ]);
  });
});

describe('rules of the wrong shape', () => {
  const placesOf = (policies: unknown) => problemsOf(policies).map((problem) => problem.split(':')[0]);

  test.each([
    [{ email: false }, ['policies.users.columns.email']],
    [{ email: null, name: undefined }, ['policies.users.columns.email', 'policies.users.columns.name']],
    [{ email: {} }, ['policies.users.columns.email']],
    [{ email: { raed: false } }, ['policies.users.columns.email.raed']],
    [{ email: { read: 'no' } }, ['policies.users.columns.email.read']],
    [{ email: { read: undefined } }, ['policies.users.columns.email.read']],
    [{ email: { write: async () => true } }, ['policies.users.columns.email.write']],
    [Object.create({ email: { read: false } }), ['policies.users.columns']],
    [[], ['policies.users.columns']],
    [undefined, ['policies.users.columns']],
    [false, ['policies.users.columns']],
  ])('of columns are refused with their place (%j)', (columns, places) => {
    expect(placesOf({ users: { read: true, columns } })).toEqual(places);
  });

  test.each<[unknown]>([['yes'], [1], [null], [[]], [new Date()], [async () => true], [Symbol('x')]])(
    'of actions are refused (%s)',
    (read) => {
      expect(placesOf({ users: { read } })).toEqual(['policies.users.read']);
    },
  );

  test('of tables are refused', () => {
    expect(placesOf({ users: [] })).toEqual(['policies.users']);
    expect(placesOf({ users: new (class Rules {})() })).toEqual(['policies.users']);
    expect(placesOf(new Map())).toEqual(['policies']);
    expect(placesOf(undefined)).toEqual(['policies']);
  });

  test.each<[string, unknown]>([
    ['assigneeId.NOT', { assigneeId: { NOT: {} } }],
    ['assigneeId.AND[0]', { assigneeId: { AND: [{}] } }],
    ['assigneeId.OR[0]', { assigneeId: { OR: [{}] } }],
    ['meta', { meta: {} }],
    ['project', { project: {} }],
    ['project.members.NOT', { project: { members: { NOT: {} } } }],
    ['assigneeId', { assigneeId: undefined }],
    ['AND[1]', { AND: [{ id: 1 }, Symbol.for('drizzle:EmptyFilter')] }],
  ])('of filters are refused with their place (%s)', (place, read) => {
    expect(problemsOf({ tasks: { read } })[0]).toContain(`policies.tasks.read.${place}:`);
  });
});

describe('what exists for clients', () => {
  const exposure = exposureOf(model, {
    tasks: {
      read: true,
      update: () => true,
      insert: false,
      columns: { meta: { read: false }, title: { write: false } },
    },
    comments: {},
  });
  const names = (things: readonly { readonly name: string }[]) => things.map(({ name }) => name);

  test('are the tables with a policy and the relations between them', () => {
    expect(names(exposure.tables)).toEqual(['tasks', 'comments']);
    expect(names(exposure.relations(model.table('tasks')))).toEqual(['comments']);
  });

  test('are columns and writes that some context may be allowed', () => {
    const tasks = model.table('tasks');
    expect(names(exposure.columns(tasks))).not.toContain('meta');
    expect(names(exposure.writable(tasks, 'insert'))).toContain('meta');
    expect(names(exposure.writable(tasks, 'insert'))).not.toContain('title');
    expect(names(exposure.writable(tasks, 'insert'))).not.toContain('id');
    const allowed = (['read', 'insert', 'update', 'delete'] as const).map((action) =>
      exposure.allows(tasks, action),
    );
    expect(allowed).toEqual([true, false, true, false]);
  });
});
