import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalize } from '../../../shared/filter/normalize.js';
import { parseFilter } from '../../../shared/filter/parse.js';
import type { RowCells } from '../../../shared/filter/types.js';
import type { BatchClient } from '../../../src/scope/evaluate/batch-evaluator.js';
import type { NetChange, NetChanges } from '../../../src/scope/messages/net-changes.js';
import { SharedChanges } from '../../../src/scope/messages/shared-changes.js';
import type { ChangeSpec, ScopeMessage } from '../../../src/scope/messages/types.js';
import { RowScope } from '../../../src/scope/views/row-scope.js';
import { exampleModel as model } from '../../support/example.js';
import { propertyOptions } from '../../support/property.js';

const tasks = model.table('tasks');
const columns = ['title', 'status', 'projectId'].map(
  (name) => tasks.columns.find((column) => column.name === name)!,
);
const FILTERS = [
  {},
  { projectId: 1 },
  { OR: [{ projectId: 1 }, { status: 'todo' }] },
  { status: { ne: 'done' } },
];

const image: fc.Arbitrary<RowCells> = fc
  .record({
    projectId: fc.constantFrom('1', '2'),
    status: fc.constantFrom('todo', 'done'),
    title: fc.constantFrom('a', 'b'),
  })
  .map((values: Readonly<Record<string, string>>) =>
    tasks.columns.map(({ name }) => (name === 'id' ? '7' : (values[name] ?? null))),
  );

const row: fc.Arbitrary<NetChange> = fc.oneof(
  image.map((after) => ({ key: '7', op: 'INSERT' as const, old: null, new: after })),
  image.map((old) => ({ key: '7', op: 'DELETE' as const, old, new: null })),
  fc.tuple(image, image).map(([old, after]) => ({ key: '7', op: 'UPDATE' as const, old, new: after })),
);

const spec: fc.Arbitrary<ChangeSpec> = fc
  .record({ where: fc.constantFrom(...FILTERS), hidden: fc.subarray(columns) })
  .map(({ where, hidden }) => ({
    table: tasks,
    filter: normalize(parseFilter(model, tasks, where)),
    rights: null,
    ops: null,
    columns: null,
    hidden: new Set(hidden),
    related: [],
    graph: [],
  }));

const cursor: ScopeMessage['cursor'] = { xmin: 1n, xmax: 1n, xip: new Set() };
const transaction = { xid: 1n, loggedAt: '', mutationId: null };
const plain = new SharedChanges();
const nobody = null as unknown as BatchClient;

test('a message is the same object only for those who may read the same columns and are told the same', () => {
  let shared = 0;
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 2, maxLength: 6 }),
      fc.array(row, { maxLength: 3 }),
      (specs, rows) => {
        const net: NetChanges = new Map([['tasks', { table: tasks, truncated: false, rows }]]);
        const told = specs.map((each) => {
          const scope = new RowScope(each, plain);
          const { changes } = scope.evaluateInMemory!(net)!;
          expect(changes).toEqual(scope.evaluate(net, nobody).next().value?.changes);
          return {
            hidden: each.hidden,
            message: changes.length > 0 ? plain.message(cursor, transaction, changes) : null,
          };
        });
        for (const one of told) {
          for (const other of told) {
            if (one === other || one.message === null || one.message !== other.message) continue;
            shared++;
            expect(one.hidden).toEqual(other.hidden);
          }
        }
        for (const { message } of told) {
          for (const change of message?.changes ?? [])
            expect(change.node === null).toBe(change.kind === 'LEAVE');
        }
      },
    ),
    propertyOptions(300),
  );
  expect(shared).toBeGreaterThan(50);
});

test('other users, whose policies let the same row through, are handed the same message; of another transaction it is another', () => {
  const change: NetChange = { key: '7', op: 'INSERT', old: null, new: row0() };
  const net: NetChanges = new Map([['tasks', { table: tasks, truncated: false, rows: [change] }]]);
  const [mine, yours] = [{ projectId: 1 }, { status: 'todo' }].map((where) => {
    const filter = normalize(parseFilter(model, tasks, where));
    const { changes } = new RowScope(
      {
        table: tasks,
        filter,
        rights: null,
        ops: null,
        columns: null,
        hidden: new Set(),
        related: [],
        graph: [],
      },
      plain,
    ).evaluateInMemory!(net)!;
    return changes;
  });
  const message = plain.message(cursor, transaction, mine!);
  expect(plain.message(cursor, transaction, yours!)).toBe(message);
  expect(plain.message(cursor, { ...transaction, xid: 2n }, yours!)).not.toBe(message);
});

function row0(): RowCells {
  return tasks.columns.map(({ name }) => ({ id: '7', projectId: '1', status: 'todo' })[name as 'id'] ?? null);
}
