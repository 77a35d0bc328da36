import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { changes } from '../support/faults/changes.js';
import { createStand } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

/** Far less than a node takes for itself when it may: what waits must not be in memory for long. */
const stand = await createStand({ nodeArguments: ['--max-old-space-size=96'] });
const node = stand.nodes[0]!;
await stand.subscribeAll({ idleMs: 20_000 });

/** Longer than the silence for which a node gives up its links to the database, and for which it is not ready any more. */
const STOPPED_MS = Number(process.env.RIVULET_STOPPED_MS ?? 7_000);

test('F34: a node stands still for seconds: its links live on or are made anew, and nothing is half applied', async () => {
  const random = createRandom(seedFromEnvironment());
  stand.write({ writers: 4, paceMs: 200, random });
  await stand.heard();
  node.signal('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
  node.signal('SIGCONT');
  await stand.written(10);
  await stand.untilReady();
  const settled = await stand.settle();
  expect(settled.findings).toEqual([]);
  expect(node.starts).toBe(1);
}, 120_000);

test('F34: others take the processor: what comes late comes whole and in order', async () => {
  const random = createRandom(seedFromEnvironment());
  const burners = Array.from({ length: 4 }, () => spawn(process.execPath, ['-e', 'for (;;) {}']));
  try {
    stand.write({ writers: 4, paceMs: 200, random });
    for (let i = 0; i < 2; i++) await stand.heard();
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
  }
  const settled = await stand.settle();
  expect(settled.findings).toEqual([]);
}, 180_000);

test('F34: transactions of many rows, and little memory: the node collects its garbage and lives', async () => {
  for (let i = 0; i < 5; i++) {
    await stand.ledger.commit(changes.addTasks(1 + (i % 3), 200));
    await stand.ledger.commit(changes.touchProject(1 + (i % 3)));
  }
  await waitFor('they are removed', async () => {
    const before = stand.ledger.acknowledged;
    await stand.ledger.commit(changes.removeTasks(200));
    return stand.ledger.acknowledged === before;
  });
  const settled = await stand.settle();
  console.log(JSON.stringify(settled));
  expect(settled.findings).toEqual([]);
  expect(node.isRunning).toBe(true);
  expect(node.starts).toBe(1);
}, 180_000);
