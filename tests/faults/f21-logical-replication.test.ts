import { expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import type { Database } from '../../src/database/types.js';
import { createCluster } from '../support/own-cluster.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

/** A cluster's start and its replication's, on a slow machine. */
const LONG_MS = 60_000;

const cluster = await createCluster({ settings: ['wal_level=logical'], setup: smallSetup(3) });

/** Another database of the cluster, with the table that is published. Its slot is made here: making it from the other side would wait for itself. */
async function createSource(): Promise<Database> {
  await cluster.script('create database source');
  const url = new URL(cluster.url);
  url.pathname = '/source';
  const source = connect(url.href, { max: 1 });
  await source.script(`create table counters (id int primary key, version int not null, body text);
    create publication published for table counters`);
  await source.query({
    text: `select lsn::text from pg_create_logical_replication_slot('applied', 'pgoutput')`,
    params: [],
  });
  return source;
}

function subscriptionSql(): string {
  const { port, password } = new URL(cluster.url);
  const conninfo = `host=127.0.0.1 port=${port} dbname=source user=postgres password=${decodeURIComponent(password)}`;
  return `create subscription applied connection '${conninfo}' publication published
    with (create_slot = false, slot_name = applied, copy_data = false)`;
}

test('F21: what logical replication applies is not logged: subscribers and servers are told as long as it may come, and who comes back after it fetches again', async () => {
  const app = await serveSmallApp(cluster.url, {}, { schemaPollMs: 150 });
  const source = await createSource();
  try {
    const hit = await app.follow('counters');
    const other = await app.follow('others');
    const { cursor } = await app.fetch('counters');
    await cluster.script(subscriptionSql());
    await waitFor('who follows is told', () => JSON.stringify(hit.end)?.includes('TABLE_DRIFTED'), LONG_MS);

    const [before] = await cluster.query('select count(*)::text from rivulet.change');
    await source.script(`insert into counters values (10, 1, 'applied')`);
    const applied = () => cluster.query('select version::text from counters where id = 10');
    await waitFor('it is applied', async () => (await applied()).length === 1, LONG_MS);
    expect(await cluster.query('select count(*)::text from rivulet.change')).toEqual([before]);

    expect((await app.fetch('counters')).rows).toContainEqual({ id: '10', version: 1, body: 'applied' });
    const between = (await app.fetch('counters')).cursor;
    await expect(serveSmallApp(cluster.url)).rejects.toMatchObject({ code: 'WATCHERS_DRIFTED' });
    expect(app.logged.filter((line) => line.includes('come by logical replication'))).toHaveLength(1);

    await source.script(`update counters set version = 2 where id = 10`);
    await waitFor('it is applied', async () => (await applied())[0]?.[0] === '2', LONG_MS);
    // One by one: some of it cannot be done in a transaction.
    for (const sql of ['disable', 'set (slot_name = none)'])
      await cluster.script(`alter subscription applied ${sql}`);
    await cluster.script('drop subscription applied');
    await waitFor('that is seen', () => app.logged.some((line) => line.includes('mended: ')), LONG_MS);

    await hit.stop();
    for (const after of [cursor, between]) {
      const back = await app.follow('counters', { after });
      await waitFor('it is told', () => back.messages.length > 0 || back.end !== null, LONG_MS);
      expect({ resets: back.resets, changes: back.changes, end: back.end }).toEqual({
        resets: ['SCHEMA_CHANGED'],
        changes: [],
        end: null,
      });
      await back.stop();
    }
    const anew = await app.follow('counters', { after: (await app.fetch('counters')).cursor });
    await cluster.script(
      'update counters set version = 3 where id = 10; update others set version = 1 where id = 1',
    );
    await anew.heard(10, 3, LONG_MS);
    await other.heard(1, 1, LONG_MS);
    expect([...anew.resets, ...other.resets]).toEqual([]);
    expect(other.changes).toHaveLength(1);
  } finally {
    await source.close();
  }
}, 300_000);
