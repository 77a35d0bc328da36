import type { Subject } from '../harness/bench.js';
import type { Row, Scenario } from '../harness/scenario.js';
import { metered, type Stand, type StandOptions } from '../harness/stand.js';

/** Sockets, and changes a run at the most. */
const CASES: readonly (readonly [sockets: number, changes: number])[] = [
  [100, 200],
  [1_000, 40],
  [5_000, 10],
];
const MAX_MS = 8_000;

/** The least that a change is known by: shows what the size of the selection costs. */
const TWO_FIELDS = 'subscription { itemChanges { changes { node { id title } } } }';

export const fanOut: Scenario = {
  id: 'B1',
  title: 'Identical fan-out: one change goes to every socket, and the next one when all have it',
  durable: false,
  metrics: [
    { name: 'rate', unit: 'deliveries/s', better: 'higher', compared: true },
    { name: 'cpu', unit: 'µs/delivery', better: 'lower', compared: true },
    { name: 'memory', unit: 'MB', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    for (const [sockets, changes] of CASES) {
      const stand = { rows: 1_000, subscribers: { sockets } };
      const stands: readonly StandOptions[] = [
        { ...stand, subject: 'rivulet', kind: 'rivulet' },
        {
          ...stand,
          subject: 'rivulet, two fields',
          kind: 'rivulet',
          subscribers: { sockets, query: TWO_FIELDS },
        },
        { ...stand, subject: 'limit', kind: 'raw' },
        { ...stand, subject: 'peer', kind: 'yoga' },
      ];
      await bench.withStands(stands, async (started) => {
        const subjects = started.map((each) => subjectOf(each, changes));
        rows.push(...(await bench.measure(`${sockets.toLocaleString('en')} sockets`, subjects)));
      });
    }
    return rows;
  },
};

function subjectOf(stand: Stand, changes: number): Subject {
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const run = () => stand.load.call('closedLoop', { changes, maxMs: MAX_MS });
      const { result, cpuMicros, usage } = await metered(stand, run);
      const { deliveries, seconds, gate } = result;
      return {
        figures: { rate: deliveries / seconds, cpu: cpuMicros / deliveries, memory: usage.memoryMb },
        gate,
      };
    },
  };
}
