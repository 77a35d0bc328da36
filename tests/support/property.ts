import type { Parameters } from 'fast-check';

/**
 * Seed and number of runs of a property test: RIVULET_SEED and RIVULET_RUNS where they are set, else a random seed, which
 * fast-check prints when the property fails.
 */
export function propertyOptions(runs: number): Pick<Parameters<unknown>, 'seed' | 'numRuns'> {
  const { RIVULET_SEED, RIVULET_RUNS } = process.env;
  return {
    ...(RIVULET_SEED && { seed: Number(RIVULET_SEED) }),
    numRuns: RIVULET_RUNS ? Number(RIVULET_RUNS) : runs,
  };
}
