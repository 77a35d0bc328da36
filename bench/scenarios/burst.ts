import type { Subject } from '../harness/bench.js';
import type { Row, Scenario } from '../harness/scenario.js';
import { metered, type Stand, type StandOptions } from '../harness/stand.js';

const SOCKETS = 1_000;
/** Of each socket, one for each of as many topics; a transaction changes one row of each topic. */
const SUBSCRIPTIONS = 10;
const CHANGES = 100;
const MAX_MS = 8_000;

export const burst: Scenario = {
  id: 'B2',
  title:
    'Bursts: 1,000 sockets with 10 subscriptions each; a transaction has 10 changes, one for each subscription',
  durable: false,
  metrics: [
    { name: 'rate', unit: 'deliveries/s', better: 'higher', compared: true },
    { name: 'p50', unit: 'ms', better: 'lower', compared: true },
    { name: 'cpu', unit: 'µs/delivery', better: 'lower', compared: true },
    { name: 'memory', unit: 'MB', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const subscribers = {
      sockets: SOCKETS,
      topicsPerSocket: SUBSCRIPTIONS,
      topics: 'shared',
      signIn: 'plain',
    } as const;
    const stand = { rows: 1_000, subscribers };
    const stands: readonly StandOptions[] = [
      { ...stand, subject: 'rivulet', kind: 'rivulet' },
      { ...stand, subject: 'limit', kind: 'raw', matching: 'topic', writes: 'one' },
      { ...stand, subject: 'peer', kind: 'yoga', matching: 'topic' },
      { ...stand, subject: 'ws.send for each message', kind: 'raw', matching: 'topic' },
    ];
    let rows: readonly Row[] = [];
    await bench.withStands(stands, async (started) => {
      rows = await bench.measure('10 changes per transaction', started.map(subjectOf));
    });
    return rows;
  },
};

function subjectOf(stand: Stand): Subject {
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const run = () =>
        stand.load.call('closedLoop', {
          changes: CHANGES,
          rowsPerTransaction: SUBSCRIPTIONS,
          maxMs: MAX_MS,
        });
      const { result, cpuMicros, usage } = await metered(stand, run);
      const { deliveries, seconds, p50Ms, gate } = result;
      const figures = {
        rate: deliveries / seconds,
        p50: p50Ms,
        cpu: cpuMicros / deliveries,
        memory: usage.memoryMb,
      };
      return { figures, gate };
    },
  };
}
