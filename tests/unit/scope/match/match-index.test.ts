import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalize } from '../../../../shared/filter/normalize.js';
import { parseFilter } from '../../../../shared/filter/parse.js';
import { compilePredicate } from '../../../../shared/filter/predicate.js';
import type { RowCells } from '../../../../shared/filter/types.js';
import { MatchIndex } from '../../../../src/scope/match/match-index.js';
import type { NetChanges } from '../../../../src/scope/messages/net-changes.js';
import { exampleModel as model } from '../../../support/example.js';
import { propertyOptions } from '../../../support/property.js';

const tasks = model.table('tasks');

function row(values: Readonly<Record<string, string | null>>): RowCells {
  return tasks.columns.map(({ name }) => values[name] ?? null);
}

function updated(old: RowCells | null, after: RowCells | null): NetChanges {
  const change = { key: '1', op: 'UPDATE', old, new: after } as const;
  return new Map([['tasks', { table: tasks, truncated: false, rows: [change] }]]);
}

function matchable(where: object, tables: readonly string[] = ['tasks']) {
  const filter = normalize(parseFilter(model, tasks, where));
  return { table: tasks, filter, tables: new Set(tables), isOwnTableElsewhere: false };
}

describe('the match index', () => {
  test('finds by an equality of the old image or the new one, and nobody else', () => {
    const index = new MatchIndex<{ name: string }>();
    const [one, two] = [{ name: 'one' }, { name: 'two' }];
    index.add(one, matchable({ projectId: 1, status: 'todo' }));
    index.add(two, matchable({ projectId: { in: [2, 3] } }));
    expect([...index.find(updated(row({ projectId: '1' }), row({ projectId: '9' })))]).toEqual([one]);
    expect([...index.find(updated(row({ projectId: '9' }), row({ projectId: '3' })))]).toEqual([two]);
    expect(index.find(updated(row({ projectId: '8' }), row({ projectId: '9' }))).length).toBe(0);
  });

  test('finds whoever depends on another table that changed, and everybody when the table is emptied', () => {
    const index = new MatchIndex<object>();
    const entry = {};
    index.add(entry, matchable({ projectId: 1 }, ['tasks', 'members']));
    expect(index.find(updated(row({ projectId: '2' }), null)).length).toBe(0);
    const members = { table: model.table('members'), truncated: false, rows: [] };
    expect(index.find(new Map([['members', members]])).length).toBe(1);
    expect(index.find(new Map([['tasks', { table: tasks, truncated: true, rows: [] }]])).length).toBe(1);
  });

  test('finds by each side of an OR, and by the far side of a relation', () => {
    const index = new MatchIndex<{ name: string }>();
    const [either, member, outsider, whole] = ['either', 'member', 'outsider', 'whole'].map((name) => ({
      name,
    }));
    index.add(either!, matchable({ OR: [{ projectId: 1 }, { id: { in: [7, 8] } }] }));
    expect(index.find(updated(row({ id: '8', projectId: '5' }), null)).length).toBe(1);
    expect(index.find(updated(null, row({ id: '9', projectId: '1' }))).length).toBe(1);
    expect(index.find(updated(row({ id: '9', projectId: '2' }), null)).length).toBe(0);
    index.remove(either!);

    const tables = ['tasks', 'projects', 'members'];
    const alone = { isFilterAlone: true };
    const mine = { project: { members: { userId: 3 } } };
    index.add(member!, { ...matchable(mine, tables), ...alone });
    index.add(outsider!, {
      ...matchable({ NOT: { project: { members: { userId: 4 } } } }, tables),
      ...alone,
    });
    index.add(whole!, matchable(mine, tables));
    const members = model.table('members');
    const joined = (userId: string): NetChanges => {
      const cells = members.columns.map(({ name }) => (name === 'userId' ? userId : '1'));
      const change = { key: '1:1', op: 'INSERT', old: null, new: cells } as const;
      return new Map([['members', { table: members, truncated: false, rows: [change] }]]);
    };
    expect([...index.find(joined('3'))].map(({ name }) => name).sort()).toEqual(['member', 'whole']);
    expect([...index.find(joined('4'))].map(({ name }) => name).sort()).toEqual(['outsider', 'whole']);
    expect([...index.find(joined('5'))].map(({ name }) => name)).toEqual(['whole']);
    expect(index.find(updated(row({ id: '1' }), null)).length).toBe(3);
  });

  test('leaves nothing behind of what was removed', () => {
    const index = new MatchIndex<object>();
    const entries = Array.from({ length: 100 }, () => ({}));
    for (const [at, entry] of entries.entries())
      index.add(entry, matchable(at % 2 ? { id: at } : { priority: { gt: at } }));
    expect(index.size).toBe(100);
    for (const entry of entries) index.remove(entry);
    index.remove(entries[0]!);
    expect(index.size).toBe(0);
    expect(index.find(updated(row({ id: '1', priority: '1000' }), null)).length).toBe(0);
  });

  test('never misses a filter that is true on an image', () => {
    const id = fc.integer({ min: 1, max: 4 });
    const atom = fc.oneof(
      id.map((projectId) => ({ projectId })),
      fc.array(id, { minLength: 1, maxLength: 3 }).map((values) => ({ projectId: { in: values } })),
      fc.constantFrom('todo', 'done').map((status) => ({ status })),
      id.map((priority) => ({ priority: { gte: priority } })),
      id.map((n) => ({ id: `${n}` })),
      id.map((n) => ({ title: `t${n}` })),
      id.map((n) => ({ NOT: { projectId: n } })),
      fc.tuple(id, id).map(([a, b]) => ({ OR: [{ projectId: a }, { id: b }] })),
      fc
        .tuple(id, id)
        .map(([a, b]) => ({ OR: [{ AND: [{ projectId: a }, { id: a }] }, { priority: { lt: b } }] })),
    );
    const where = fc.array(atom, { minLength: 1, maxLength: 3 }).map((AND) => ({ AND }));
    const image = fc
      .record({ id, projectId: id, status: fc.constantFrom('todo', 'done'), priority: id, title: id })
      .map((r) =>
        row({
          id: `${r.id}`,
          projectId: `${r.projectId}`,
          status: r.status,
          priority: `${r.priority}`,
          title: `t${r.title}`,
        }),
      );
    const property = fc.property(fc.array(where, { maxLength: 12 }), image, image, (filters, old, after) => {
      const index = new MatchIndex<object>();
      const entries = filters.map((filter) => {
        const entry = { predicate: compilePredicate(matchable(filter).filter)! };
        index.add(entry, matchable(filter));
        return entry;
      });
      const found = new Set(index.find(updated(old, after)));
      for (const entry of entries) {
        if (entry.predicate(old) === true || entry.predicate(after) === true)
          expect(found.has(entry)).toBe(true);
      }
    });
    fc.assert(property, propertyOptions(2_000));
  });
});
