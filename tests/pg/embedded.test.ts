import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import { type EmbeddedPostgres, startEmbedded } from '../../src/database/embedded.js';
import { isAlive, readPidFile } from '../../src/database/embedded-pid.js';
import { waitFor } from '../support/wait-for.js';

const running: EmbeddedPostgres[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const embedded of running.splice(0)) await embedded.stop();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function makeFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'rivulet-embedded-'));
  folders.push(root);
  return join(root, 'nested', 'postgres');
}

async function start(folder: string, persistent = true): Promise<EmbeddedPostgres> {
  const embedded = await startEmbedded({ folder, persistent, settings: ['shared_buffers=16MB'] });
  running.push(embedded);
  return embedded;
}

async function run(url: string, text: string) {
  const db = connect(url, { max: 1 });
  try {
    return await db.query({ text, params: [] });
  } finally {
    await db.close();
  }
}

test('a second start finds the data, the password and the port of the first', async () => {
  const folder = await makeFolder();
  const first = await start(folder);
  expect(await run(first.url, `select split_part(current_setting('server_version'), '.', 1)`)).toEqual([
    ['18'],
  ]);
  await run(first.url, 'create table kept as select 1 as one');
  await first.stop();
  await first.stop();
  await expect(run(first.url, 'select 1')).rejects.toThrow();
  const second = await start(folder);
  expect(second.url).toBe(first.url);
  expect(await run(second.url, 'select one::text from kept')).toEqual([['1']]);
});

test('the password is random, is asked for, and nobody else may read it', async () => {
  const folder = await makeFolder();
  const { url } = await start(folder);
  const wrong = new URL(url);
  wrong.password = 'postgres';
  await expect(run(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  expect((await stat(join(folder, 'password'))).mode & 0o077).toBe(0);
  expect(new URL(url).password.length).toBeGreaterThan(16);
});

test('text is UTF-8 and sorts by code point, whatever the machine is set to', async () => {
  const { url } = await start(await makeFolder());
  expect(
    await run(
      url,
      `select current_setting('server_encoding'), string_agg(x, '' order by x) from unnest(array['é', 'b', 'B', 'a', '💧']) x`,
    ),
  ).toEqual([['UTF8', 'Babé💧']]);
});

test('a folder whose making was interrupted is made again', async () => {
  const folder = await makeFolder();
  const first = await start(folder);
  await first.stop();
  await rm(join(folder, 'data', 'PG_VERSION'));
  const second = await start(folder);
  expect(await run(second.url, 'select 1::text')).toEqual([['1']]);
  expect(await readdir(folder)).not.toContain('data.unfinished');
});

test("a lock file that a dead server left behind is in nobody's way", async () => {
  const folder = await makeFolder();
  const first = await start(folder);
  const pidFile = join(folder, 'data', 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8');
  await first.stop();
  // The id of a process that lives and is no database server.
  await writeFile(pidFile, text.replace(/^\d+/, String(process.ppid)));
  const second = await start(folder);
  expect(await run(second.url, 'select 1::text')).toEqual([['1']]);
});

test('a server that outlived its owner is ended and its data is kept', async () => {
  const folder = await makeFolder();
  const script = `const { startEmbedded } = await import(${JSON.stringify(join(process.cwd(), 'src/database/embedded.ts'))});
    const { url } = await startEmbedded({ folder: ${JSON.stringify(folder)}, settings: ['shared_buffers=16MB'] });
    console.log(url); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let url = '';
  owner.stdout.on('data', (chunk) => {
    url += chunk;
  });
  await waitFor('the other process has its database', () => url.includes('\n'), 30_000);
  await run(url.trim(), 'create table kept as select 1 as one');

  await expect(startEmbedded({ folder })).rejects.toMatchObject({
    code: 'EMBEDDED_IN_USE',
    details: { pid: owner.pid },
  });

  const orphan = (await readPidFile(join(folder, 'data')))!.pid;
  const gone = new Promise((resolve) => owner.once('exit', resolve));
  owner.kill('SIGKILL');
  await gone;
  expect(await isAlive(orphan, 'postgres')).toBe(true);
  const second = await start(folder);
  expect(await run(second.url, 'select one::text from kept')).toEqual([['1']]);
  expect(await isAlive(orphan, 'postgres')).toBe(false);
}, 60_000);

test('a port that somebody took meanwhile is replaced by another', async () => {
  const folder = await makeFolder();
  const first = await start(folder);
  const { port } = new URL(first.url);
  await first.stop();
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(Number(port), '127.0.0.1', resolve));
  const second = await start(folder);
  expect(new URL(second.url).port).not.toBe(port);
  expect(await run(second.url, 'select 1::text')).toEqual([['1']]);
  await new Promise((resolve) => squatter.close(resolve));
});

test('data of another PostgreSQL version is refused, and left alone', async () => {
  const folder = await makeFolder();
  const first = await start(folder);
  await first.stop();
  await writeFile(join(folder, 'data', 'PG_VERSION'), '12\n');
  await expect(startEmbedded({ folder })).rejects.toMatchObject({ code: 'EMBEDDED_DATA' });
  expect(await readdir(join(folder, 'data'))).toContain('base');
});

test('settings that the server refuses give the end of its log', async () => {
  const folder = await makeFolder();
  await expect(startEmbedded({ folder, settings: ['shared_buffers=nonsense'] })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringContaining('nonsense'),
  });
});

test('a folder that cannot be made is refused with a code', async () => {
  await expect(startEmbedded({ folder: '/dev/null/postgres' })).rejects.toMatchObject({
    code: 'EMBEDDED_DATA',
  });
});

test('what is not meant to last is deleted when it stops', async () => {
  const folder = await makeFolder();
  const embedded = await start(folder, false);
  await embedded.stop();
  await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
});
