import { expect, test } from 'vitest';
import { createStand, runs } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { EVERY_KIND } from '../support/faults/stand.js';

const stand = await createStand();

test('F25: who subscribes while 32 writers commit gets each version once, from the rows it began with on', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  stand.write({ writers: 32, paceMs: 500, random });
  for (let i = 0; i < runs(40); i++) {
    await stand.subscribe(random.pick(EVERY_KIND));
    await stand.written(1 + random.int(8));
  }
  const settled = await stand.settle();
  console.log(`seed ${seed}: ${JSON.stringify(settled)}`);
  expect(settled.findings).toEqual([]);
  // Nobody was cut: what came, came over the first connection.
  expect(stand.subscribers.flatMap(({ breaks }) => breaks)).toEqual([]);
}, 120_000);
