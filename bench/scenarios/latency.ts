import type { Subject } from '../harness/bench.js';
import type { Row, Scenario } from '../harness/scenario.js';
import { metered, type Stand, type StandOptions } from '../harness/stand.js';

/** Sockets and changes a second. 1,000 sockets at 100 a second are 100,000 deliveries a second: more than the limit does here. */
const CASES: readonly (readonly [sockets: number, rates: readonly number[]])[] = [
  [1, [10, 100, 1_000]],
  [100, [10, 100]],
  [1_000, [10]],
];
const SECONDS = 4;
const MAX_CHANGES = 2_000;

export const latency: Scenario = {
  id: 'B7',
  title: 'Latency: the time from sending a change to PostgreSQL until each client has it',
  durable: true,
  metrics: [
    { name: 'p50', unit: 'ms', better: 'lower', compared: true },
    { name: 'p99', unit: 'ms', better: 'lower', compared: true },
    { name: 'commit p50', unit: 'ms', better: 'lower', compared: false },
    { name: 'cpu', unit: 'µs/delivery', better: 'lower', compared: true },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    for (const [sockets, rates] of CASES) {
      const stand = { rows: 1_000, subscribers: { sockets } };
      const stands: readonly StandOptions[] = [
        { ...stand, subject: 'rivulet', kind: 'rivulet' },
        { ...stand, subject: 'limit', kind: 'raw' },
        { ...stand, subject: 'peer', kind: 'yoga' },
      ];
      await bench.withStands(stands, async (started) => {
        for (const perSecond of rates) {
          const name = `${counted(sockets)}, ${perSecond.toLocaleString('en')} changes/s`;
          rows.push(
            ...(await bench.measure(
              name,
              started.map((each) => subjectOf(each, perSecond)),
            )),
          );
        }
      });
    }
    return rows;
  },
};

function subjectOf(stand: Stand, perSecond: number): Subject {
  const changes = Math.min(MAX_CHANGES, perSecond * SECONDS);
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const { result, cpuMicros } = await metered(stand, () =>
        stand.load.call('steady', { perSecond, changes }),
      );
      const { p50Ms, p99Ms, commitP50Ms, deliveries, gate } = result;
      const figures = { p50: p50Ms, p99: p99Ms, 'commit p50': commitP50Ms, cpu: cpuMicros / deliveries };
      return { figures, gate };
    },
  };
}

function counted(sockets: number): string {
  return sockets === 1 ? '1 socket' : `${sockets.toLocaleString('en')} sockets`;
}
