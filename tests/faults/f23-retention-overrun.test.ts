import { expect, test } from 'vitest';
import { trim } from '../../src/log/trim.js';
import { serveExample } from '../support/example-server.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveExample({
  retention: false,
  // Nearly every replay is read from the log.
  limits: { maxRecentChanges: 1 },
  server: { metrics: { port: 0 } },
});
const { server, database, token, client, subscribed } = example;
const ada = await token(1);

const KEEP = { maxAgeSeconds: 1e9, maxRows: 1e12, maxBytes: 1e12 };

/** As retention does, right after every server has said where it is. */
async function purge(keepRows: number, batch = 5_000): Promise<number> {
  await database.query(
    'update rivulet.reader set position = $1::text::xid8, seen_at = clock_timestamp()',
    String(server.feed.position.xmin),
  );
  return trimTo(keepRows, batch);
}

async function trimTo(keepRows: number, batch = 5_000): Promise<number> {
  const trimmed = await trim(database.db, { ...KEEP, maxRows: keepRows }, batch);
  return trimmed.kind === 'done' ? trimmed.deleted : 0;
}

/** Everything that the server has read; other tests' transactions hold the trimming back for a while. */
const purgeAll = () =>
  waitFor('the log is trimmed', async () => {
    await server.feed.catchUp();
    await purge(0);
    return (await count()) === 0;
  });
const count = async () => Number((await database.query('select count(*)::text from rivulet.change'))[0]![0]);

async function cursor(): Promise<string> {
  const { body } = await example.post('{ tasks { id } }', { token: ada });
  return (body as unknown as { extensions: { rivulet: { cursor: string } } }).extensions.rivulet.cursor;
}

let position = 1_000;
const write = () =>
  database.query('update tasks set position = $1::text::float8 where id = 1', String(++position));

interface Message {
  readonly cursor: string;
  readonly reset: string | null;
  readonly changes: readonly { readonly node: { readonly position: number } | null }[];
}

/** Everything from a cursor to the position that was written last. */
async function readFrom(after: string): Promise<{ resets: string[]; positions: number[]; cursor: string }> {
  const last = position;
  const query =
    'subscription ($after: String) { taskChanges(after: $after) { cursor reset changes { node { position } } } }';
  const resets: string[] = [];
  const positions: number[] = [];
  const stream = client(ada).iterate<{ taskChanges: Message }>({ query, variables: { after } });
  for await (const { data, errors } of stream) {
    if (errors) throw new Error(JSON.stringify(errors));
    const message = data!.taskChanges;
    if (message.reset !== null) resets.push(message.reset);
    for (const { node } of message.changes) if (node) positions.push(node.position);
    if (resets.length > 0 || positions.at(-1)! >= last) return { resets, positions, cursor: message.cursor };
  }
  throw new Error('the stream ended');
}

/** Follows from now on, until stopped. */
function watch() {
  const resets: string[] = [];
  const positions: number[] = [];
  const mine = client(ada);
  mine.subscribe<{ taskChanges: Message }>(
    { query: 'subscription { taskChanges { cursor reset changes { node { position } } } }' },
    {
      next: ({ data }) => {
        const { reset, changes } = data!.taskChanges;
        if (reset !== null) resets.push(reset);
        for (const { node } of changes) if (node) positions.push(node.position);
      },
      error: () => {},
      complete: () => {},
    },
  );
  const stop = async () => {
    await mine.dispose();
    await subscribed(0);
  };
  return { resets, positions, stop };
}

test('F23: a client whose cursor was trimmed away is told to fetch again, and goes on from there', async () => {
  const before = await cursor();
  await write();
  await purgeAll();
  const told = await readFrom(before);
  expect(told).toMatchObject({ resets: ['TOO_OLD'], positions: [] });
  await write();
  // Nothing is trimmed that a server has not read, so that what it says now is never too old.
  expect(await readFrom(told.cursor)).toMatchObject({ resets: [], positions: [position] });
  const metrics = await (await fetch(server.metricsUrl!)).text();
  expect(metrics).toMatch(/rivulet_resets_total\{reason="TOO_OLD"\} [1-9]/);
  expect(metrics).toMatch(/rivulet_resets_total\{reason="LOG_LOST"\} 0/);
});

test('F23: a purge that races with replays cuts no hole: each replay is whole, or a reset that says why', async () => {
  const counts = { whole: 0, reset: 0 };
  const watching = watch();
  await subscribed(1);
  const rounds = Number(process.env.RIVULET_RUNS ?? 15);
  const began = position;
  for (let round = 0; round < rounds; round++) {
    await purgeAll();
    const after = await cursor();
    const first = position + 1;
    for (let i = 0; i < 8; i++) await write();
    const expected = Array.from({ length: 8 }, (_, i) => first + i);
    // The purge begins when some of the readers are done, runs into others, and is before the last.
    let done = 0;
    let deleted = 0;
    const reading = Array.from({ length: 4 }, async (_, i) => {
      if (i === 3) await waitFor('something is deleted', () => deleted > 0);
      const read = await readFrom(after);
      done++;
      return read;
    });
    const purging = waitFor('the purge', async () => {
      if (done >= round % 4) deleted += await purge(0, 1 + (round % 4));
      return done === reading.length;
    });
    const readers = await Promise.all(reading);
    await purging;
    for (const { resets, positions } of readers) {
      if (resets.length > 0) {
        expect(resets).toEqual(['TOO_OLD']);
        expect(positions).toEqual(expected.slice(0, positions.length));
        counts.reset++;
      } else {
        expect(positions).toEqual(expected);
        counts.whole++;
      }
    }
  }
  expect(counts.whole).toBeGreaterThan(0);
  expect(counts.reset).toBeGreaterThan(0);
  console.log(JSON.stringify(counts));
  // Who was there all the time noticed nothing.
  await waitFor('everything is told', () => watching.positions.at(-1) === position);
  expect(watching.resets).toEqual([]);
  expect(watching.positions).toEqual(Array.from({ length: position - began }, (_, i) => began + 1 + i));
  await watching.stop();
}, 60_000);

/** The server's feed reads nothing, until what is returned is called. */
async function standStill(): Promise<() => void> {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHeld = false;
  const unlisten = server.feed.listen(() => {
    isHeld = true;
    return held;
  });
  await write();
  await waitFor('its feed stands still', () => isHeld);
  unlisten();
  return release;
}

test('F23: a server that was silent for longer than its claim lasts, and was overtaken, says so', async () => {
  const watching = watch();
  await subscribed(1);
  await write();
  await waitFor('it is told', () => watching.positions.at(-1) === position);
  const release = await standStill();
  await write();
  await waitFor('the log is trimmed', async () => {
    await database.script("update rivulet.reader set seen_at = clock_timestamp() - interval '61 seconds'");
    await trimTo(0);
    return (await count()) === 0;
  });
  release();
  await waitFor('it says so', () => watching.resets.length > 0);
  expect(watching.resets).toEqual(['LOG_LOST']);
  await watching.stop();
});

test('F23: a server that is alive keeps what it has not read, whatever the limits', async () => {
  const watching = watch();
  await subscribed(1);
  const began = position;
  const release = await standStill();
  await write();
  await purge(0);
  // What it is at, and what is to come.
  expect(await count()).toBeGreaterThanOrEqual(2);
  release();
  await waitFor('both are told', () => watching.positions.length === 2);
  expect(watching.positions).toEqual([began + 1, began + 2]);
  expect(watching.resets).toEqual([]);
  await watching.stop();
});
