import { expect, test } from 'vitest';
import { createStand, runs } from '../support/faults/in-test.js';
import type { ServedNode } from '../support/faults/node.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

const stand = await createStand({ nodes: 2 });

/** How long a node may take to let its requests end; on a busy machine it needs a moment more to go. */
const DRAIN_MS = 10_000;
const SLACK_MS = 10_000;

/** A query that the database does not answer until `release` is called. */
async function slowRequest(
  node: ServedNode,
): Promise<{ readonly answer: Promise<string>; release(): Promise<void> }> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isLocked = (): void => {};
  const locked = new Promise<void>((resolve) => {
    isLocked = resolve;
  });
  const holding = stand.database.transaction(async (tx) => {
    await tx.script('lock table labels in access exclusive mode');
    isLocked();
    await released;
  });
  await locked;
  const token = await stand.token(1);
  const answer = fetch(node.directUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ labels(limit: 1) { id } }' }),
  }).then(
    (response) => response.text(),
    (error: Error) => `no answer: ${error.message}`,
  );
  await waitFor('it waits for the lock', async () => {
    const [row] = await stand.database.query({
      text: `select count(*)::text from pg_stat_activity where application_name = 'rivulet' and wait_event_type = 'Lock' and query like '%labels%'`,
      params: [],
    });
    return row![0] !== '0';
  });
  return {
    answer,
    release: async () => {
      release();
      await holding;
    },
  };
}

test('F2: nodes are restarted one after the other: what runs ends, clients are told to go and go on elsewhere, and nobody sees an error', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  let [home, other] = [stand.nodes[0]!, stand.nodes[1]!];
  await stand.subscribeAll({ url: () => home.url });
  const totals = { restarts: 0, commits: 0, messages: 0, longestMs: 0 };
  for (let run = 0; run < runs(3); run++) {
    stand.write({ writers: 4, paceMs: 200, random });
    await stand.heard();
    const earlier = new Map(stand.subscribers.map((each) => [each, each.breaks.length]));
    const slow = await slowRequest(home);
    const leaving = home;
    home = other;
    const before = performance.now();
    const ending = leaving.end('SIGTERM');
    await waitFor('it says that it stops', () => leaving.logged.some(({ msg }) => msg === 'stopping'));
    // New clients are sent away while it drains.
    expect((await stand.ready())[stand.nodes.indexOf(leaving)]).toBe(false);
    expect(leaving.isRunning).toBe(true);
    await slow.release();
    expect(JSON.parse(await slow.answer)).toMatchObject({ data: { labels: [] } });
    expect(await ending).toEqual({ code: 0 });
    const tookMs = performance.now() - before;
    expect(tookMs).toBeLessThan(DRAIN_MS + SLACK_MS);
    totals.longestMs = Math.max(totals.longestMs, Math.round(tookMs));
    await stand.written(10);
    const [settled] = await Promise.all([stand.settle(), leaving.start()]);
    expect({ seed, findings: settled.findings }).toEqual({ seed, findings: [] });
    for (const subscriber of stand.subscribers) {
      if (subscriber.plan.transport !== 'ws') continue;
      const [first] = subscriber.breaks.slice(earlier.get(subscriber));
      expect(first).toMatch(/^closed with 1001/);
    }
    other = leaving;
    totals.restarts++;
    totals.commits += settled.commits;
    totals.messages += settled.messages;
  }
  expect(stand.resets.size).toBe(0);
  console.log(`seed ${seed}: ${JSON.stringify({ ...totals, reconnects: stand.reconnects })}`);
}, 300_000);

test('F2: requests that take longer than a node waits are cut, and it goes', async () => {
  const node = stand.nodes[0]!;
  const slow = await slowRequest(node);
  const before = performance.now();
  expect(await node.end('SIGTERM')).toEqual({ code: 0 });
  expect(performance.now() - before).toBeGreaterThan(DRAIN_MS - 500);
  expect(await slow.answer).toMatch(/^no answer/);
  await slow.release();
  await node.start();
}, 90_000);

test('F2: a node that is told twice ends at once', async () => {
  const node = stand.nodes[0]!;
  const slow = await slowRequest(node);
  const ending = node.end('SIGTERM');
  await waitFor('it says that it stops', () => node.logged.some(({ msg }) => msg === 'stopping'));
  const before = performance.now();
  // Two signals within a moment are one: npm passes on what its child has got already.
  await waitFor('it is gone', () => {
    node.signal('SIGTERM');
    return !node.isRunning;
  });
  expect(performance.now() - before).toBeLessThan(5_000);
  expect(await ending).toEqual({ code: 130 });
  expect(await slow.answer).toMatch(/^no answer/);
  await slow.release();
  await node.start();
}, 90_000);
