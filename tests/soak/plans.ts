import { ownProjects, type Size } from '../support/faults/application.js';
import type { Plan } from '../support/faults/plans.js';
import type { Random } from '../support/faults/random.js';

/** How many of a hundred subscribers follow what. Most follow what costs the server least, so that there are many of them. */
const SHARES: readonly (readonly [Plan['kind'], number])[] = [
  ['users', 78],
  ['tasks', 9],
  ['comments', 3],
  ['graph', 4],
  ['live', 4],
  ['wide', 2],
];

/** Over event streams, of a hundred. */
const EVENT_STREAMS = 20;

export function planSubscribers(count: number, size: Size, random: Random): readonly Plan[] {
  const plans: Plan[] = [];
  for (const [kind, share] of SHARES) {
    for (let i = Math.max(1, Math.round((count * share) / 100)); i > 0; i--) {
      const userId = 1 + random.int(size.users);
      const isPart = kind !== 'users' && random.int(3) === 0;
      plans.push({
        kind,
        transport: kind !== 'wide' && random.int(100) < EVENT_STREAMS ? 'sse' : 'ws',
        userId,
        project: isPart ? random.pick(ownProjects(size, userId)) : null,
      });
    }
  }
  return plans;
}
