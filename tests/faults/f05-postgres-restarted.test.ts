import { expect, test } from 'vitest';
import { createStandOnCluster, runs } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';

const { stand, cluster } = await createStandOnCluster({ nodes: 2 });

test('F5: Postgres is restarted under load, in order and by a crash: no socket breaks, and nothing is lost', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  const homes = createRandom(seed);
  await stand.subscribeAll({ url: () => homes.pick(stand.nodes).url });
  const backAfter: number[] = [];
  let commits = 0;
  for (let run = 0; run < runs(4); run++) {
    stand.write({ writers: 4, paceMs: 200, random });
    await stand.heard();
    const [row] = await stand.database.query({
      text: `select xid from ledger order by n desc limit 1`,
      params: [],
    });
    expect(row).toBeDefined();
    await cluster.restart(run % 2 === 0 ? 'fast' : 'immediate');
    const began = performance.now();
    await stand.untilReady();
    backAfter.push(performance.now() - began);
    await stand.written(20);
    const settled = await stand.settle();
    expect({ seed, findings: settled.findings }).toEqual({ seed, findings: [] });
    commits += settled.commits;
    expect(await listeners()).toBe(stand.nodes.length);
  }
  console.log(`seed ${seed}: ${commits} commits, ready after ${backAfter.map(Math.round).join(', ')} ms`);
  expect(Math.min(...backAfter)).toBeLessThan(3_000);
  expect(stand.subscribers.flatMap(({ breaks }) => breaks)).toEqual([]);
}, 300_000);

/** Sessions that listen; those of the nodes have no other name. */
async function listeners(): Promise<number> {
  const rows = await stand.database.query({
    text: `select 1::text from pg_stat_activity where query ~* '^(listen|select$)|advisory' and application_name like 'rivulet%'`,
    params: [],
  });
  return rows.length;
}
