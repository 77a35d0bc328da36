import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import pino from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import config from '../../rivulet.config.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { createServer } from '../../src/server/server.js';
import { install } from '../../src/watch/install.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';
import { exampleModel, exampleTables } from '../support/example.js';
import { waitFor } from '../support/wait-for.js';

const SECRET = 'a secret of the tests, long enough for HS256';

/** Roles belong to the cluster, which other files share: each run has its own. */
const prefix = `rivulet_${randomBytes(4).toString('hex')}_`;
const [owner, server, writer] = ['owner', 'server', 'writer'].map((name) => prefix + name) as [
  string,
  string,
  string,
];

const script = readFileSync(new URL('../../docs/roles.sql', import.meta.url), 'utf8')
  .replaceAll('app_', prefix)
  .replaceAll(/(create role \w+ login)/g, "$1 password 'x'");
const [before, after] = script.split(/^-- 2\. .*$/m) as [string, string];

const served = { ...(config as RivuletConfig), pages: undefined, retention: { everySeconds: 0.05 } };
const plan = watchPlanOf(served, exampleModel);
const database = await createDatabase();
afterAll(async () => {
  for (const role of [owner, server, writer])
    await database.script(`drop owned by ${role}; drop role ${role}`);
});

await database.script(before);
const asOwner = database.connect({ user: owner, password: 'x', max: 1 });
const asServer = database.connect({ user: server, password: 'x', max: 1 });
const asWriter = database.connect({ user: writer, password: 'x', max: 1 });
const run = (db: typeof asOwner, text: string) => db.query({ text, params: [] });

await asOwner.script(exampleTables());
await asOwner.script(watchSql(plan));
await asOwner.script(after);
await asOwner.script(`insert into users (name, email) values ('ada', 'ada@example.com');
  insert into projects (name, owner_id) values ('one', 1);
  insert into members (project_id, user_id, role) values (1, 1, 'owner')`);

describe('with the roles of docs/roles.sql', () => {
  test('a server delivers what another program writes, and what its own mutations write', async () => {
    const url = new URL(database.url);
    url.username = server;
    url.password = 'x';
    const warned: string[] = [];
    const serving = await createServer(served, {
      environment: {},
      databaseUrl: url.href,
      port: 0,
      secret: SECRET,
      logger: pino({ level: 'warn' }, { write: (line) => warned.push(line) }),
    });
    const token = await signToken(SECRET, '1', 600);
    const client = createClient({
      url: serving.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${token}` },
    });
    try {
      const heard: unknown[] = [];
      const ended: unknown[] = [];
      client.subscribe(
        { query: 'subscription { taskChanges { changes { kind node { title } } } }' },
        { next: (value) => heard.push(value.data), error: (error) => ended.push(error), complete: () => {} },
      );
      await waitFor('the subscription', () => serving.scopes.status().subscribers === 1);
      await run(asWriter, "insert into tasks (project_id, title) values (1, 'by the writer')");
      await waitFor('the first', () => heard.length === 1 || ended.length > 0);
      const answer = await fetch(serving.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({
          query: 'mutation { createTask(values: { projectId: 1, title: "by a mutation" }) { title } }',
        }),
      });
      expect(await answer.json()).toMatchObject({ data: { createTask: { title: 'by a mutation' } } });
      await waitFor('the second', () => heard.length === 2 || ended.length > 0);
      await waitFor('a round of retention', async () => {
        const rows = await database.query('select measured::text from rivulet.log');
        return rows[0]![0] !== null;
      });
      expect(ended).toEqual([]);
      expect(JSON.stringify(heard)).toMatch(/by the writer.*by a mutation/);
    } finally {
      await client.dispose();
      await serving.stop(1_000);
    }
    // Neither the feed nor retention lacks a right.
    expect(warned).toEqual([]);
  });

  test('a migration finds nothing to mend as the owner', async () => {
    expect(await install(asOwner, plan)).toEqual([]);
  });

  test.each([
    ['read the log', 'select from rivulet.change'],
    ['read the secret', 'select secret from rivulet.log'],
    ['write the log', `insert into rivulet.change (xid, shape, op, logged_at) values ('1', 1, 'I', now())`],
    ['empty the log', 'truncate rivulet.change'],
    ['call what servers call', 'select rivulet.history()'],
    ['note a break', `select rivulet.note_break('public', 'tasks')`],
    ['switch a trigger off', 'alter table tasks disable trigger rivulet_insert'],
    ['create a table', 'create table mine (id int)'],
  ])('the application cannot %s', async (_what, statement) => {
    await expect(run(asWriter, statement)).rejects.toMatchObject({ code: '42501' });
  });

  test.each([
    ['forge a change', `insert into rivulet.change (xid, shape, op, logged_at) values ('1', 1, 'I', now())`],
    ['alter a change', 'update rivulet.change set new = null'],
    ['switch a trigger off', 'alter table tasks disable trigger rivulet_insert'],
    ['alter a table', 'alter table tasks add column odd int'],
    ['create a table', 'create table mine (id int)'],
    [
      'replace a function',
      `create or replace function rivulet.history() returns text language sql as 'select null'`,
    ],
  ])('the server cannot %s', async (_what, statement) => {
    await expect(run(asServer, statement)).rejects.toMatchObject({ code: '42501' });
  });
});
