import { afterEach, describe, expect, test } from 'vitest';
import type { Database } from '../../src/database/types.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { serveExample } from '../support/example-server.js';
import { createCluster } from '../support/own-cluster.js';
import { type Follower, type SmallTable, serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

/** How long a lock is held. */
const HELD_MS = Number(process.env.RIVULET_HELD_MS ?? 4_000);

const database = await createDatabase({ setup: smallSetup(5) });
const strict = await createDatabase({ setup: smallSetup(5) });
const app = await serveSmallApp(database.url, { database: { maxConnections: 2 } });

/** Holds a lock until what it returns is called. */
async function lock({ connect }: Pick<TestDatabase, 'connect'>, table: string): Promise<() => Promise<void>> {
  const holder = connect({ max: 1, applicationName: 'holder' });
  await holder.script(`begin; lock table ${table} in access exclusive mode`);
  return async () => {
    await holder.script('commit');
    await holder.close();
  };
}

const versions: Record<SmallTable, number> = { counters: 0, others: 0 };
const write = (db: Pick<Database, 'script'>, table: SmallTable) =>
  db.script(`update ${table} set version = ${++versions[table]} where id = 1`);

/** All versions of a table's row 1 since `from`, each once, in order. */
function check(followed: Follower, table: SmallTable, from: number): void {
  expect(followed.changes.map(({ node }) => node!.version)).toEqual(
    Array.from({ length: versions[table] - from }, (_, i) => from + 1 + i),
  );
  expect(followed.resets).toEqual([]);
}

const open: Follower[] = [];
afterEach(async () => {
  for (const follower of open.splice(0)) await follower.stop();
});
async function follow(table: SmallTable): Promise<Follower> {
  const follower = await app.follow(table);
  open.push(follower);
  return follower;
}

/** Writes one by one, each told before the next, for as long as asked. */
async function goesOn(followed: Follower, forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  do {
    await write(database, 'others');
    await followed.heard(1, versions.others, 5_000);
  } while (performance.now() < end);
}

describe('F32: locks', () => {
  test('a table that is locked, and every request connection waits for it: others are told of without a pause', async () => {
    const from = { ...versions };
    const followed = await follow('others');
    const locked = await follow('counters');
    const release = await lock(database, 'counters');
    const asked = Array.from({ length: 6 }, () => app.fetch('counters'));
    const written = write(database, 'counters');
    await goesOn(followed, HELD_MS / 2);
    expect(locked.messages).toEqual([]);
    await release();
    await written;
    expect(await Promise.all(asked)).toHaveLength(6);
    await locked.heard(1, versions.counters);
    check(followed, 'others', from.others);
    check(locked, 'counters', from.counters);
  }, 40_000);

  test('the log that is locked: nobody writes meanwhile, and nothing is missing afterwards', async () => {
    const from = { ...versions };
    const followed = await follow('others');
    const release = await lock(database, 'rivulet.change');
    const written = write(database, 'others');
    await waitFor('the write waits', async () => {
      const waiting = await database.query(
        `select 1::text from pg_stat_activity where wait_event_type = 'Lock' and query ilike 'update others%'`,
      );
      return waiting.length > 0;
    });
    await waitFor('the feed is waiting, too', async () => {
      const waiting = await database.query(
        `select 1::text from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'rivulet live'`,
      );
      return waiting.length > 0;
    });
    await new Promise((resolve) => setTimeout(resolve, HELD_MS));
    await release();
    await written;
    await goesOn(followed, 0);
    check(followed, 'others', from.others);
    await waitFor('it is live', () => app.server.feed.status().state === 'live');
  }, 40_000);

  test('with lock_timeout and statement_timeout set for everybody: what is given up is asked again', async () => {
    await strict.script(`do $$ begin execute format('alter database %I set lock_timeout = 100', current_database());
      execute format('alter database %I set statement_timeout = 300', current_database()); end $$`);
    const other = await serveSmallApp(strict.url);
    const followed = await other.follow('others');
    const release = await lock(strict, 'rivulet.change');
    // As long as a lock may last: the server's statements are ended by Postgres, again and again.
    await waitFor('the feed is refused', () => other.server.feed.status().state === 'reconnecting');
    expect(other.server.feed.status().error).toMatch(/lock|took too long/i);
    await release();
    const writer = strict.connect({ max: 1 });
    await writer.script('update others set version = 1 where id = 1');
    await followed.heard(1, 1);
    expect(followed.resets).toEqual([]);
    await followed.stop();
  }, 40_000);
});

describe('F32: scopes that Postgres must decide', async () => {
  const example = await serveExample();
  const ada = await example.token(1);

  /** The keys that a stream of the example tells, in order. */
  const follow = (field: string, where = '') => {
    const keys: string[] = [];
    const stream = example.client(ada).iterate<Record<string, { changes: { key: string }[] }>>({
      query: `subscription { ${field}${where} { changes { key } } }`,
    });
    void (async () => {
      for await (const { data } of stream) keys.push(...data![field]!.changes.map(({ key }) => key));
    })();
    return keys;
  };
  const sql = (text: string) => example.database.script(text);

  test('a table that is locked delays those whose rights depend on it, and nobody else', async () => {
    const comments = follow('commentChanges');
    const labels = follow('labelChanges');
    await example.subscribed(2);
    await sql(
      "insert into comments (id, task_id, author_id, body) overriding system value values (901, 1, 1, 'one')",
    );
    await waitFor('a comment is told', () => comments.length === 1);
    const release = await lock(example.database, 'tasks');
    // Whether Ada may read it, its task says. The foreign key would wait, too.
    for (let i = 0; i < 5; i++)
      await sql(
        `set local session_replication_role = replica; update comments set task_id = ${2 - (i % 2)} where id = 901`,
      );
    for (let i = 0; i < 20; i++) {
      await sql(`update labels set name = 'l${i}' where id = 1`);
      await waitFor('a label is told', () => labels.length === i + 1, 5_000);
    }
    expect(comments).toHaveLength(1);
    await release();
    await waitFor('the comments are told', () => comments.length === 6);
    await sql("update comments set body = 'three' where id = 901");
    await waitFor('the next is told', () => comments.length === 7);
    expect(new Set(comments)).toEqual(new Set(['901']));
    expect(labels).toHaveLength(20);
  }, 40_000);

  test('many who begin while it is locked take no connection from the feed', async () => {
    const { subscribers } = example.server.scopes.status();
    const labels = follow('labelChanges', '(where: { name: { ne: "x" } })');
    await example.subscribed(subscribers + 1);
    const release = await lock(example.database, 'tasks');
    const late = Array.from({ length: 8 }, (_, i) =>
      follow('taskChanges', `(where: { priority: { ne: ${100 + i} } })`),
    );
    await example.subscribed(subscribers + 9);
    for (let i = 0; i < 20; i++) {
      await sql(`update labels set name = 'm${i}' where id = 1`);
      await waitFor('a label is told', () => labels.length === i + 1, 5_000);
    }
    await release();
    // They begin when they were asked for, and hear what comes.
    await waitFor('they hear', async () => {
      await sql('update tasks set position = position + 1 where id = 1');
      return late.every((keys) => keys.includes('1'));
    });
  }, 40_000);
});

describe('F32: a database without connections to spare', async () => {
  const cluster = await createCluster({
    setup: smallSetup(5),
    settings: ['max_connections=20', 'superuser_reserved_connections=2'],
  });

  test('others take all that there are: it is said with a code, and nothing is missing when there are some again', async () => {
    const other = await serveSmallApp(cluster.url);
    const followed = await other.follow('others');
    let version = 0;
    const commit = () => cluster.script(`update others set version = ${++version} where id = 1`);
    await commit();
    await followed.heard(1, version);

    const takers: Database[] = [];
    /** Opens connections until there are no more. */
    const takeAll = async () => {
      for (;;) {
        const taker = cluster.connect({ max: 1, applicationName: 'taker' });
        takers.push(taker);
        const error = await taker.query({ text: 'select 1::text', params: [] }).then(
          () => null,
          (reason: { code?: string }) => reason,
        );
        if (error?.code === '53300') return;
        expect(error).toBeNull();
      }
    };
    await takeAll();
    // What is connected already does not suffer.
    for (let i = 0; i < 10; i++) {
      await commit();
      await followed.heard(1, version);
    }
    // Its connections are lost, and others are faster than it.
    await waitFor('it has none left, and says so', async () => {
      await cluster.script(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('rivulet', 'rivulet live')`,
      );
      await takeAll();
      const refused = await other.fetch('others').catch((error: Error) => error.message);
      const { state, error } = other.server.feed.status();
      return (
        state === 'reconnecting' &&
        /out of resources/.test(error ?? '') &&
        typeof refused === 'string' &&
        refused.includes('DATABASE_OVERLOADED')
      );
    });
    for (let i = 0; i < 10; i++) await commit();

    await Promise.all(takers.map((taker) => taker.close()));
    await followed.heard(1, version);
    await waitFor('it is live', () => other.server.feed.status().state === 'live');
    await waitFor('notifications come again', () => other.server.feed.status().wakeUps === 'working');
    expect(followed.resets).toEqual([]);
    expect(followed.changes.map(({ node }) => node!.version)).toEqual(
      Array.from({ length: version }, (_, i) => i + 1),
    );
    expect((await other.fetch('others')).rows).toHaveLength(5);
  }, 60_000);
});
