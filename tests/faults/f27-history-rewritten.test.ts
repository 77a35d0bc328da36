import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import { startEmbedded } from '../../src/database/embedded.js';
import { readPidFile } from '../../src/database/embedded-pid.js';
import type { Database } from '../../src/database/types.js';
import { createCluster } from '../support/own-cluster.js';
import { type Follower, serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

/** What is not flushed by somebody who waits for it stays in memory: a crash then forgets it. */
const cluster = await createCluster({
  setup: `${smallSetup(5)}; create table unwatched (n int)`,
  settings: ['wal_writer_delay=10s', 'autovacuum=off'],
});
const app = await serveSmallApp(cluster.url);

const run = promisify(execFile);
/** With owners and all, as a cold backup does. */
const copy = (from: string, to: string) => run('cp', ['-a', from, to]);

const scratch = await mkdtemp(join(tmpdir(), 'rivulet-backup-'));
afterAll(() => rm(scratch, { recursive: true, force: true }));

const followers: Follower[] = [];
afterEach(async () => {
  for (const follower of followers.splice(0)) await follower.stop();
});
async function follow(after?: string, of = app): Promise<Follower> {
  const follower = await of.follow('counters', after === undefined ? {} : { after });
  followers.push(follower);
  return follower;
}

/** After a restart of a busy machine's server. */
const LONG_MS = 40_000;

let version = 0;
async function write(db: Database = cluster.db): Promise<number> {
  version++;
  const text = 'update counters set version = $1::text::int where id = 1';
  await waitFor(
    'a write',
    () =>
      db.query({ text, params: [String(version)] }).then(
        () => true,
        () => false,
      ),
    LONG_MS,
  );
  return version;
}

const nextXid = async (db: Database = cluster.db): Promise<bigint> => {
  const text = 'select pg_snapshot_xmax(pg_current_snapshot())::text';
  return BigInt((await waitFor('an answer', () => db.query({ text, params: [] }), LONG_MS))[0]![0]!);
};

/** Transactions that say nothing to anybody, and need not be on disk. */
async function burn(db: Database, count: number): Promise<void> {
  const session = `begin; set local synchronous_commit = off; insert into unwatched values (1); commit;`;
  await db.script(session.repeat(count));
}

const versionsOf = ({ changes }: Follower) => changes.map(({ node }) => node!.version);

describe('F27: a crash forgets transactions that nobody waited for', () => {
  test('their numbers are given out again: who saw a moment past them misses nothing of what then has them', async () => {
    const watching = await follow();
    let forgotten = 0;
    for (let crash = 0; forgotten < 3; crash++) {
      expect(crash).toBeLessThan(12);
      await watching.heard(1, await write(), LONG_MS);
      await burn(cluster.db, 60);
      const { cursor } = await app.fetch('counters');
      const before = await nextXid();
      process.kill((await readPidFile(join(cluster.folder, 'data')))!.pid, 'SIGQUIT');
      await cluster.restart();
      if ((await nextXid()) < before - 20n) forgotten++;
      const first = version + 1;
      while ((await nextXid()) < before + 5n) await write();
      const resumed = await follow(cursor);
      await resumed.heard(1, version, LONG_MS);
      expect(resumed.resets).toEqual([]);
      expect(versionsOf(resumed)).toEqual(Array.from({ length: version - first + 1 }, (_, i) => first + i));
    }
    await watching.heard(1, version, LONG_MS);
    expect(watching.resets).toEqual([]);
    expect(versionsOf(watching)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
  }, 300_000);
});

describe('F27: the server is set back to an older backup', () => {
  test('every cursor of what is then not there is refused, and whoever listens is told', async () => {
    await write();
    const { cursor: common } = await app.fetch('counters');
    // Else it is told to who comes after the backup.
    await app.server.feed.catchUp();
    const backup = join(scratch, 'data');
    await cluster.restart((folder) => copy(join(folder, 'data'), backup).then(() => {}));
    const watching = await follow();
    for (let i = 0; i < 5; i++) await watching.heard(1, await write(), LONG_MS);
    const lost = watching.messages.map(({ cursor }) => cursor);
    lost.push((await app.fetch('counters')).cursor);
    const passed = await nextXid();

    await cluster.restart(async (folder) => {
      await rm(join(folder, 'data'), { recursive: true });
      await copy(backup, join(folder, 'data'));
    });
    // The same numbers, and the same rows, at another time.
    version -= 5;
    const first = version + 1;
    while ((await nextXid()) < passed + 10n) await write();
    await waitFor('whoever listened is told', () => watching.resets.length > 0, LONG_MS);
    expect(watching.resets).toEqual(['LOG_LOST']);
    await followers.pop()!.stop();
    const refused = async () => {
      for (const cursor of lost) {
        const resumed = await follow(cursor);
        await waitFor('the reset', () => resumed.messages.length > 0, LONG_MS);
        expect(resumed.resets).toEqual(['OTHER_LOG']);
        expect(resumed.changes).toEqual([]);
        await followers.pop()!.stop();
      }
    };
    await refused();
    // What both histories have is a good beginning in either.
    const resumed = await follow(common);
    await resumed.heard(1, version, LONG_MS);
    expect(resumed.resets).toEqual([]);
    expect(versionsOf(resumed)).toEqual(Array.from({ length: version - first + 1 }, (_, i) => first + i));
    // Also by a server that remembers what came last.
    await refused();
  }, 300_000);

  test('a server that starts only then refuses them, too', async () => {
    const backup = join(scratch, 'data again');
    await cluster.restart((folder) => copy(join(folder, 'data'), backup).then(() => {}));
    await write();
    const { cursor } = await app.fetch('counters');
    const passed = await nextXid();
    await cluster.restart(async (folder) => {
      await rm(join(folder, 'data'), { recursive: true });
      await copy(backup, join(folder, 'data'));
    });
    while ((await nextXid()) < passed + 10n) await write();
    const late = await serveSmallApp(cluster.url);
    const resumed = await follow(cursor, late);
    await waitFor('the reset', () => resumed.messages.length > 0, LONG_MS);
    expect(resumed.resets).toEqual(['OTHER_LOG']);
  }, 300_000);
});

describe('F27: a standby is promoted that had not got everything', () => {
  test('cursors of the old primary are refused; no server reads from a standby', async () => {
    const folder = join(scratch, 'standby');
    const primary = new URL(cluster.url);
    await cluster.restart(async (from) => {
      await run('mkdir', ['-p', folder]);
      await run('cp', ['-a', join(from, 'data'), join(from, 'password'), folder]);
    });
    const conninfo = `host=127.0.0.1 port=${primary.port} user=postgres password=${decodeURIComponent(primary.password)}`;
    await writeFile(join(folder, 'data', 'standby.signal'), '');
    await appendFile(join(folder, 'data', 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
    const standby = await startEmbedded({ folder, settings: ['shared_buffers=16MB', 'fsync=off'] });
    const db = connect(standby.url, { max: 2 });
    try {
      await write();
      const at = async (where: Database) =>
        (await where.query({ text: 'select version::text from counters where id = 1', params: [] }))[0]![0]!;
      await waitFor('it is replicated', async () => (await at(db)) === String(version), LONG_MS);
      await expect(serveSmallApp(standby.url)).rejects.toMatchObject({ code: 'DATABASE_READ_ONLY' });
      const { cursor: common } = await app.fetch('counters');

      // From here on nothing gets there.
      await db.script(`alter system set primary_conninfo = ''`);
      await db.script('select pg_reload_conf()');
      await waitFor(
        'it is cut off',
        async () => {
          const text = 'select 1::text from pg_stat_replication';
          return (await cluster.db.query({ text, params: [] })).length === 0;
        },
        LONG_MS,
      );
      await write();
      const { cursor } = await app.fetch('counters');
      const passed = await nextXid();
      await db.script('select pg_promote()');
      version--;
      while ((await nextXid(db)) < passed + 10n) await write(db);

      const promoted = await serveSmallApp(standby.url);
      for (const each of [cursor, common]) {
        const resumed = await follow(each, promoted);
        await waitFor('the reset', () => resumed.messages.length > 0, LONG_MS);
        expect(resumed.resets).toEqual(['OTHER_LOG']);
        expect(resumed.changes).toEqual([]);
        await followers.pop()!.stop();
      }
      const anew = await follow((await promoted.fetch('counters')).cursor, promoted);
      await anew.heard(1, await write(db), LONG_MS);
      expect(anew.resets).toEqual([]);
      await promoted.server.stop(1_000);
    } finally {
      await db.close(0);
      await standby.stop();
    }
  }, 300_000);
});
