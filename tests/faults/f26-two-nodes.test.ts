import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { disputedProject, SMALL } from '../support/faults/application.js';
import { changes } from '../support/faults/changes.js';
import { createStand, runs } from '../support/faults/in-test.js';
import type { ServedNode } from '../support/faults/node.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';

const stand = await createStand({ nodes: 2 });
const [ahead, behind] = [stand.nodes[0]!, stand.nodes[1]!];

/**
 * How long each answer with rows of the log takes to the late node. It needs one to hear of a transaction, and more to be told who may see it, so that it is
 * seconds behind where several transactions come one after the other.
 */
const LATE_MS = 250;

/** Makes a node's feed late: answers with rows of the log are held on their way. Returns what ends that. */
function makeLate(node: ServedNode): () => void {
  node.back.meddle(async (bytes) => {
    if (isLogAnswer(bytes)) await delay(LATE_MS);
    return bytes;
  });
  return () => node.back.meddle(null);
}

/** An answer with images of rows and their times, and not one that says that there is nothing. */
function isLogAnswer(bytes: Buffer): boolean {
  return bytes.includes('["') && bytes.includes('Z');
}

/** Commits transactions that concern every subscriber, until each has heard something: what it fetches meanwhile it is not told. */
async function tellEverybody(): Promise<void> {
  let isHeard = false;
  const heard = stand.heard().then(() => {
    isHeard = true;
  });
  while (!isHeard) {
    await stand.ledger.transaction(async (change) => {
      for (let project = 1; project <= disputedProject(SMALL); project++) {
        // One of its tasks.
        await change(changes.touchTasks([project]));
        await change(changes.addComment(project));
      }
      await change(changes.touchUsers(Array.from({ length: SMALL.users }, (_, at) => at + 1)));
    });
    await Promise.race([heard, delay(2_000)]);
  }
}

test('F26: clients go to and fro between two nodes, of which one is seconds behind: nothing lost, nothing twice, nothing goes back', async () => {
  const seed = seedFromEnvironment();
  const random = createRandom(seed);
  let place = ahead;
  await stand.subscribeAll({ url: () => place.url });
  await tellEverybody();
  const onTime = makeLate(behind);
  const rounds = runs(3);
  let moves = 0;
  for (let round = 0; round < rounds; round++) {
    place = round % 2 === 0 ? behind : ahead;
    stand.write({ writers: 1, paceMs: 150, random });
    // Clients of the node that is on time have heard of more than the late one has read.
    await stand.written(5);
    for (const subscriber of stand.subscribers) subscriber.cut();
    moves += stand.subscribers.length;
    await stand.written(2);
    // Else the late node gets later all the time.
    await stand.stopWriting();
    await tellEverybody();
  }
  onTime();
  const settled = await stand.settle();
  console.log(`seed ${seed}: ${JSON.stringify({ ...settled, moves, reconnects: stand.reconnects })}`);
  expect({ seed, findings: settled.findings }).toEqual({ seed, findings: [] });
  expect(stand.resets.size).toBe(0);
}, 300_000);

test('F26: a late node says nothing to a client that is ahead of it, until it is there itself', async () => {
  const token = await stand.token(1);
  const query =
    'subscription ($after: String) { userChanges(after: $after) { cursor reset changes { key } } }';
  const onTime = makeLate(behind);
  try {
    for (let i = 0; i < 3; i++) {
      const name = `late ${i}`;
      await stand.database.query({
        text: `update users set email = $1 where id = 2`,
        params: [`before ${name}`],
      });
      const answer = await fetch(ahead.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ users(limit: 1) { id } }' }),
      });
      const { extensions } = (await answer.json()) as { extensions: { rivulet: { cursor: string } } };
      const response = await fetch(behind.directUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify({ query, variables: { after: extensions.rivulet.cursor } }),
        signal: AbortSignal.timeout(20_000),
      });
      const events = eventsOf<UserChanges>(response);
      await stand.database.query({
        text: `update users set email = $1 where id = 3`,
        params: [`after ${name}`],
      });
      // The change before the cursor is not among what it says, and the one after it is the first.
      const { data } = (await events.next()).value!;
      expect(data.userChanges).toMatchObject({ reset: null, changes: [{ key: '3' }] });
      await events.return(undefined);
    }
  } finally {
    onTime();
  }
}, 60_000);

test('F26: a late node does not show a client of a live query what is older than it has seen', async () => {
  const token = await stand.token(1);
  const query = 'subscription { user(id: "2") { email } }';
  const follow = async () =>
    eventsOf<{ readonly user: { readonly email: string } }>(
      await fetch(behind.directUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify({ query }),
        signal: AbortSignal.timeout(20_000),
      }),
    );
  // So that the node has an answer.
  const there = await follow();
  await there.next();
  const onTime = makeLate(behind);
  try {
    for (let i = 0; i < 3; i++) {
      const email = `seen elsewhere ${i}`;
      await stand.database.query({ text: `update users set email = $1 where id = 2`, params: [email] });
      const events = await follow();
      expect((await events.next()).value!.data.user.email).toBe(email);
      await events.return(undefined);
    }
  } finally {
    onTime();
    await there.return(undefined);
  }
}, 60_000);

interface Event<T> {
  readonly data: T;
}

interface UserChanges {
  readonly userChanges: { readonly reset: string | null; readonly changes: unknown };
}

async function* eventsOf<T>(response: Response): AsyncGenerator<Event<T>> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      const data = event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5))
        .join('');
      if (event.includes('event: next')) yield JSON.parse(data) as Event<T>;
    }
  }
}
