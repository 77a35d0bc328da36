import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  and,
  definite,
  EVERYTHING,
  filterKey,
  NOTHING,
  normalize,
  not,
  or,
} from '../../../shared/filter/normalize.js';
import { parseFilter } from '../../../shared/filter/parse.js';
import { compilePredicate } from '../../../shared/filter/predicate.js';
import type { Filter, RowCells } from '../../../shared/filter/types.js';
import { isLocal, relationPaths, tablesOf } from '../../../src/filter/paths.js';
import { exampleModel as model } from '../../support/example.js';
import { propertyOptions } from '../../support/property.js';

const tasks = model.table('tasks');
const { index: priority } = tasks.column('priority');
const { index: assignee } = tasks.column('assigneeId');

const atoms: readonly Filter[] = [
  EVERYTHING,
  NOTHING,
  { kind: 'compare', column: tasks.column('priority'), op: 'eq', value: '1' },
  { kind: 'compare', column: tasks.column('priority'), op: 'gt', value: '1' },
  { kind: 'in', column: tasks.column('assigneeId'), values: ['2', '1', '2'] },
  { kind: 'in', column: tasks.column('assigneeId'), values: [] },
  { kind: 'in', column: tasks.column('assigneeId'), values: ['1'] },
  { kind: 'isNull', column: tasks.column('assigneeId') },
];

const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...atoms),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      filters: fc.array(tie('filter'), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
  ),
}));

const rows: readonly RowCells[] = ['1', '2', null].flatMap((first) =>
  ['1', '3', null].map((second) => {
    const row: (string | null)[] = tasks.columns.map(() => null);
    row[priority] = first;
    row[assignee] = second;
    return row;
  }),
);

const truths = (of: Filter) => rows.map(compilePredicate(of)!);

describe('the normal form', () => {
  test('says the same of every row, unknown included', () => {
    fc.assert(
      fc.property(filter, (any) => {
        expect(truths(normalize(any))).toEqual(truths(any));
      }),
      propertyOptions(2_000),
    );
  });

  test('is its own normal form, and has one key whatever the order of its parts', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 4 }), (parts) => {
        const joined = and(...parts.map(normalize));
        expect(normalize(joined)).toEqual(joined);
        expect(filterKey(joined)).toBe(filterKey({ kind: 'and', filters: [...parts].reverse() }));
        expect(filterKey(or(...parts.map(normalize)))).toBe(
          filterKey({ kind: 'or', filters: [...parts, ...parts] }),
        );
      }),
      propertyOptions(1_000),
    );
  });

  test('has different keys for filters that say different things', () => {
    fc.assert(
      fc.property(filter, filter, (left, right) => {
        fc.pre(filterKey(left) === filterKey(right));
        expect(truths(left)).toEqual(truths(right));
      }),
      propertyOptions(1_000),
    );
  });

  test('made definite is true where it was true, and never unknown', () => {
    fc.assert(
      fc.property(filter, (any) => {
        expect(truths(definite(any))).toEqual(truths(any).map((truth) => truth === true));
      }),
      propertyOptions(2_000),
    );
  });

  test('folds without parts and through double negation', () => {
    expect(and()).toBe(EVERYTHING);
    expect(or()).toBe(NOTHING);
    expect(not(not(atoms[2]!))).toBe(atoms[2]);
  });

  test('a key quotes its values, so that none can pass for structure', () => {
    const evil = parseFilter(model, tasks, { title: 'x"),eq("title","y' });
    expect(filterKey(evil)).not.toBe(
      filterKey(parseFilter(model, tasks, { AND: [{ title: 'x' }, { title: 'y' }] })),
    );
  });
});

describe('the relations of a filter', () => {
  const where = {
    project: { members: { userId: 7 }, openTasks: true },
    OR: [{ labels: { name: 'x' } }, { project: { archived: false } }],
  };

  test('are all its chains, each beginning included, each once', () => {
    const paths = relationPaths(parseFilter(model, tasks, where)).map((path) =>
      path.map(({ name }) => name).join('.'),
    );
    expect([...paths].sort()).toEqual(['labels', 'project', 'project.members', 'project.openTasks']);
  });

  test('lead to tables, junctions included', () => {
    const filter = parseFilter(model, tasks, where);
    expect([...tablesOf(filter)].sort()).toEqual(['labels', 'members', 'projects', 'taskLabels', 'tasks']);
    expect(isLocal(filter)).toBe(false);
    expect(isLocal(parseFilter(model, tasks, { title: 'x' }))).toBe(true);
  });

  test('of a filter on junction rows count as well', () => {
    const labels = tasks.findRelation('labels')!;
    const via = parseFilter(model, model.table('taskLabels'), { task: { assignee: { id: 1 } } });
    const filter: Filter = { kind: 'related', relation: labels, filter: EVERYTHING, via };
    expect([...tablesOf(filter)].sort()).toEqual(['labels', 'taskLabels', 'tasks', 'users']);
  });
});
