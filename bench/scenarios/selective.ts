import type { Subject } from '../harness/bench.js';
import { addGates, type Row, type Scenario } from '../harness/scenario.js';
import { metered, type Stand, type StandOptions } from '../harness/stand.js';

/** Sockets with an owner each, and subscriptions with a topic each: one topic and its owner match a change. */
const CASES: readonly (readonly [sockets: number, topicsPerSocket: number])[] = [
  [1_000, 1],
  [1_000, 10],
  [1_000, 100],
];

/** With more the peer takes seconds for a change, and more memory than there is. */
const MOST_FOR_PEER = 10_000;

/** First one change at a time, for the latency; then so many on their way at once, for the rate and the processor. */
const WINDOW = 32;
const CHANGES = 5_000;
const MAX_MS = 2_000;

export const selective: Scenario = {
  id: 'B3',
  title:
    'Selective: every scope has its own filter, every socket its own identity, and one scope matches a change',
  durable: false,
  metrics: [
    { name: 'rate', unit: 'changes/s', better: 'higher', compared: true },
    { name: 'p50', unit: 'ms', better: 'lower', compared: true },
    { name: 'cpu', unit: 'µs/change', better: 'lower', compared: true },
    { name: 'memory', unit: 'MB', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    for (const [sockets, topicsPerSocket] of CASES) {
      const scopes = sockets * topicsPerSocket;
      const stand = { rows: scopes, owners: sockets, subscribers: { sockets, topicsPerSocket } };
      const stands: readonly StandOptions[] = [
        { ...stand, subject: 'rivulet', kind: 'rivulet' },
        { ...stand, subject: 'limit', kind: 'raw', matching: 'topic' },
        ...(scopes > MOST_FOR_PEER ? [] : peers(stand)),
      ];
      await bench.withStands(stands, async (started) => {
        const subjects = started.map(subjectOf);
        rows.push(...(await bench.measure(`${scopes.toLocaleString('en')} scopes`, subjects)));
      });
    }
    return rows;
  },
};

function peers(stand: Omit<StandOptions, 'subject' | 'kind'>): readonly StandOptions[] {
  return [
    { ...stand, subject: 'peer', kind: 'yoga', matching: 'filter' },
    { ...stand, subject: 'peer, a topic per key', kind: 'yoga', matching: 'topic' },
  ];
}

function subjectOf(stand: Stand): Subject {
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const { load } = stand;
      const alone = await load.call('closedLoop', { changes: CHANGES, maxMs: MAX_MS / 2 });
      const run = () => load.call('closedLoop', { changes: CHANGES, maxMs: MAX_MS, window: WINDOW });
      const { result, cpuMicros, usage } = await metered(stand, run);
      const figures = {
        rate: result.changes / result.seconds,
        p50: alone.p50Ms,
        cpu: cpuMicros / result.changes,
        memory: usage.memoryMb,
      };
      const gate = addGates([alone.gate, result.gate]);
      return { figures, gate };
    },
  };
}
