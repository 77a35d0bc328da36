import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { createProject, freePort } from '../support/command.js';
import { waitFor } from '../support/wait-for.js';

const project = await createProject();

interface Greeted {
  readonly url: string;
  readonly databaseUrl: string;
  readonly adasToken: string;
}

function greetingOf(stdout: string): Greeted {
  const find = (pattern: RegExp): string => pattern.exec(stdout)?.[1] ?? '';
  return {
    url: find(/GraphiQL +(\S+)/),
    databaseUrl: find(/database +(\S+)/),
    adasToken: find(/ada \(1\) +(\S+)/),
  };
}

async function query(url: string, document: string, token: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: document }),
  });
  // Without the cursor that every answer carries.
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown };
  return errors === undefined ? { data } : { data, errors };
}

test('rivulet dev brings a database, seeds it once, and prints what makes the subscription move', async () => {
  const dev = project.rivulet(['dev', '--port', '0']);
  await dev.printed('Ctrl-C stops everything');
  const { url, adasToken, databaseUrl } = greetingOf(dev.stdout);
  expect(databaseUrl).toMatch(/^postgres:\/\/.+@127\.0\.0\.1:\d+\/rivulet$/);
  for (const name of ['ada (1)', 'grace (2)', 'alan (3)']) expect(dev.stdout).toContain(name);
  expect(await query(url, '{ tasks { id } projects { id } }', adasToken)).toMatchObject({
    data: { projects: [{ id: '1' }, { id: '2' }] },
  });

  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${adasToken}` },
  });
  const stream = client.iterate({ query: 'subscription { task(id: 1) { priority } }' });
  expect((await stream.next()).value).toMatchObject({ data: { task: { priority: 0 } } });
  const line = /npx rivulet sql "(.+)"/.exec(dev.stdout)?.[1];
  const nudge = await project.run(['sql', line ?? '']);
  expect([nudge.ended?.code, nudge.stdout]).toEqual([0, 'UPDATE 1\n']);
  expect((await stream.next()).value).toMatchObject({ data: { task: { priority: 1 } } });
  await client.dispose();

  expect(await dev.interrupt()).toBe(0);
  expect(dev.stderr).toContain('stopped');
  await expect(fetch(url)).rejects.toThrow();
});

test('a second start reuses the data, and tokens from before are still good', async () => {
  const before = project.rivulet(['token', '1']);
  await before.exit();
  const dev = project.rivulet(['dev', '--port', '0']);
  await dev.printed('Ctrl-C stops everything');
  const { url } = greetingOf(dev.stdout);
  const answer = await query(
    url,
    '{ task(id: 1) { priority } tasksConnection { totalCount } }',
    before.stdout.trim(),
  );
  expect(answer).toEqual({ data: { task: { priority: 1 }, tasksConnection: { totalCount: 8 } } });
  expect(await dev.interrupt()).toBe(0);
});

test('a second one in the same folder is refused while the first runs, and harms nothing', async () => {
  const first = project.rivulet(['dev', '--port', '0']);
  await first.printed('Ctrl-C stops everything');
  const second = await project.run(['dev', '--port', '0']);
  expect([second.ended?.code, /error (\w+)/.exec(second.stderr)?.[1]]).toEqual([1, 'EMBEDDED_IN_USE']);
  const { url, adasToken } = greetingOf(first.stdout);
  expect(await query(url, '{ task(id: 1) { id } }', adasToken)).toEqual({ data: { task: { id: '1' } } });
  expect((await project.run(['doctor'])).stdout).toContain('all is well');
  expect(await first.interrupt()).toBe(0);
});

test('after it ended there is no database for `rivulet sql`, and it says so', async () => {
  const sql = await project.run(['sql', 'select 1']);
  expect([sql.ended?.code, /error (\w+)/.exec(sql.stderr)?.[1]]).toEqual([1, 'DEV_NOT_RUNNING']);
});

test('a port in use is a coded error before anything is started', async () => {
  const fresh = await createProject();
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  const dev = await fresh.run(['dev', '--port', String(port)]);
  expect([dev.ended?.code, /error (\w+)/.exec(dev.stderr)?.[1]]).toEqual([1, 'PORT_IN_USE']);
  expect(existsSync(join(fresh.folder, '.rivulet'))).toBe(false);
  other.close();
});

test('a database that is away is a coded error', async () => {
  const port = await freePort();
  const url = `postgres://nobody@127.0.0.1:${port}/none`;
  for (const args of [['dev', '--port', '0'], ['migrate'], ['doctor'], ['sql', 'select 1']]) {
    const command = await project.run(args, { DATABASE_URL: url });
    const code = /error (\w+)/.exec(command.stderr)?.[1];
    expect([args[0], command.ended?.code, code]).toEqual([args[0], 1, 'DATABASE_UNAVAILABLE']);
  }
});

