import { expect, test } from 'vitest';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

/**
 * T9: nothing that is sent tells how much others write. Ada sees the projects 1 and 2; ten thousand changes in project 3 must leave no frame, and
 * what she is sent must be as long as without them.
 */
const example = await serveExample();
const { url, database, token, subscribed, server } = example;
const authorization = `Bearer ${await token(1)}`;
const STREAM = `subscription ($after: String) { taskChanges(after: $after) {
  cursor reset transaction { xid loggedAt mutationId } changes { kind op key node { title project { name } } }
  related { comments { changes { key } links { parent child } } }
} }`;
const LIVE = 'subscription { tasks(where: { projectId: { eq: 1 } }) { id title } }';

await database.script(`
  insert into tasks (id, project_id, title) overriding system value select 10000 + n, 3, 'not for ada' from generate_series(1, 100) n`);

/** Ten thousand changes of a hundred rows, in two hundred transactions, while others are open and written to. */
async function foreignChanges(): Promise<void> {
  const open = Array.from({ length: 8 }, () => database.connect({ max: 1 }));
  const release = new Set<() => void>();
  const held = open.map((each, at) =>
    each.transaction(async (tx) => {
      await tx.script(`update tasks set title = 'open' where id = ${10_001 + at}`);
      await new Promise<void>((resolve) => release.add(resolve));
    }),
  );
  await waitFor('all are open', () => release.size === open.length);
  await database.script(`do $$ begin
    for n in 1..200 loop
      update tasks set title = 'foreign ' || n where id between 10050 and 10099;
      commit;
    end loop;
  end $$`);
  for (const resolve of release) resolve();
  await Promise.all(held);
}

let turn = 0;
/** A change that ada sees; all are of one length. */
async function ownChange(): Promise<string> {
  const title = `own ${1_000 + turn++}`;
  await database.query('update tasks set title = $1 where id = 1', title);
  return title;
}

interface Listening {
  /** What came, frame by frame, or event by event. */
  readonly frames: () => readonly string[];
  readonly close: () => void;
}

const TRANSPORTS: readonly (readonly [string, (query: string, after?: string) => Promise<Listening>])[] = [
  [
    'a WebSocket',
    async (query, after) => {
      const socket = await new RawSocket(example.socket()).init({ authorization });
      socket.send({ type: 'subscribe', id: '1', payload: { query, variables: { after } } });
      return {
        frames: () => socket.received.slice(1).map((message) => JSON.stringify(message)),
        close: () => socket.socket.terminate(),
      };
    },
  ],
  [
    'an event stream',
    async (query, after) => {
      const variables = encodeURIComponent(JSON.stringify({ after }));
      const stream = await RawEventStream.open(
        `${url}?query=${encodeURIComponent(query)}&variables=${variables}`,
        { headers: { authorization } },
      );
      // The first says when to come back.
      return { frames: () => stream.text.split('\n\n').slice(1, -1), close: () => stream.close() };
    },
  ],
];

async function answer(): Promise<string> {
  const response = await fetch(
    `${url}?query=${encodeURIComponent('{ tasks(where: { projectId: { eq: 1 } }) { id title } }')}`,
    {
      headers: { authorization },
    },
  );
  return response.text();
}

const lengths = (frames: readonly string[]) => frames.map(({ length }) => length);

for (const [transport, listen] of TRANSPORTS) {
  test.each([
    ['a change stream', STREAM, 0],
    ['a live query', LIVE, 1],
  ])(
    `T9: over ${transport} %s is the same bytes long with and without 10,000 foreign changes`,
    async (_what, query, first) => {
      const told = async (between: () => Promise<void>): Promise<readonly string[]> => {
        const listening = await listen(query);
        await subscribed(1);
        const { frames } = listening;
        await waitFor('the beginning', () => frames().length === first);
        const one = await ownChange();
        await waitFor('the first', () => frames().some((frame) => frame.includes(one)));
        await between();
        await server.feed.catchUp();
        const two = await ownChange();
        await waitFor('the second', () => frames().some((frame) => frame.includes(two)));
        const all = frames();
        listening.close();
        await subscribed(0);
        return all;
      };
      const without = await told(async () => {});
      const beside = await told(foreignChanges);
      expect(beside).toHaveLength(first + 2);
      expect(lengths(beside)).toEqual(lengths(without));
    },
  );

  test(`T9: over ${transport} who comes back is told of its own changes alone, in frames of the same length`, async () => {
    const resumed = async (between: () => Promise<void>): Promise<readonly string[]> => {
      const after = JSON.parse(await answer()).extensions.rivulet.cursor as string;
      await between();
      const title = await ownChange();
      const listening = await listen(STREAM, after);
      await waitFor('what was missed', () => listening.frames().some((frame) => frame.includes(title)));
      const all = listening.frames();
      listening.close();
      await subscribed(0);
      return all;
    };
    const without = await resumed(async () => {});
    const beside = await resumed(foreignChanges);
    expect(beside).toHaveLength(1);
    expect(lengths(beside)).toEqual(lengths(without));
  });
}

test('T9: an answer is the same bytes long with and without foreign changes, also while others are open', async () => {
  const before = await answer();
  const during: string[] = [];
  const writing = foreignChanges();
  let isDone = false;
  void writing.finally(() => {
    isDone = true;
  });
  while (!isDone) during.push(await answer());
  await writing;
  const cursors = new Set([before, ...during, await answer()]);
  expect(cursors.size).toBeGreaterThan(2);
  expect(new Set(lengths([...cursors])).size).toBe(1);
});

test('T9: a transaction has one name for everybody, and the names of a row of transactions say nothing of each other', async () => {
  const listening = await Promise.all(TRANSPORTS.map(([, listen]) => listen(STREAM)));
  await subscribed(2);
  for (let n = 0; n < 5; n++) {
    const title = await ownChange();
    await waitFor('it is told', () =>
      listening.every(({ frames }) => frames().some((frame) => frame.includes(title))),
    );
  }
  const named = listening.map(({ frames }) => frames().map((frame) => /"xid":"([^"]*)"/.exec(frame)?.[1]));
  expect(named[0]).toEqual(named[1]);
  expect(new Set(named[0]).size).toBe(5);
  for (const name of named[0]!) expect(name).toMatch(/^[\w-]{22}$/);
  for (const { close } of listening) close();
  await subscribed(0);
});
