import type { Subject } from '../harness/bench.js';
import type { Row, Scenario } from '../harness/scenario.js';
import { metered, type Stand, type StandOptions } from '../harness/stand.js';

/**
 * Sockets, those of them that read nothing any more, and changes a second: as many deliveries a second as this machine is at ease
 * with. A thousand sockets at 500 a second are half a million, twelve times what the limit of B1 does on two cores.
 */
const CASES: readonly (readonly [sockets: number, stalled: number, perSecond: number])[] = [
  [1_000, 10, 10],
  [100, 1, 100],
  [20, 1, 500],
];
const SECONDS = 10;

/** Messages of about 4 kB, so that what the kernel keeps for a socket is soon full. */
const BODIES = 14;
const SELECTION = `id title ${Array.from({ length: BODIES }, (_, at) => `body${at}: body`).join(' ')}`;
const QUERIES = {
  rivulet: `subscription { itemChanges { cursor changes { kind key node { ${SELECTION} } } } }`,
  yoga: `subscription { itemChanged { ${SELECTION} } }`,
};

export const slowReaders: Scenario = {
  id: 'B14',
  title:
    'Slow readers: some sockets stop reading; the latency of the others, compared with a server whose sockets all read',
  durable: false,
  metrics: [
    { name: 'p50', unit: 'ms', better: 'lower', compared: true },
    { name: 'p99', unit: 'ms', better: 'lower', compared: true },
    { name: 'peak memory', unit: 'MB', better: 'lower', compared: true },
    { name: 'cpu', unit: 'µs/delivery', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    for (const [sockets, stalled, perSecond] of CASES) {
      const stand = { rows: 1_000 };
      const stands: readonly (StandOptions & { readonly stalled: number })[] = [
        {
          ...stand,
          subject: 'rivulet',
          kind: 'rivulet',
          stalled,
          subscribers: { sockets, query: QUERIES.rivulet },
        },
        {
          ...stand,
          subject: 'limit',
          kind: 'rivulet',
          stalled: 0,
          subscribers: { sockets, query: QUERIES.rivulet },
        },
        { ...stand, subject: 'peer', kind: 'yoga', stalled, subscribers: { sockets, query: QUERIES.yoga } },
      ];
      await bench.withStands(stands, async (started) => {
        for (const [at, each] of started.entries()) {
          const { stalled } = stands[at]!;
          if (stalled > 0) await each.load.call('stall', { sockets: stalled });
        }
        const name = `${sockets.toLocaleString('en')} sockets, ${stalled} stalled, ${perSecond} changes/s`;
        rows.push(
          ...(await bench.measure(
            name,
            started.map((each) => subjectOf(each, perSecond)),
          )),
        );
      });
    }
    return rows;
  },
};

function subjectOf(stand: Stand, perSecond: number): Subject {
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const { result, cpuMicros, usage } = await metered(stand, () =>
        stand.load.call('steady', { perSecond, changes: perSecond * SECONDS }),
      );
      const { p50Ms, p99Ms, deliveries, gate } = result;
      const figures = {
        p50: p50Ms,
        p99: p99Ms,
        'peak memory': usage.peakMemoryMb,
        cpu: cpuMicros / deliveries,
      };
      return { figures, gate };
    },
  };
}
