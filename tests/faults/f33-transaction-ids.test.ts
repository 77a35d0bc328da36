import { chown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import {
  covers,
  formatSnapshot,
  isVisible,
  parseSnapshot,
  type Snapshot,
  withVisible,
} from '../../src/log/snapshot.js';
import { createDatabase } from '../support/database.js';
import { setNextXid } from '../support/next-xid.js';
import { createCluster } from '../support/own-cluster.js';
import { propertyOptions } from '../support/property.js';
import { type Follower, serveSmallApp, smallSetup } from '../support/small-app.js';

const EPOCH = 2n ** 32n;

const database = await createDatabase({ setup: smallSetup(5) });

/** Every version of a row, each once, in order. */
function check({ changes, resets }: Follower, to: number, from = 0): void {
  expect(resets).toEqual([]);
  expect(changes.map(({ node }) => node!.version)).toEqual(
    Array.from({ length: to - from }, (_, i) => from + 1 + i),
  );
}

test('F33: the log is vacuumed and frozen under load: nothing is missing, and a cursor from before is good', async () => {
  const app = await serveSmallApp(database.url);
  const { cursor } = await app.fetch('counters');
  const followed = await app.follow('counters');
  let version = 0;
  let isOn = true;
  const writing = (async () => {
    while (isOn) {
      await database.query('update counters set version = $1::text::int where id = 1', String(++version));
    }
  })();
  let vacuums = 0;
  while (version < 300 || vacuums < 20) {
    const table = ['rivulet.change', 'rivulet.log', 'rivulet.reader', 'counters'][vacuums++ % 4];
    await database.script(`vacuum (freeze, index_cleanup on) ${table}`);
  }
  isOn = false;
  await writing;
  await followed.heard(1, version);
  check(followed, version);
  const resumed = await app.follow('counters', { after: cursor });
  await resumed.heard(1, version);
  check(resumed, version);
  console.log(`${version} transactions, ${vacuums} times frozen`);
}, 60_000);

describe('F33: transaction ids past 32 bits', () => {
  /** Some ids around a boundary, a snapshot among them. */
  const around = fc
    .record({
      // The first three of each epoch are never given out, and Postgres reads no snapshot that begins with one.
      base: fc.constantFrom(
        EPOCH - 70n,
        EPOCH + 30n,
        2n * EPOCH + 30n,
        2n ** 48n + 30n,
        2n ** 53n + 30n,
        2n ** 62n + 30n,
      ),
      xmin: fc.integer({ min: -20, max: 20 }),
      length: fc.nat(30),
      inProgress: fc.uniqueArray(fc.nat(29), { maxLength: 12 }),
      asked: fc.array(fc.integer({ min: -25, max: 60 }), { minLength: 1, maxLength: 12 }),
    })
    .map(({ base, xmin, length, inProgress, asked }) => {
      const first = base + BigInt(xmin);
      const xip = inProgress.filter((n) => n < length).map((n) => first + BigInt(n));
      const least = [...xip, first + BigInt(length)].sort((a, b) => Number(a - b))[0]!;
      const snapshot: Snapshot = { xmin: least, xmax: first + BigInt(length), xip: new Set(xip) };
      return { snapshot, asked: asked.map((n) => base + BigInt(n)) };
    });

  test('are seen and not seen as Postgres sees them', async () => {
    await fc.assert(
      fc.asyncProperty(around, async ({ snapshot, asked }) => {
        const later = withVisible(snapshot, asked);
        const rows = await database.query(
          `select x::text, pg_visible_in_snapshot(x::text::xid8, $2::text::pg_snapshot)::text,
             pg_visible_in_snapshot(x::text::xid8, $3::text::pg_snapshot)::text from unnest($1::text::text[]) x`,
          `{${asked.join(',')}}`,
          formatSnapshot(snapshot),
          formatSnapshot(later),
        );
        const parsed = parseSnapshot(formatSnapshot(snapshot));
        for (const [text, seen, seenLater] of rows) {
          expect(String(isVisible(parsed, BigInt(text!)))).toBe(seen);
          expect(seenLater).toBe('true');
          expect(isVisible(later, BigInt(text!))).toBe(true);
        }
        expect(covers(later, snapshot)).toBe(true);
        expect(covers(snapshot, later)).toBe(asked.every((xid) => isVisible(snapshot, xid)));
      }),
      propertyOptions(60),
    );
  }, 60_000);
});

describe('F33: a cluster whose transaction ids pass 32 bits', async () => {
  const cluster = await createCluster({ setup: smallSetup(5), settings: ['autovacuum=off'] });

  /** Freezes what is there in every database, so that the ids may go on. */
  async function freeze(): Promise<void> {
    const names = await cluster.query('select datname::text from pg_database');
    await cluster.script("update pg_database set datallowconn = true where datname = 'template0'");
    for (const [name] of names) {
      const url = new URL(cluster.url);
      url.pathname = `/${name}`;
      const db = connect(url.href, { max: 1 });
      await db.script('vacuum (freeze)').finally(() => db.close());
    }
  }

  async function jumpTo(xid: bigint): Promise<void> {
    await freeze();
    let isSet = false;
    while (!isSet) {
      await cluster.restart(async (folder) => {
        const data = join(folder, 'data');
        isSet = await setNextXid(data, xid);
        // A file that was made here belongs to whom the others belong to.
        const { uid, gid } = await stat(data);
        for (const name of await readdir(join(data, 'pg_xact'))) {
          await chown(join(data, 'pg_xact', name), uid, gid);
        }
      });
    }
  }

  test('delivers on as if nothing had happened, also from a cursor of before', async () => {
    await jumpTo(2_000_000_000n);
    await jumpTo(4_000_000_000n);
    await jumpTo(EPOCH - 60n);
    const app = await serveSmallApp(cluster.url);
    const { cursor } = await app.fetch('counters');
    const followed = await app.follow('counters');
    let version = 0;
    const write = () =>
      cluster.query('update counters set version = $1::text::int where id = 1', String(++version));
    const xid = async () =>
      BigInt((await cluster.query('select pg_snapshot_xmax(pg_current_snapshot())::text'))[0]![0]!);
    expect(await xid()).toBeLessThan(EPOCH);
    // One that is open on both sides of it.
    const open = cluster.connect({ max: 1 });
    await open.script('begin; update others set version = 1 where id = 1');
    const others = await app.follow('others');
    const cursors: string[] = [];
    while ((await xid()) < EPOCH + 50n) {
      await write();
      await followed.heard(1, version);
      cursors.push(followed.messages.at(-1)!.cursor);
    }
    expect(others.messages).toEqual([]);
    await open.script('commit');
    await others.heard(1, 1);
    check(followed, version);
    // Each cursor, of before, of just then and of after, is good for the rest.
    for (const at of [-1, 0, cursors.length >> 1, cursors.length - 3]) {
      const resumed = await app.follow('counters', { after: cursors[at] ?? cursor });
      await resumed.heard(1, version);
      check(resumed, version, at + 1);
      await resumed.stop();
    }
    const [logged] = await cluster.query(
      `select count(*) filter (where xid < '4294967296')::text, count(*) filter (where xid > '4294967296')::text from rivulet.change`,
    );
    expect(logged!.map(Number).every((count) => count > 10)).toBe(true);
  }, 90_000);
});
