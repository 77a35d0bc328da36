import type { Subject } from '../harness/bench.js';
import { CLEAN, type Row, type Scenario } from '../harness/scenario.js';
import { connectTo, disconnectFrom, type Stand, type StandOptions } from '../harness/stand.js';

const SOCKETS = 10_000;
/** Of each socket; they are the same on all sockets. */
const SUBSCRIPTIONS = [1, 5] as const;

export const storm: Scenario = {
  id: 'B13',
  title:
    'Subscribe storm: 10,000 sockets connect and subscribe at once, and the memory that they need; the limit is a bare socket',
  durable: false,
  metrics: [
    { name: 'rate', unit: 'subscribes/s', better: 'higher', compared: true },
    { name: 'held', unit: 'kB/socket', better: 'lower', compared: true },
    { name: 'resident', unit: 'kB/socket', better: 'lower', compared: true },
    { name: 'held by one more', unit: 'kB/subscription', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    const stand = { rows: 1_000, subscribers: { sockets: 0 } };
    const stands: readonly StandOptions[] = [
      { ...stand, subject: 'rivulet', kind: 'rivulet' },
      { ...stand, subject: 'limit', kind: 'raw', matching: 'topic' },
      { ...stand, subject: 'peer', kind: 'yoga', matching: 'topic' },
    ];
    await bench.withStands(stands, async (started) => {
      const held = new Map<Stand, number>();
      for (const subscriptions of SUBSCRIPTIONS) {
        const subjects = started.map((each) => subjectOf(each, subscriptions, held));
        const name = `${subscriptions} subscription${subscriptions === 1 ? '' : 's'} a socket`;
        rows.push(...(await bench.measure(name, subjects)));
      }
    });
    return rows;
  },
};

/** `held`: by a socket with the least subscriptions, in kB. */
function subjectOf(stand: Stand, subscriptions: number, held: Map<Stand, number>): Subject {
  return {
    subject: stand.subject,
    stand,
    run: async () => {
      const before = await stand.target.call('usage', { collect: true });
      const began = performance.now();
      await connectTo(stand, {
        sockets: SOCKETS,
        topicsPerSocket: subscriptions,
        topics: 'shared',
        signIn: 'plain',
      });
      const seconds = (performance.now() - began) / 1_000;
      const after = await stand.target.call('usage', { collect: true });
      await disconnectFrom(stand);
      const perSocket = (mb: number) => (mb * 1024) / SOCKETS;
      const own = perSocket(after.heldMb - before.heldMb);
      const [least] = SUBSCRIPTIONS;
      if (subscriptions === least) held.set(stand, own);
      const more = subscriptions - least;
      return {
        figures: {
          rate: (SOCKETS * subscriptions) / seconds,
          held: own,
          resident: perSocket(after.memoryMb - before.memoryMb),
          ...(more > 0 && { 'held by one more': (own - held.get(stand)!) / more }),
        },
        gate: CLEAN,
      };
    },
  };
}
