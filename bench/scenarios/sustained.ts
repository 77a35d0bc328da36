import type { Bench, Subject } from '../harness/bench.js';
import type { Child } from '../harness/calls.js';
import { CLEAN, type Row, type Scenario } from '../harness/scenario.js';
import { createDatabase, type Stand, type StandOptions } from '../harness/stand.js';
import type { LoadApi, RowsResult, WriteOptions } from '../load/load-api.js';
import type { FeedApi } from '../targets/feed.js';
import type { Usage } from '../targets/target-api.js';

type Load = Omit<WriteOptions, 'databaseUrl'>;

const FLAT_OUT: Load = { clients: 8, rowsPerTransaction: 1, ms: 4_000 };
const ONE_LARGE: Load = { clients: 1, rowsPerTransaction: 100_000, ms: 60_000, transactions: 1 };
const ROWS = 100_000;
const DELIVER_WITHIN_MS = 120_000;

/** Who writes, how, and whether commits wait for the disk. */
const CASES = [
  { name: '8 writers flat out, durable', load: FLAT_OUT, durable: true },
  { name: '8 writers flat out, not durable', load: FLAT_OUT, durable: false },
  { name: '100,000 rows in one transaction', load: ONE_LARGE, durable: false },
] as const;

/** Whoever counts the rows that came through, of one database. */
interface Reader {
  readonly subject: string;
  readonly stand?: Stand;
  readonly databaseUrl: string;
  rows(expected: number): Promise<RowsResult>;
  usage(): Promise<Usage>;
}

export const sustained: Scenario = {
  id: 'B8',
  title:
    'Sustained capture: from writers to one subscriber to everything; the limit reads the log and delivers nothing',
  durable: true,
  metrics: [
    { name: 'rate', unit: 'rows/s delivered', better: 'higher', compared: true },
    { name: 'written', unit: 'rows/s', better: 'higher', compared: false },
    { name: 'caught up', unit: 'ms after', better: 'lower', compared: false },
    { name: 'memory', unit: 'MB more at its peak', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    await bench.withProcess<LoadApi, void>('load/load.js', (writer) =>
      bench.withProcess<FeedApi, void>('targets/feed.js', (feed) =>
        bench.withStands(stands(), async (started) => {
          const readers = [...started.map(readerOf), await feedReader(bench, feed)];
          const written = new Map(readers.map((reader) => [reader, 0]));
          for (const { name, load, durable } of CASES) {
            await bench.setDurable(durable);
            const subjects = readers.map((reader) => subjectOf(reader, writer, load, written));
            rows.push(...(await bench.measure(name, subjects)));
          }
        }),
      ),
    );
    return rows;
  },
};

function stands(): readonly StandOptions[] {
  const subscribers = { sockets: 1, countRows: true };
  const peerQuery = 'subscription { itemChanged { id title } }';
  return [
    {
      subject: 'rivulet',
      kind: 'rivulet',
      rows: ROWS,
      // A reset would be a right answer to a subscriber that is this far behind, and could not be counted.
      maxQueuedChanges: 10_000_000,
      subscribers: {
        ...subscribers,
        query: 'subscription { itemChanges { changes { node { id title } } } }',
      },
    },
    { subject: 'peer', kind: 'yoga', rows: ROWS, subscribers: { ...subscribers, query: peerQuery } },
    {
      subject: 'NOTIFY and ws.send',
      kind: 'raw',
      rows: ROWS,
      subscribers: { ...subscribers, query: peerQuery },
    },
  ];
}

function readerOf(stand: Stand): Reader {
  const { subject, databaseUrl, target, load } = stand;
  return {
    subject,
    stand,
    databaseUrl,
    rows: (expected) => load.call('rowsDelivered', { expected, timeoutMs: DELIVER_WITHIN_MS }),
    usage: () => target.call('usage', { collect: true }),
  };
}

/** Reads the log of a database that has Rivulet's watchers. */
async function feedReader(bench: Bench, feed: Child<FeedApi>): Promise<Reader> {
  const databaseUrl = await createDatabase(bench.serverUrl, 'rivulet', ROWS, 1);
  await feed.call('follow', { databaseUrl });
  return {
    subject: 'limit',
    databaseUrl,
    rows: (expected) => feed.call('rowsRead', { expected, timeoutMs: DELIVER_WITHIN_MS }),
    usage: () => feed.call('usage', { collect: true }),
  };
}

/** `written`: so far, by all runs and cases. */
function subjectOf(
  reader: Reader,
  writer: Child<LoadApi>,
  load: Load,
  written: Map<Reader, number>,
): Subject {
  const { subject, stand, databaseUrl } = reader;
  return {
    subject,
    ...(stand && { stand }),
    run: async () => {
      const before = await reader.usage();
      const { rows, seconds, beganAt, endedAt } = await writer.call('write', { ...load, databaseUrl });
      const expected = written.get(reader)! + rows;
      const { rows: delivered, lastMs } = await reader.rows(expected);
      const { peakMemoryMb } = await reader.usage();
      written.set(reader, delivered);
      const missing = expected - delivered;
      return {
        figures: {
          rate: rows / (Math.max(lastMs - beganAt, 1) / 1_000),
          written: rows / seconds,
          'caught up': Math.max(0, lastMs - endedAt),
          memory: peakMemoryMb - before.memoryMb,
        },
        gate: { ...CLEAN, lost: Math.max(0, missing), double: Math.max(0, -missing) },
      };
    },
  };
}