test('a data folder whose making was interrupted is made anew', async () => {
  const half = await createProject();
  const data = join(half.folder, '.rivulet/postgres');
  await mkdir(join(data, 'data.unfinished'), { recursive: true });
  await writeFile(join(data, 'data.unfinished/PG_VERSION'), '18\n');
  const dev = half.rivulet(['dev', '--port', '0']);
  await dev.printed('Ctrl-C stops everything');
  expect(await dev.interrupt()).toBe(0);
});

test('a process that was killed leaves nothing that the next start cannot mend', async () => {
  const killed = project.rivulet(['dev', '--port', '0']);
  await killed.printed('Ctrl-C stops everything');
  killed.child.kill('SIGKILL');
  await waitFor('it is gone', () => killed.ended);
  expect(await readFile(join(project.folder, '.rivulet/dev.json'), 'utf8')).toContain('databaseUrl');
  const sql = await project.run(['sql', 'select 1']);
  expect(sql.stderr).toContain('DEV_NOT_RUNNING');
  const dev = project.rivulet(['dev', '--port', '0']);
  await dev.printed('Ctrl-C stops everything');
  expect(await dev.interrupt()).toBe(0);
});

test('SIGTERM closes sockets with 1001 and cuts event streams, so that clients come back', async () => {
  const dev = project.rivulet(['dev', '--port', '0']);
  await dev.printed('Ctrl-C stops everything');
  const { url, adasToken } = greetingOf(dev.stdout);
  const closed: { code?: number } = {};
  const completed: string[] = [];
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${adasToken}` },
    on: { closed: (event) => Object.assign(closed, { code: (event as { code: number }).code }) },
  });
  let answers = 0;
  client.subscribe(
    { query: 'subscription { task(id: 1) { priority } }' },
    { next: () => answers++, error: () => {}, complete: () => completed.push('complete') },
  );
  await waitFor('the live query is answered', () => answers === 1);
  const stream = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${adasToken}`,
    },
    body: JSON.stringify({ query: 'subscription { taskChanges { cursor } }' }),
  });
  const cut = stream.text().then(
    (text) => `ended: ${text}`,
    () => 'cut',
  );
  const startedAt = Date.now();
  dev.child.kill('SIGTERM');
  expect(await dev.exit()).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(10_000);
  expect(closed.code).toBe(1001);
  expect(completed).toEqual([]);
  expect(await cut).toBe('cut');
});

test('Ctrl-C while it is still starting stops the database as well', async () => {
  const dev = project.rivulet(['dev', '--port', '0']);
  const pidFile = join(project.folder, '.rivulet/postgres/data/postmaster.pid');
  await waitFor('the database is starting', () => existsSync(pidFile));
  expect(await dev.interrupt()).toBe(0);
  expect(existsSync(pidFile)).toBe(false);
  expect(dev.stderr).not.toContain('error');
});

test('deleting `.rivulet` starts from nothing', async () => {
  await rm(join(project.folder, '.rivulet'), { recursive: true });
  const dev = project.rivulet(['dev', '--port', '0']);
  await dev.printed('Ctrl-C stops everything');
  const { url, adasToken } = greetingOf(dev.stdout);
  expect(await query(url, '{ task(id: 1) { priority } }', adasToken)).toEqual({
    data: { task: { priority: 0 } },
  });
  expect(await dev.interrupt()).toBe(0);
});
