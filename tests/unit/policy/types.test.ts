import { expect, test } from 'vitest';
import { relations } from '../../../schema/relations.js';
import { definePolicies } from '../../../src/policy/rules.js';

interface Context {
  readonly userId: number;
}

/** The compiler is the judge: each `@ts-expect-error` must be an error. */
test('policies are checked against the schema', () => {
  const policies = definePolicies<typeof relations, Context>(relations, {
    tasks: {
      read: ({ userId }) => ({
        project: { members: { userId, role: { in: ['owner'] } } },
        status: 'todo',
      }),
      insert: true,
      // @ts-expect-error no such column
      update: { titel: 'x' },
      // @ts-expect-error no such enum value
      delete: { status: 'nope' },
      columns: {
        title: { write: ({ userId }) => userId === 1 },
        // @ts-expect-error no such column
        titel: { read: false },
      },
    },
    users: {
      // @ts-expect-error RAW cannot be evaluated on changes
      read: { RAW: () => 1 },
      // @ts-expect-error no such relation below a relation
      insert: { projects: { nope: true } },
    },
    comments: { read: { OR: [{ body: { like: 'a%' } }, { NOT: { task: true } }] } },
  });
  // @ts-expect-error no such table
  const other = definePolicies<typeof relations, Context>(relations, { nope: { read: true } });
  expect([...Object.keys(policies), ...Object.keys(other)]).toEqual(['tasks', 'users', 'comments', 'nope']);
});
