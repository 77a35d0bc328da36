import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { findFaketime } from '../support/faults/cluster.js';
import { createStandOnCluster } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';

const DAY_SECONDS = 24 * 3_600;
const faketime = await findFaketime();
if (faketime === null)
  console.log('no libfaketime (apt-get install libfaketime): the clock of Postgres is left alone');

const folder = await mkdtemp(join(tmpdir(), 'rivulet-clock-'));
afterAll(() => rm(folder, { recursive: true }));
/** The clocks of both nodes; what each reads is in a file of its own. */
const clocks = [join(folder, 'a'), join(folder, 'b')] as const;
const setClocks = (offsetSeconds: readonly [number, number]) =>
  Promise.all(clocks.map((file, at) => writeFile(file, String(offsetSeconds[at]! * 1_000))));
await setClocks([DAY_SECONDS, -DAY_SECONDS]);

const { stand, cluster } = await createStandOnCluster({
  nodes: 2,
  cluster: faketime === null ? {} : { clock: faketime },
  nodeArguments: ['--import', fileURLToPath(new URL('../support/faults/shifted-clock.mjs', import.meta.url))],
  envOf: (at) => ({ CLOCK_SHIFT_FILE: clocks[at]! }),
});

test('F15: nodes a day ahead and a day behind, whose clocks leap under load, say the same', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  await stand.subscribeAll({ url: () => random.pick(stand.nodes).url });
  stand.write({ writers: 2, paceMs: 150, random: random.fork() });
  await stand.heard();
  for (const node of stand.nodes) {
    expect(Math.abs(Number(node.logged[0]!.time) - Date.now())).toBeGreaterThan((DAY_SECONDS - 600) * 1_000);
  }
  for (const offsets of [
    [-DAY_SECONDS, DAY_SECONDS],
    [3_600, 0],
    [0, -3_600],
  ] as const) {
    await setClocks(offsets);
    // Clients go to and fro between clocks.
    for (const node of stand.nodes) node.front.reset(0.5);
    await stand.heard();
    expect(await stand.ready()).toEqual([true, true]);
  }
  const settled = await stand.settle();
  expect({ seed, findings: settled.findings }).toEqual({ seed, findings: [] });
}, 120_000);

test.skipIf(faketime === null)(
  "F15: Postgres's clock leaps a day ahead and two back under load: nothing is ordered or thrown away by it",
  async () => {
    const random = createRandom(seedFromEnvironment());
    // One: while the clock goes back Postgres itself does not find deadlocks.
    stand.write({ writers: 1, paceMs: 60, random });
    await stand.heard();
    for (const offset of [DAY_SECONDS, -DAY_SECONDS, 0]) {
      await cluster.setClock(offset);
      const began = Date.now() + offset * 1_000;
      await expect
        .poll(async () => Math.abs((await databaseTime()) - began) < 60_000, { timeout: 20_000 })
        .toBe(true);
      for (const node of stand.nodes) node.front.reset(0.5);
      await stand.heard();
      expect(await stand.ready()).toEqual([true, true]);
    }
    const settled = await stand.settle();
    expect(settled.findings).toEqual([]);
    expect(settled.commits).toBeGreaterThan(20);
  },
  120_000,
);

async function databaseTime(): Promise<number> {
  const [row] = await stand.database.query({
    text: 'select (extract(epoch from clock_timestamp()) * 1000)::bigint::text',
    params: [],
  });
  return Number(row![0]);
}
