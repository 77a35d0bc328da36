import { expect, test } from 'vitest';
import { createStandOnCluster } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

const { stand, cluster } = await createStandOnCluster({ nodes: 2 });

/** Far longer than it takes to notice. */
const FROZEN_MS = Number(process.env.RIVULET_FROZEN_MS ?? 9_000);

/** Of one node: its requests', its feed's, its scopes', and the listening one. */
const MOST_SESSIONS = 10 + 2 + 3 + 1;

test('F6: Postgres freezes: the nodes notice within 5 s, and when it goes on nothing is lost and nobody listens twice', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  await stand.subscribeAll({ url: () => random.pick(stand.nodes).url });
  stand.write({ writers: 4, paceMs: 200, random: random.fork() });
  await stand.heard();
  await cluster.freeze();
  const began = performance.now();
  const until = new Promise((resolve) => setTimeout(resolve, FROZEN_MS));
  await waitFor('the nodes notice', async () => (await stand.ready()).every((isReady) => !isReady), 15_000);
  const noticed = performance.now() - began;
  await until;
  cluster.thaw();
  await cluster.ready();
  const thawed = performance.now();
  await stand.untilReady();
  console.log(
    `seed ${seed}: noticed after ${Math.round(noticed)} ms, ready ${Math.round(performance.now() - thawed)} ms after it went on`,
  );
  expect(noticed).toBeLessThan(8_000);
  await stand.written(20);
  const settled = await stand.settle();
  expect(settled.findings).toEqual([]);
  // What the nodes gave up, ends when the backend finds that out.
  await waitFor(
    'one listener a node',
    async () => (await sessions()).listening === stand.nodes.length,
    20_000,
  );
  await waitFor(
    'no more sessions than ever',
    async () => (await sessions()).all <= MOST_SESSIONS * stand.nodes.length,
    20_000,
  );
  expect(stand.subscribers.flatMap(({ breaks }) => breaks)).toEqual([]);
}, 120_000);

/** Of the nodes. */
async function sessions(): Promise<{ readonly all: number; readonly listening: number }> {
  const [row] = await stand.database.query({
    text: `select count(*)::text, count(*) filter (where query ~* '^(listen|select$)|advisory')::text from pg_stat_activity
           where application_name like 'rivulet%'`,
    params: [],
  });
  return { all: Number(row![0]), listening: Number(row![1]) };
}
