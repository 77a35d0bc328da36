import { describe, expect, test } from 'vitest';
import { normalize } from '../../../../shared/filter/normalize.js';
import { parseFilter } from '../../../../shared/filter/parse.js';
import type { RowCells } from '../../../../shared/filter/types.js';
import { tablesOf } from '../../../../src/filter/paths.js';
import { relationTargetOf } from '../../../../src/scope/match/join-path.js';
import { MemberKeys } from '../../../../src/scope/match/member-keys.js';
import { RelationIndex } from '../../../../src/scope/match/relation-index.js';
import type { NetChange, NetChanges } from '../../../../src/scope/messages/net-changes.js';
import { exampleModel as model } from '../../../support/example.js';

const tasks = model.table('tasks');

function cellsOf(table: string, values: Readonly<Record<string, string>>): RowCells {
  return model.table(table).columns.map(({ name }) => values[name] ?? null);
}

function changed(table: string, ...rows: readonly NetChange[]): NetChanges {
  return new Map([[table, { table: model.table(table), truncated: false, rows }]]);
}

function updated(
  table: string,
  key: string,
  old: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): NetChanges {
  return changed(table, { key, op: 'UPDATE', old: cellsOf(table, old), new: cellsOf(table, after) });
}

function reachable(where: object) {
  const filter = normalize(parseFilter(model, tasks, where));
  const tables = new Set(['tasks', ...tablesOf(filter)]);
  return relationTargetOf({ table: tasks, filter, tables, isOwnTableElsewhere: false, isFilterAlone: true });
}

function keysOf(...keys: readonly string[]): MemberKeys {
  const held = new MemberKeys();
  for (const key of keys) held.add(key);
  return held;
}

const ofUser = (userId: number) => ({ project: { members: { userId } } });

/** Two users, of whom one holds task 1. */
function twoUsers(fewest = 1) {
  const index = new RelationIndex<{ name: string }>({ fewest });
  const [ann, bob] = [{ name: 'ann' }, { name: 'bob' }];
  const keys = { ann: keysOf('1'), bob: keysOf() };
  index.add(ann, reachable(ofUser(1))!, keys.ann);
  index.add(bob, reachable(ofUser(2))!, keys.bob);
  return { index, ann, bob, keys };
}

const moved = updated('tasks', '1', { id: '1', projectId: '1' }, { id: '1', projectId: '2' });
const renamed = updated('tasks', '1', { id: '1', title: 'a' }, { id: '1', title: 'b' });

