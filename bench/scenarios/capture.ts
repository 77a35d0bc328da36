import type { Subject } from '../harness/bench.js';
import type { Child } from '../harness/calls.js';
import type { Row, Scenario } from '../harness/scenario.js';
import { CLEAN } from '../harness/scenario.js';
import { createDatabase, type Stand, type StandOptions } from '../harness/stand.js';
import type { LoadApi, WriteOptions } from '../load/load-api.js';

/** Writers at a time, and the rows that each of their transactions changes. */
const CASES: readonly (readonly [clients: number, rowsPerTransaction: number])[] = [
  [1, 1],
  [8, 1],
  [32, 1],
  [1, 1_000],
  [8, 1_000],
];
const WRITE_MS = 2_500;
const DELIVER_WITHIN_MS = 60_000;

/** Every client has 1,000 rows of its own. */
const ROWS = 32_000;

type Load = Omit<WriteOptions, 'databaseUrl'>;

export const capture: Scenario = {
  id: 'B6',
  title:
    'Capture: the cost for writers, with one live subscriber to everything; the limit is the same table without a watcher',
  durable: true,
  metrics: [
    { name: 'rate', unit: 'rows/s', better: 'higher', compared: true },
    { name: 'caught up', unit: 'ms after', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    const stand = { rows: ROWS };
    const subscribers = { sockets: 1, countRows: true };
    const stands: readonly StandOptions[] = [
      {
        ...stand,
        subject: 'rivulet',
        kind: 'rivulet',
        // A reset would be a right answer to a subscriber that is this far behind, and could not be counted.
        maxQueuedChanges: 10_000_000,
        subscribers: {
          ...subscribers,
          query: 'subscription { itemChanges { changes { node { id title } } } }',
        },
      },
      {
        ...stand,
        subject: 'peer',
        kind: 'yoga',
        subscribers: { ...subscribers, query: 'subscription { itemChanged { id title } }' },
      },
    ];
    const bare = await createDatabase(bench.serverUrl, 'bare', ROWS, 1);
    await bench.withProcess<LoadApi, void>('load/load.js', (writer) =>
      bench.withStands(stands, async (started) => {
        const watched = started.map((each) => ({ each, written: { rows: 0 } }));
        for (const [clients, rowsPerTransaction] of CASES) {
          const load: Load = { clients, rowsPerTransaction, ms: WRITE_MS };
          const subjects = [
            ...watched.map(({ each, written }) => watchedSubject(each, writer, load, written)),
            bareSubject(bare, writer, load),
          ];
          rows.push(...(await bench.measure(nameOf(load), subjects)));
        }
      }),
    );
    return rows;
  },
};

/** `written`: so far, by all runs and cases. */
function watchedSubject(
  stand: Stand,
  writer: Child<LoadApi>,
  load: Load,
  written: { rows: number },
): Subject {
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const { databaseUrl } = stand;
      const { rows, seconds, endedAt } = await writer.call('write', { ...load, databaseUrl });
      written.rows += rows;
      const { rows: delivered, lastMs } = await stand.load.call('rowsDelivered', {
        expected: written.rows,
        timeoutMs: DELIVER_WITHIN_MS,
      });
      const missing = written.rows - delivered;
      const gate = { ...CLEAN, lost: Math.max(0, missing), double: Math.max(0, -missing) };
      written.rows = delivered;
      const caughtUp = Math.max(0, lastMs - endedAt);
      return { figures: { rate: rows / seconds, 'caught up': caughtUp }, gate };
    },
  };
}

function bareSubject(databaseUrl: string, writer: Child<LoadApi>, load: Load): Subject {
  return {
    subject: 'limit',
    run: async () => {
      const { rows, seconds } = await writer.call('write', { ...load, databaseUrl });
      return { figures: { rate: rows / seconds }, gate: CLEAN };
    },
  };
}

function nameOf({ clients, rowsPerTransaction }: Load): string {
  const rows = rowsPerTransaction === 1 ? '1 row' : `${rowsPerTransaction.toLocaleString('en')} rows`;
  return `${clients === 1 ? '1 client' : `${clients} clients`}, ${rows} a transaction`;
}
