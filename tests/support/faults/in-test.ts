import { afterAll } from 'vitest';
import { createDatabase } from '../database.js';
import { applicationSql, SMALL } from './application.js';
import { Stand, type StandOptions } from './stand.js';

/** A stand on a database of the calling test file, on the run's cluster; to be called at its top level. */
export async function createStand(options: Partial<StandOptions> = {}): Promise<Stand> {
  const size = options.size ?? SMALL;
  const database = await createDatabase({ setup: applicationSql(size) });
  const stand = await Stand.make({ ...options, size, databaseUrl: database.url });
  afterAll(() => stand.close());
  return stand;
}

/** How often a test does something: `fewest` in CI, RIVULET_RUNS where that is set. */
export function runs(fewest: number): number {
  const { RIVULET_RUNS } = process.env;
  return RIVULET_RUNS ? Number(RIVULET_RUNS) : fewest;
}