describe('the reach index', () => {
  test('finds who holds a row that changed, and asks nothing where the filter does not look', () => {
    const { index, ann } = twoUsers();
    const { entries, questions } = index.find(renamed);
    expect([...entries]).toEqual([ann]);
    expect(questions).toEqual([]);
  });

  test('knows the keys as they are, also of one that held nothing when it came', () => {
    const { index, ann, bob, keys } = twoUsers();
    keys.ann.delete('1');
    expect(index.find(renamed).entries.size).toBe(0);
    // Nobody holds anything now, and one that never did goes.
    index.remove(ann);
    keys.bob.add('1');
    expect([...index.find(renamed).entries]).toEqual([bob]);
  });

  test('asks once whom rows reach, and finds by the answer those who wait for one of the values', () => {
    const { index, ann, bob } = twoUsers();
    const { entries, questions } = index.find(moved);
    expect([...entries]).toEqual([ann]);
    expect(questions).toHaveLength(1);
    const [{ reached, images, candidates }] = questions as [(typeof questions)[0]];
    expect(images).toEqual([cellsOf('tasks', { id: '1', projectId: '2' })]);
    expect(candidates).toBeNull();
    expect(reached.way.places.map(({ path, column }) => [path.length, column.name])).toEqual([[2, 'userId']]);
    const found = new Set<{ name: string }>();
    reached.addReached(0, ['3', '2'], found);
    expect([...found]).toEqual([bob]);
  });

  test('asks for the rows that what changed elsewhere leads to, unless nothing that is looked at changed', () => {
    const { index } = twoUsers();
    const renamedProject = updated('projects', '7', { id: '7', name: 'a' }, { id: '7', name: 'b' });
    expect(index.find(renamedProject)).toEqual({ entries: new Set(), questions: [] });
    const added = changed('projects', {
      key: '7',
      op: 'INSERT',
      old: null,
      new: cellsOf('projects', { id: '7' }),
    });
    const [question] = index.find(added).questions;
    expect(question?.candidates).toMatchObject({ kind: 'in', values: ['7'] });
    // A member says itself whom it concerns.
    const member = cellsOf('members', { projectId: '7', userId: '2' });
    const joined = changed('members', { key: '7:2', op: 'INSERT', old: null, new: member });
    expect(index.find(joined).questions).toEqual([]);
  });

  test('takes everybody where a table was emptied, where there are few, and while an answer is owed', () => {
    const emptied: NetChanges = new Map([
      ['projects', { table: model.table('projects'), truncated: true, rows: [] }],
    ]);
    const { index, ann, bob } = twoUsers();
    expect([...index.find(emptied).entries]).toEqual([ann, bob]);
    index.find(moved).questions[0]!.reached.isUnanswered = true;
    expect(index.find(moved)).toEqual({ entries: new Set([ann, bob]), questions: [] });
    expect([...twoUsers(3).index.find(moved).entries].map(({ name }) => name)).toEqual(['ann', 'bob']);
  });

  test('leaves nothing behind of what was removed', () => {
    const { index, ann, bob, keys } = twoUsers();
    index.remove(ann);
    index.remove(bob);
    index.remove(bob);
    expect(index.size).toBe(0);
    keys.ann.add('5');
    expect(index.find(moved)).toEqual({ entries: new Set(), questions: [] });
    expect(keys.ann.listener).toBeNull();
  });
});

describe('what a filter waits for', () => {
  const placesOf = (where: object) => {
    const found = reachable(where);
    if (!found) return null;
    return found
      .way()
      .places.map(({ path, column }, at) => [
        [...path.map(({ name }) => name), column.name].join('.'),
        found.values[at],
      ]);
  };

  test('is at the end of relations, by the shortest way, and by each side of an OR', () => {
    expect(placesOf(ofUser(4))).toEqual([['project.members.userId', ['4']]]);
    expect(placesOf({ AND: [ofUser(4), { project: { ownerId: { in: [1, 2] } } }] })).toEqual([
      ['project.ownerId', ['1', '2']],
    ]);
    expect(placesOf({ OR: [{ assigneeId: 3 }, ofUser(4), ofUser(5)] })).toEqual([
      ['assigneeId', ['3']],
      ['project.members.userId', ['4', '5']],
    ]);
  });

  test('is nothing where it cannot be told: the row says it itself, or no value must be there', () => {
    expect(placesOf({ AND: [{ projectId: 3 }, ofUser(4)] })).toBeNull();
    expect(placesOf({ NOT: ofUser(4) })).toBeNull();
    expect(placesOf({ OR: [ofUser(4), { priority: { gt: 3 } }] })).toBeNull();
    expect(placesOf({ project: { name: { like: 'a%' } } })).toBeNull();
  });

  test('has one name for filters that differ in nothing but values', () => {
    const nameOf = (where: object) => reachable(where)!.name;
    expect(nameOf(ofUser(1))).toBe(nameOf(ofUser(2)));
    const others = [
      { project: { members: { userId: 1, role: { eq: 'owner' } } } },
      { project: { people: { id: 1 } } },
      { OR: [ofUser(1), { assigneeId: 1 }] },
      { AND: [ofUser(1), { priority: { gt: 1 } }] },
      { AND: [ofUser(1), { NOT: { comments: { body: { like: 'a%' } } } }] },
    ];
    expect(new Set([ofUser(1), ...others].map(nameOf)).size).toBe(others.length + 1);
  });
});
