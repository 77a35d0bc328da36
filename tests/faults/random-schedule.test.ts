import { expect, test } from 'vitest';
import { DEFAULTS } from '../soak/options.js';
import { planRound } from '../soak/schedule.js';
import { soak } from '../soak/soak.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';

/** RIVULET_SOAK_SECONDS, for more than CI has time for. `npm run soak` says more on its way. */
const seconds = Number(process.env.RIVULET_SOAK_SECONDS ?? 40);

test(
  'faults at random, several at a time: nothing lost, doubled or out of order, and no reset without a reason',
  async () => {
    const seed = seedFromEnvironment();
    const lines: string[] = [];
    const options = {
      ...DEFAULTS,
      seed,
      minutes: seconds / 60,
      subscribers: 40,
      writers: 2,
      roundSeconds: 20,
      faultEverySeconds: 3,
    };
    const { figures, summary } = await soak(options, (line) => lines.push(line));
    console.log(summary);
    if (!figures.isGood) console.log(lines.join('\n'));
    expect({ seed, findings: figures.findings, failed: [...figures.failedInjections] }).toEqual({
      seed,
      findings: [],
      failed: [],
    });
    expect(figures.injections.size).toBeGreaterThan(3);
    expect(figures.deliveries).toBeGreaterThan(figures.commits);
  },
  (seconds + 500) * 1_000,
);

test('the same seed plans the same faults', () => {
  const plan = (seed: number) =>
    planRound({ random: createRandom(seed), roundMs: 60_000, faultEveryMs: 4_000, faults: [] }).map(
      ({ atMs, injection }) => `${atMs} ${injection.name}`,
    );
  expect(plan(1)).toEqual(plan(1));
  expect(plan(1)).not.toEqual(plan(2));
  expect(plan(1).length).toBeGreaterThan(5);
});
