import type { Child } from '../harness/calls.js';
import { CLEAN, type Row, type Scenario } from '../harness/scenario.js';
import type { Matcher, MatchingApi, Shape } from '../micro/matching-api.js';

const CASES: readonly (readonly [shape: Shape, scopes: readonly number[]])[] = [
  ['equality', [100, 1_000, 10_000, 100_000, 1_000_000]],
  ['equality and range', [100, 100_000]],
  ['IN and OR', [100, 100_000]],
  ['tenant through a relation', [100, 100_000]],
  ['ILIKE', [100, 100_000]],
];
const MATCHERS: readonly Matcher[] = ['rivulet', 'limit', 'peer'];

export const matching: Scenario = {
  id: 'B4',
  title:
    'Matching alone: one row changes and concerns one scope; the limit is a Map and the rest of the condition, the peer evaluates every scope',
  durable: false,
  metrics: [
    { name: 'match', unit: 'µs', better: 'lower', compared: true },
    { name: 'candidates', unit: 'scopes evaluated', better: 'lower', compared: false },
    { name: 'add', unit: 'µs', better: 'lower', compared: false },
    { name: 'remove', unit: 'µs', better: 'lower', compared: false },
    { name: 'memory', unit: 'bytes/scope', better: 'lower', compared: false },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    for (const [shape, sizes] of CASES) {
      for (const scopes of sizes) {
        await bench.withProcess<MatchingApi, void>('micro/matching.js', async (child) => {
          const { bytesPerScope } = await child.call('prepare', { shape, scopes });
          const subjects = MATCHERS.map((matcher) => ({
            subject: matcher,
            run: async () => ({ figures: await figuresOf(child, matcher, bytesPerScope), gate: CLEAN }),
          }));
          rows.push(...(await bench.measure(`${shape}, ${scopes.toLocaleString('en')} scopes`, subjects)));
        });
      }
    }
    return rows;
  },
};

async function figuresOf(
  child: Child<MatchingApi>,
  matcher: Matcher,
  bytesPerScope: number,
): Promise<Readonly<Record<string, number>>> {
  const { micros, found } = await child.call('match', { matcher });
  if (matcher !== 'rivulet') return { match: micros, candidates: found };
  const { addMicros, removeMicros } = await child.call('churn', undefined);
  return { match: micros, candidates: found, add: addMicros, remove: removeMicros, memory: bytesPerScope };
}
