import type { Subject } from '../harness/bench.js';
import type { Row, Scenario } from '../harness/scenario.js';
import { metered, type Stand, type StandOptions } from '../harness/stand.js';

/** Sockets with an owner each, and subscriptions with a topic each: one topic and its owner match a change. */
const CASES: readonly (readonly [sockets: number, topicsPerSocket: number])[] = [
  [1_000, 1],
  [1_000, 10],
];
const CHANGES = 1_000;
const MAX_MS = 3_000;

export const selective: Scenario = {
  id: 'B3',
  title: 'Selective: as many filters as scopes, an identity for each socket, one scope matches a change',
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
        { ...stand, subject: 'peer', kind: 'yoga', matching: 'filter' },
        { ...stand, subject: 'peer, a topic per key', kind: 'yoga', matching: 'topic' },
      ];
      await bench.withStands(stands, async (started) => {
        const subjects = started.map(subjectOf);
        rows.push(...(await bench.measure(`${scopes.toLocaleString('en')} scopes`, subjects)));
      });
    }
    return rows;
  },
};

function subjectOf(stand: Stand): Subject {
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const run = () => stand.load.call('closedLoop', { changes: CHANGES, maxMs: MAX_MS });
      const { result, cpuMicros, usage } = await metered(stand, run);
      const { changes, seconds, p50Ms, gate } = result;
      const figures = {
        rate: changes / seconds,
        p50: p50Ms,
        cpu: cpuMicros / changes,
        memory: usage.memoryMb,
      };
      return { figures, gate };
    },
  };
}
