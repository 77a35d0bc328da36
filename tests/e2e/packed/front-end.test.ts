import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rivulet-front-end-'));
  const pack = ['pack', '--ignore-scripts', '--pack-destination', folder, '--workspace', 'rivulet-client'];
  await run('npm', pack, { cwd: root });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', private: true, dependencies: { 'rivulet-client': `file:${tarball}` } }),
  );
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder });
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

test('installing rivulet-client adds itself and at most two packages more', async () => {
  const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: folder });
  const installed = stdout.trim().split('\n').slice(1);
  expect(installed.some((path) => path.endsWith('/rivulet-client'))).toBe(true);
  expect(installed.length).toBeLessThanOrEqual(3);
});

test('its main entry needs no peer', async () => {
  const code =
    "const { sync, createSseClient } = await import('rivulet-client'); console.log(typeof sync, typeof createSseClient);";
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: folder });
  expect(stdout.trim()).toBe('function function');
});

test('no file of it comes from the server', async () => {
  const files = await readdir(join(folder, 'node_modules/rivulet-client/dist'));
  expect(files.sort()).toEqual(['client', 'shared']);
});
