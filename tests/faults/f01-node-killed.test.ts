import { expect, test } from 'vitest';
import { createStand, runs } from '../support/faults/in-test.js';
import type { ServedNode } from '../support/faults/node.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

const stand = await createStand({ nodes: 2 });
const never = new Promise<Buffer>(() => {});

/** Reads the log from where the feed is. */
const LOG_READ = 'from rivulet.change c where c.xid >=';

/** Where a node is when it ends: calls `kill` as soon as it is there. */
interface Point {
  readonly name: string;
  /** What is done while the clients are away, before they come to the node that will end. */
  readonly missed?: number;
  /** How many messages the clients had not saved. */
  readonly unsaved?: number;
  arm(node: ServedNode, kill: () => void): void;
}

const points: readonly Point[] = [
  {
    name: 'while the log is read',
    arm: ({ back }, kill) => {
      let isReading = false;
      back.meddleRequests((bytes) => {
        isReading ||= bytes.includes(LOG_READ);
        return bytes;
      });
      back.meddle((bytes) => {
        if (!isReading) return bytes;
        kill();
        return never;
      });
    },
  },
  {
    name: 'when the log was read, and before anything is asked about it',
    arm: ({ back }, kill) => {
      let hasRead = false;
      back.meddle((bytes) => {
        hasRead ||= isLogAnswer(bytes);
        return bytes;
      });
      back.meddleRequests((bytes) => {
        if (!hasRead) return bytes;
        kill();
        return never;
      });
    },
  },
  {
    name: 'while the database is asked who may see it',
    arm: ({ back }, kill) => {
      let [hasRead, hasAsked] = [false, false];
      back.meddleRequests((bytes) => {
        hasAsked ||= hasRead;
        return bytes;
      });
      back.meddle((bytes) => {
        hasRead ||= isLogAnswer(bytes);
        if (!hasAsked) return bytes;
        kill();
        return never;
      });
    },
  },
  {
    name: 'before anything of a message has left',
    arm: ({ front }, kill) => {
      front.meddle(() => {
        kill();
        return never;
      });
    },
  },
  {
    name: 'in the middle of a frame',
    arm: ({ front }, kill) => {
      let seen = 0;
      front.meddle((bytes) => {
        if (++seen < 5) return bytes;
        kill();
        return bytes.subarray(0, bytes.length >> 1);
      });
    },
  },
  {
    name: 'when messages have come and their cursors are not saved',
    unsaved: 3,
    arm: ({ front }, kill) => {
      let seen = 0;
      front.meddle((bytes) => {
        if (++seen === 40) setImmediate(kill);
        return bytes;
      });
    },
  },
  {
    name: 'in the middle of a replay',
    missed: 40,
    arm: ({ front }, kill) => {
      let frames = 0;
      front.meddle((bytes) => {
        frames += bytes.toString('latin1').split('"type":"next"').length - 1;
        if (frames >= 25) kill();
        return frames >= 25 ? never : bytes;
      });
    },
  },
];

/** An answer with images of rows, and not one that says that there is nothing. */
function isLogAnswer(bytes: Buffer): boolean {
  return bytes.includes('["') && bytes.includes('Z');
}

test('F1: a node is killed at every point of its work, and its clients go on at another: nothing lost, nothing twice', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  let [home, other] = [stand.nodes[0]!, stand.nodes[1]!];
  await stand.subscribeAll({ url: () => home.url });
  const totals = { kills: 0, commits: 0, messages: 0 };
  for (let run = 0; run < runs(points.length); run++) {
    const point = points[run % points.length]!;
    stand.write({ writers: 4, paceMs: 200, random });
    await stand.written(10);
    const victim = home;
    if (point.missed !== undefined) {
      victim.front.refuse();
      victim.front.reset();
      await stand.written(point.missed);
    }
    const killed = new Promise<void>((resolve, reject) => {
      point.arm(victim, () => {
        home = other;
        victim.end('SIGKILL').then(() => resolve(), reject);
      });
    });
    if (point.missed !== undefined) victim.front.resume();
    await waitFor(`a node is there: ${point.name}`, () => !victim.isRunning, 20_000);
    await killed;
    for (const lane of [victim.front, victim.back]) {
      lane.meddle(null);
      lane.meddleRequests(null);
      lane.reset();
    }
    for (const subscriber of stand.subscribers) subscriber.forget(point.unsaved ?? 0);
    await stand.written(10);
    const [settled] = await Promise.all([stand.settle(), victim.start()]);
    expect({ point: point.name, seed, findings: settled.findings }).toEqual({
      point: point.name,
      seed,
      findings: [],
    });
    other = victim;
    totals.kills++;
    totals.commits += settled.commits;
    totals.messages += settled.messages;
  }
  const reconnects = stand.subscribers.reduce((sum, each) => sum + each.reconnects, 0);
  console.log(`seed ${seed}: ${JSON.stringify({ ...totals, reconnects })}`);
}, 900_000);
