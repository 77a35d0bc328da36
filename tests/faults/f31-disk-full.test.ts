import { chown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { codedError } from '../../src/database/errors.js';
import { createCluster, type OwnCluster } from '../support/own-cluster.js';
import { type Follower, serveSmallApp, smallSetup } from '../support/small-app.js';
import { mountSmallDisk } from '../support/small-disk.js';
import { waitFor } from '../support/wait-for.js';

const forLog = mountSmallDisk(8);
const forAll = mountSmallDisk(140);
// What is mounted here is the last thing to go.
afterAll(() => {
  for (const disk of [forLog, forAll]) if (typeof disk !== 'string') disk.remove();
});
if (typeof forLog === 'string') console.log(`F31 is left out: ${forLog}`);

/** Commits one version of a row, with a body of so many bytes; resolves to whether it was acknowledged. */
async function write(cluster: OwnCluster, version: number, bytes: number): Promise<true | unknown> {
  const body = `(select string_agg(md5((i + ${version})::text), '') from generate_series(1, ${Math.ceil(bytes / 32)}) i)`;
  return cluster
    .script(`update counters set version = ${version}, body = ${body} where id = 1`)
    .then(() => true as const)
    .catch((error: unknown) => error);
}

/** What was acknowledged was told, in order, each once; what was not may have been. */
function check(followed: Follower, acknowledged: readonly number[]): void {
  const told = followed.changes.map(({ node }) => node!.version);
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
  expect(told).toEqual(expect.arrayContaining([...acknowledged]));
  expect(followed.resets).toEqual([]);
}

test.runIf(typeof forLog !== 'string')(
  'F31: the disk of the change log is full: writes are refused with a code rather than go unlogged, and go on when there is room',
  async () => {
    if (typeof forLog === 'string') return;
    const cluster = await createCluster({ setup: smallSetup(3) });
    const { uid, gid } = await stat(join(cluster.folder, 'data'));
    await chown(forLog.folder, uid, gid);
    await cluster.script(`create tablespace small location '${forLog.folder}'`);
    await cluster.script(
      'alter table rivulet.change set tablespace small; alter index rivulet.change_pkey set tablespace small',
    );
    const app = await serveSmallApp(cluster.url);
    const followed = await app.follow('counters');
    const acknowledged: number[] = [];
    let version = 0;
    let error: unknown;
    for (;;) {
      const result = await write(cluster, ++version, 300_000);
      if (result !== true) {
        error = result;
        break;
      }
      acknowledged.push(version);
    }
    expect(error).toMatchObject({ code: '53100' });
    expect(codedError(error)).toMatchObject({ code: 'DATABASE_OVERLOADED' });
    // Nothing was changed that is not logged, on no table.
    const [row] = await cluster.query('select version::text from counters where id = 1');
    expect(Number(row![0])).toBe(acknowledged.at(-1));
    await followed.heard(1, acknowledged.at(-1)!);
    expect(app.server.feed.status().state).toBe('live');
    forLog.grow(64);
    for (let i = 0; i < 5; i++) {
      expect(await write(cluster, ++version, 300_000)).toBe(true);
      acknowledged.push(version);
    }
    await followed.heard(1, version);
    check(followed, acknowledged);
  },
  60_000,
);

test.runIf(typeof forAll !== 'string')(
  'F31: the disk of the whole database is full, so that it panics: what was acknowledged is told when it is back',
  async () => {
    if (typeof forAll === 'string') return;
    const cluster = await createCluster({
      setup: smallSetup(3),
      folder: join(forAll.folder, 'cluster'),
      settings: ['max_wal_size=32MB', 'min_wal_size=32MB', 'wal_recycle=off'],
    });
    const app = await serveSmallApp(cluster.url);
    const followed = await app.follow('counters');
    const acknowledged: number[] = [];
    let version = 0;
    for (let i = 0; i < 5; i++)
      if ((await write(cluster, ++version, 100_000)) === true) acknowledged.push(version);
    await forAll.fill();
    // What goes into the WAL alone: it is the WAL that must not be lost, so PostgreSQL ends when it has no room for it.
    await waitFor(
      'the database panics',
      async () => {
        const filler = "select pg_logical_emit_message(false, 'f31', repeat(md5(random()::text), 30000))";
        const error = await cluster.script(filler).then(
          () => null,
          (reason: unknown) => reason,
        );
        return codedError(error)?.code === 'DATABASE_UNAVAILABLE';
      },
      60_000,
    );
    await waitFor('the feed notices', () => app.server.feed.status().state === 'reconnecting');
    const lost = await write(cluster, ++version, 100);
    if (lost === true) acknowledged.push(version);
    await forAll.free();
    await cluster.restart();
    await waitFor('it answers', () => cluster.query('select 1::text'), 30_000);
    expect(await write(cluster, ++version, 100)).toBe(true);
    acknowledged.push(version);
    await followed.heard(1, version, 30_000);
    check(followed, acknowledged);
    await waitFor('it is live', () => app.server.feed.status().state === 'live');
  },
  120_000,
);
