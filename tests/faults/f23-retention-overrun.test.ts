import { expect, test } from 'vitest';
import { trim } from '../../src/log/trim.js';
import { serveExample } from '../support/example-server.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveExample({ retention: false, server: { metrics: { port: 0 } } });
const { server, database, token, client, subscribed } = example;
const ada = await token(1);

const KEEP = { maxAgeSeconds: 1e9, maxRows: 1e12, maxBytes: 1e12 };

/** As retention does, and as if no server had been heard of for a minute. */
async function purge(keepRows: number, batch = 5_000): Promise<number> {
  await database.script('delete from rivulet.reader');
  const trimmed = await trim(database.db, { ...KEEP, maxRows: keepRows }, batch);
  return trimmed.kind === 'done' ? trimmed.deleted : 0;
}

const purgeAll = () => waitFor('the log is trimmed', async () => (await purge(0)) === 0 && (await isEmpty()));
const isEmpty = async () =>
  (await database.query('select (count(*) = 0)::text from rivulet.change'))[0]![0] === 'true';

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

test('F23: a client whose cursor was trimmed away is told to fetch again, and goes on from there', async () => {
  const before = await cursor();
  await write();
  // A purge without claims would take from the feed, too, what it has not read.
  await server.feed.catchUp();
  await purgeAll();
  // Where it took from the feed all the same, that is over before the client comes.
  await server.feed.catchUp();
  const told = await readFrom(before);
  expect(told).toMatchObject({ resets: ['TOO_OLD'], positions: [] });
  await write();
  const onward = await readFrom(told.cursor);
  // A cursor may be called too old although nothing is missing to it; never is anything missing in silence.
  if (onward.resets.length === 0) expect(onward.positions).toEqual([position]);
  else expect(['TOO_OLD', 'LOG_LOST']).toContain(onward.resets[0]);
  const metrics = await (await fetch(server.metricsUrl!)).text();
  expect(metrics).toMatch(/rivulet_resets_total\{reason="TOO_OLD"\} [1-9]/);
});

test('F23: a purge that races with replays cuts no hole: each replay is whole, or a reset', async () => {
  const counts = { whole: 0, reset: 0 };
  for (let round = 0; round < 25; round++) {
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
        // LOG_LOST where the purge overtook the server's own feed, whose claim is taken away here.
        expect(['TOO_OLD', 'LOG_LOST']).toContain(resets[0]);
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
}, 30_000);

test('F23: a server that is alive keeps what it has not read, whatever the limits', async () => {
  // Its feed stands still while a listener has not finished.
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const unlisten = server.feed.listen(() => held);
  await write();
  await database.query(
    'insert into rivulet.reader values (gen_random_uuid(), $1::text::xid8, clock_timestamp())',
    String(server.feed.position.xmin),
  );
  await write();
  const trimmed = await trim(database.db, { ...KEEP, maxRows: 0 }, 5_000);
  expect(trimmed).toMatchObject({ kind: 'done' });
  expect(
    Number((await database.query('select count(*)::text from rivulet.change'))[0]![0]),
  ).toBeGreaterThanOrEqual(2);
  release();
  unlisten();
  await server.feed.catchUp();
  expect(server.feed.status().state).toBe('live');
  await subscribed(0);
});
