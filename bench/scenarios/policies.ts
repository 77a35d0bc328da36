import type { Subject } from '../harness/bench.js';
import type { Row, Scenario } from '../harness/scenario.js';
import { metered, type Stand, type StandOptions } from '../harness/stand.js';

const USERS = 1_000;
const CHANGES = 40;
const MAX_MS = 8_000;

export const policies: Scenario = {
  id: 'B5',
  title: 'Policies: one change goes to 1,000 users, each with their own policy that allows it',
  durable: false,
  metrics: [
    { name: 'rate', unit: 'deliveries/s', better: 'higher', compared: true },
    { name: 'cpu', unit: 'µs/delivery', better: 'lower', compared: true },
    { name: 'memory', unit: 'MB', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const stand = { rows: 1_000, owners: USERS };
    const subscribers = { sockets: USERS };
    const signedIn = { ...subscribers, signIn: 'token' } as const;
    const stands: readonly StandOptions[] = [
      { ...stand, subject: 'rivulet', kind: 'rivulet', rights: 'own and public', subscribers: signedIn },
      { ...stand, subject: 'limit', kind: 'rivulet', subscribers },
      { ...stand, subject: 'peer', kind: 'yoga', matching: 'rights', subscribers },
      { ...stand, subject: 'through a relation', kind: 'rivulet', rights: 'team', subscribers: signedIn },
    ];
    let rows: readonly Row[] = [];
    await bench.withStands(stands, async (started) => {
      rows = await bench.measure('1,000 users', started.map(subjectOf));
    });
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
      const { deliveries, seconds, gate } = result;
      return {
        figures: { rate: deliveries / seconds, cpu: cpuMicros / deliveries, memory: usage.memoryMb },
        gate,
      };
    },
  };
}
