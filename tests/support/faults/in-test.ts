import { afterAll } from 'vitest';
import { connect } from '../../../src/database/connect.js';
import { createDatabase } from '../database.js';
import { applicationSql, SMALL } from './application.js';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.js';
import { Stand, type StandOptions } from './stand.js';

/** A stand on a database of the calling test file, on the run's cluster; to be called at its top level. */
export async function createStand(options: Partial<StandOptions> = {}): Promise<Stand> {
  const size = options.size ?? SMALL;
  const database = await createDatabase({ setup: applicationSql(size) });
  const stand = await Stand.make({ ...options, size, databaseUrl: database.url });
  afterAll(() => stand.close());
  return stand;
}

/** The same on a cluster of its own, for faults of Postgres itself. */
export async function createStandOnCluster(
  options: Partial<StandOptions> & { readonly cluster?: ClusterOptions } = {},
): Promise<{ readonly stand: Stand; readonly cluster: Cluster }> {
  const size = options.size ?? SMALL;
  const cluster = await startCluster(options.cluster);
  let stand: Stand | undefined;
  afterAll(async () => {
    cluster.thaw();
    await stand?.close();
    await cluster.stop();
  });
  const setup = connect(cluster.url, { max: 1 });
  await setup.script(applicationSql(size)).finally(() => setup.close());
  stand = await Stand.make({ ...options, size, databaseUrl: cluster.url });
  return { stand, cluster };
}

/** How often a test does something: `fewest` in CI, RIVULET_RUNS where that is set. */
export function runs(fewest: number): number {
  const { RIVULET_RUNS } = process.env;
  return RIVULET_RUNS ? Number(RIVULET_RUNS) : fewest;
}
