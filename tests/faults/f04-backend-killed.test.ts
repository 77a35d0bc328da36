import { expect, test } from 'vitest';
import { createStandOnCluster, runs } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

const { stand, cluster } = await createStandOnCluster({ nodes: 2 });

/** A backend of somebody else's, in the middle of a transaction that wrote. */
async function victim(): Promise<number> {
  const pid = await new Promise<number>((resolve, reject) => {
    stand.database
      .transaction(async (tx) => {
        await tx.script(`update tasks set title = title where id = 1`);
        const [row] = await tx.query({ text: 'select pg_backend_pid()::text', params: [] });
        resolve(Number(row![0]));
        await tx.query({ text: 'select pg_sleep(60)::text', params: [] });
      })
      .catch(reject);
  });
  return pid;
}

test('F4: a backend is killed and all sessions go with it: the nodes stay, come back quickly and quietly, and nothing is lost', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  const homes = createRandom(seed);
  await stand.subscribeAll({ url: () => homes.pick(stand.nodes).url });
  const backAfter: number[] = [];
  for (let run = 0; run < runs(3); run++) {
    stand.write({ writers: 4, paceMs: 200, random });
    await stand.heard();
    const attempts = stand.nodes.map(({ back }) => back.accepted);
    const began = performance.now();
    cluster.killBackend(await victim());
    await waitFor(
      'everybody was thrown out',
      () => stand.nodes.every(({ logged }) => logged.some(isAway)),
      20_000,
    );
    await cluster.ready();
    const ready = performance.now();
    await stand.untilReady();
    backAfter.push(performance.now() - ready);
    const settled = await stand.settle();
    expect({ seed, findings: settled.findings }).toEqual({ seed, findings: [] });
    const seconds = (performance.now() - began) / 1_000;
    for (const [at, { back, isRunning, starts }] of stand.nodes.entries()) {
      expect([isRunning, starts]).toEqual([true, 1]);
      // Fewer than the sessions that it lost and some attempts a second.
      expect((back.accepted - attempts[at]!) / seconds).toBeLessThan(30);
    }
  }
  console.log(`seed ${seed}: ready after Postgres by ${backAfter.map(Math.round).join(', ')} ms`);
  expect(Math.min(...backAfter)).toBeLessThan(3_000);
  expect(stand.subscribers.flatMap(({ breaks }) => breaks)).toEqual([]);
}, 300_000);

function isAway({ msg }: { readonly msg: string }): boolean {
  return msg.includes('cannot be read') || msg.includes('the database is away') || msg.includes('LISTEN');
}
