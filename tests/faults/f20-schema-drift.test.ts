import { defineRelations } from 'drizzle-orm';
import { integer, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { readModel } from '../../src/model/read.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { install } from '../../src/watch/install.js';
import { type AlteredApp, alteredPlan, createAltered, serveAltered } from '../support/altered-app.js';
import { AlteredClient } from '../support/altered-client.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

const database = await createDatabase();
beforeEach(async () => {
  await database.script(
    'drop schema public cascade; create schema public; drop schema if exists rivulet cascade',
  );
  await createAltered(database);
});

const DETECTED_MS = 5_000;

/** Everything that a client keeps, and hears. */
function follow(app: AlteredApp): AlteredClient {
  return new AlteredClient(
    () => app,
    '{}',
    () => {},
  );
}

const following = (client: AlteredClient) =>
  waitFor('it follows', () => client.isFollowing && client.rows.size > 0, 20_000);
const has = (client: AlteredClient, id: string, field: 'v' | 'n' | 'a', value: unknown) =>
  waitFor(`row ${id} has ${field} ${value}`, () => client.rows.get(id)?.[field] === value, 20_000);
const linesWith = (app: AlteredApp, part: string) => app.logged.filter((line) => line.includes(part));

describe('F20: a server says within 5 seconds that the database is not what its schema says', () => {
  const cases: readonly [what: string, sql: string, said: string, warnings: readonly string[]][] = [
    ['a column dropped', 'alter table things drop a', 'no column a', ['WATCHERS_DRIFTED', 'TABLE_DRIFTED']],
    [
      'a column retyped',
      'alter table things alter n type bigint',
      'is bigint',
      ['WATCHERS_DRIFTED', 'TABLE_DRIFTED'],
    ],
    [
      'a trigger dropped',
      'drop trigger rivulet_update on things',
      'rivulet_update',
      ['WATCHERS_DRIFTED', 'TABLE_DRIFTED'],
    ],
    [
      'triggers disabled',
      'alter table things disable trigger all',
      'is disabled',
      ['WATCHERS_DRIFTED', 'TABLE_DRIFTED'],
    ],
    ['a label more', `alter type mood add value 'new'`, 'does not know: new', ['WATCHERS_DRIFTED']],
    [
      'another key',
      'alter table things drop constraint things_pkey, add primary key (id, v)',
      'tells its rows apart',
      ['WATCHERS_DRIFTED', 'TABLE_DRIFTED'],
    ],
  ];
  test.each(cases)('%s', async (_, sql, said, warnings) => {
    const app = await serveAltered(database.url);
    expect(await app.warnings()).toEqual([]);
    const before = performance.now();
    await database.script(sql);
    await waitFor(
      'it is said',
      async () => JSON.stringify(await app.warnings()) === JSON.stringify(warnings),
    );
    // What a busy machine takes for one look is not the server's.
    expect(performance.now() - before).toBeLessThan(DETECTED_MS + 3_000);
    const [line] = linesWith(app, said);
    expect(JSON.parse(line!)).toMatchObject({
      level: 40,
      mend: expect.stringMatching(/rivulet (migrate|generate)|start the server/),
    });
    const metrics = await (await fetch(app.server.metricsUrl!)).text();
    expect(metrics).toMatch(/rivulet_schema_drifts\{effect="(unseen|unread|none)"\} [1-9]/);
  });

  test('a table that is refused is refused alone; once it is mended, that is said, and clients come back with what is there', async () => {
    const app = await serveAltered(database.url);
    const client = follow(app);
    await following(client);
    await database.script('alter table things disable trigger rivulet_update');
    await waitFor('it is told', () => client.told.some((each) => each.includes('TABLE_DRIFTED')), 15_000);
    // Neither logged nor told.
    await database.script('update things set v = 100, n = 100 where id = 1');
    const owners = app.client.iterate({ query: 'subscription { owners { id name } }' });
    expect((await owners.next()).value).toMatchObject({ data: { owners: [{ id: '1' }, { id: '2' }] } });
    await owners.return?.();
    await install(database.db, alteredPlan);
    await has(client, '1', 'n', 100);
    await waitFor('it is said', () => linesWith(app, 'mended: ').length > 0);
    expect(await app.warnings()).toEqual([]);
    await client.stop();
  });

  test('who comes back after the mending with a cursor from before it is told to fetch again', async () => {
    const app = await serveAltered(database.url);
    const { cursor } = await app.query('{ things { id } }');
    const off = ['insert', 'update', 'delete', 'truncate'].map(
      (event) => `alter table things enable always trigger rivulet_${event};`,
    );
    await database.script(
      `alter table things disable trigger all; delete from things where id = 2; ${off.join(' ')}`,
    );
    await waitFor('it is seen', () => linesWith(app, 'may have changed without being logged').length > 0);
    // Else the feed would bring the same once more.
    await app.server.feed.catchUp();
    const stream = app.client.iterate({
      query: 'subscription ($after: String) { thingChanges(after: $after) { reset changes { key } } }',
      variables: { after: cursor },
    });
    expect((await stream.next()).value).toMatchObject({
      data: { thingChanges: { reset: 'SCHEMA_CHANGED', changes: [] } },
    });
    await database.script('update things set n = 5 where id = 3');
    expect((await stream.next()).value).toMatchObject({
      data: { thingChanges: { reset: null, changes: [{ key: '3' }] } },
    });
    await stream.return?.();
  });
});

/** The schema after a migration that adds a column, and after one that takes one away. */
const mood = pgEnum('mood', ['fine', 'low']);
const columns = {
  id: integer().primaryKey(),
  v: integer().notNull(),
  n: integer(),
  at: timestamp(),
  mood: mood(),
  ownerId: integer('owner_id'),
};
const owners = pgTable('owners', { id: integer().primaryKey(), name: text() });
const configOf = (extra: { a?: ReturnType<typeof text>; note?: ReturnType<typeof text> }): RivuletConfig => {
  const things = pgTable('things', { ...columns, ...extra });
  const relations = defineRelations({ things, owners }, (r) => ({
    things: { owner: r.one.owners({ from: r.things.ownerId, to: r.owners.id }) },
  }));
  return defineConfig({
    relations,
    policies: { things: { read: () => true }, owners: { read: () => true } },
  }) as RivuletConfig;
};
const planOf = (config: RivuletConfig) => watchPlanOf(config, readModel(config.relations as never));

describe('F20: old and new servers side by side during a deploy', () => {
  test('a column more: the old server goes on without a word, also after a restart, and the new one has it', async () => {
    const old = await serveAltered(database.url);
    const client = follow(old);
    await following(client);
    const wider = configOf({ a: text(), note: text() });
    // Writers go on while the migration comes, and its watchers after it.
    let v = 1_000;
    let isWriting = true;
    const writing = (async () => {
      while (isWriting) {
        v++;
        await database.query(
          'update things set v = $1::text::int, n = $1::text::int where id = 1',
          String(v),
        );
      }
    })();
    await database.script('alter table things add note text');
    await install(database.db, planOf(wider));
    const young = await serveAltered(database.url, { config: wider });
    const wide = young.client.iterate<{ thingChanges: { changes: { node: { note: string } }[] } }>({
      query: 'subscription { thingChanges(where: { id: { eq: "2" } }) { reset changes { node { note } } } }',
    });
    const first = wide.next();
    await waitFor('it is followed', () => young.server.scopes.status().subscribers === 1);
    await database.script(`update things set note = 'new', n = 7, v = v + 100000 where id = 2`);
    expect((await first).value).toMatchObject({
      data: { thingChanges: { reset: null, changes: [{ node: { note: 'new' } }] } },
    });
    await has(client, '2', 'n', 7);
    isWriting = false;
    await writing;
    await has(client, '1', 'v', v);
    expect(client.told).toEqual([]);
    expect((await old.warnings()).filter((code) => code === 'TABLE_DRIFTED')).toEqual([]);

    const again = await serveAltered(database.url);
    expect(linesWith(again, 'is that of another schema').length).toBeGreaterThan(0);
    const other = follow(again);
    await following(other);
    await database.script('update things set n = 8 where id = 2');
    await has(other, '2', 'n', 8);
    await wide.return?.();
    await client.stop();
    await other.stop();
  });

  test('a column less: the old server shows nothing wrong and says why; the new one goes on through it', async () => {
    const old = await serveAltered(database.url);
    const narrow = configOf({});
    const client = follow(old);
    await following(client);
    // First the watchers, then the new servers, then the migration.
    await install(database.db, planOf(narrow));
    const young = await serveAltered(database.url, { config: narrow });
    const told: unknown[] = [];
    const stream = young.client.iterate({
      query: 'subscription { thingChanges { reset changes { node { id n } } } }',
    });
    const reading = (async () => {
      for await (const message of stream) told.push(message.data);
    })();
    await waitFor('it is followed', () => young.server.scopes.status().subscribers === 1);
    await database.script('update things set n = 50 where id = 3');
    await waitFor('the new one tells', () => told.length === 1);
    await waitFor('the old one says that it cannot', () =>
      client.told.some((each) => /TABLE_DRIFTED|SCHEMA_CHANGED/.test(each)),
    );
    await database.script('alter table things drop a');
    await database.script('update things set n = 51 where id = 3');
    await waitFor('the new one tells', () => told.length === 2);
    expect(told).toEqual(
      [50, 51].map((n) => ({ thingChanges: { reset: null, changes: [{ node: { id: '3', n } }] } })),
    );
    expect(await young.warnings()).toEqual([]);
    expect(await old.warnings()).toContain('TABLE_DRIFTED');
    await stream.return?.();
    await reading;
    await client.stop();
  });

  test('the migration before its watchers: no write fails, and the new server needs them to start', async () => {
    const narrow = configOf({});
    await database.script('alter table things drop a');
    await database.script('update things set n = 60 where id = 3; insert into things (id, v) values (70, 1)');
    await expect(serveAltered(database.url)).rejects.toMatchObject({ code: 'WATCHERS_DRIFTED' });
    await expect(serveAltered(database.url, { config: narrow })).resolves.toBeDefined();
    const wider = configOf({ note: text() });
    await database.script('alter table things add note text');
    await expect(serveAltered(database.url, { config: wider })).rejects.toMatchObject({
      code: 'WATCHERS_DRIFTED',
    });
    await install(database.db, planOf(wider));
    await expect(serveAltered(database.url, { config: wider })).resolves.toBeDefined();
  });
});
