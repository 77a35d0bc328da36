import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVERYTHING } from '../../../shared/filter/normalize.js';
import type { RowCells } from '../../../shared/filter/types.js';
import type { Snapshot } from '../../../src/log/snapshot.js';
import type { SelectPlan, SelectResult } from '../../../src/query/types.js';
import { Outbox } from '../../../src/scope/delivery/outbox.js';
import { SendBudget } from '../../../src/scope/delivery/send-budget.js';
import type { NetChanges } from '../../../src/scope/messages/net-changes.js';
import { LiveQuery } from '../../../src/scope/views/live-query.js';
import { exampleModel as model } from '../../support/example.js';
import { propertyOptions } from '../../support/property.js';

const tasks = model.table('tasks');
const plan: SelectPlan = {
  table: tasks,
  filter: EVERYTHING,
  orderBy: [],
  limit: null,
  offset: 0,
  related: [],
};
const image: RowCells = tasks.columns.map(() => null);
const net: NetChanges = new Map([
  [
    tasks.name,
    { table: tasks, truncated: false, rows: [{ key: '1', op: 'UPDATE', old: image, new: image }] },
  ],
]);

async function microtasks(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await null;
}

/** Everything that waits has run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Sees transactions up to that one. */
const snapshotAt = (xid: number): Snapshot => ({
  xmin: BigInt(xid + 1),
  xmax: BigInt(xid + 1),
  xip: new Set(),
});

interface Watched {
  /** What had been committed when it came. */
  readonly since: number;
  readonly told: number[];
}

const ticks = fc.nat({ max: 12 });

const step = fc.oneof(
  /** A transaction that is heard of `heard` microtasks after it was committed. */
  fc.record({ kind: fc.constant('commit' as const), wait: ticks, heard: ticks }),
  fc.record({ kind: fc.constant('join' as const), wait: ticks }),
);

/** How long Postgres takes, before it takes its snapshot and after. */
const run = fc.record({ before: ticks, after: ticks });

test('whoever watches a live query is told what it is in the end, and never goes back, whenever they come and whenever it is heard of', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(run, { minLength: 1, maxLength: 5 }),
      async (steps, runs) => {
        let committed = 0;
        let runCount = 0;
        let hearing = Promise.resolve();
        const query = new LiveQuery({
          model,
          plan,
          run: async (): Promise<SelectResult> => {
            const { before, after } = runs[runCount++ % runs.length]!;
            await microtasks(before);
            const answer = { rows: [], raw: String(committed), snapshot: snapshotAt(committed) };
            await microtasks(after);
            return answer;
          },
          catchUp: () => hearing,
          onFailure: (error) => {
            throw error;
          },
        });
        const watchers: Watched[] = [];
        const join = () => {
          const told: number[] = [];
          watchers.push({ since: committed, told });
          const outbox = new Outbox<SelectResult>({
            limit: 1_000,
            weigh: () => 1,
            allowance: new SendBudget(1_000),
            bytesOf: () => 1,
            merge: () => null,
            overflow: (latest) => latest,
            onClose: () => {},
          });
          outbox.feed({
            isReady: true,
            take: ({ raw }) => told.push(Number(raw)),
            end: () => {},
            fail: () => {},
          });
          query.add(outbox);
        };
        join();
        for (const each of steps) {
          await microtasks(each.wait);
          if (each.kind === 'join') join();
          else {
            const xid = ++committed;
            hearing = hearing
              .then(() => microtasks(each.heard))
              .then(() => query.onTransaction(BigInt(xid), net));
          }
        }
        await settled();
        for (const { since, told } of watchers) {
          expect(told.at(-1)).toBe(committed);
          expect(told[0]).toBeGreaterThanOrEqual(since);
          expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
        }
      },
    ),
    propertyOptions(1_000),
  );
});
