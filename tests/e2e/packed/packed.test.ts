import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, test } from 'vitest';
import { createDatabase } from '../../support/database.js';
import { waitFor } from '../../support/wait-for.js';
import { FILES, TABLES } from './project.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
const database = await createDatabase({ setup: TABLES });
const env = {
  ...process.env,
  DATABASE_URL: database.url,
  JWT_SECRET: 'a secret of the tests, long enough for HS256',
  NODE_ENV: 'production',
};
const PACKAGES = [
  '@apollo/client',
  '@graphql-typed-document-node/core',
  '@types/node',
  '@types/ws',
  '@urql/core',
  '@urql/exchange-graphcache',
  'drizzle-orm',
  'graphql',
  'graphql-ws',
  'rxjs',
  'tsx',
  'typescript',
  'ws',
];
const processes: ChildProcess[] = [];
let folder = '';

/** A process of the project, with what it printed so far. */
function start(command: string, args: readonly string[], extra: Readonly<Record<string, string>> = {}) {
  // A group of its own: npx starts another process, which has to end, too.
  const child = spawn(command, args, { cwd: folder, env: { ...env, ...extra }, detached: true });
  processes.push(child);
  const printed = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      printed.text += String(chunk);
    });
  }
  return printed;
}

async function isPrinted(printed: { readonly text: string }, what: RegExp): Promise<RegExpExecArray> {
  return waitFor(`${what} is printed`, () => what.exec(printed.text), 30_000).catch((error) => {
    throw new Error(`${(error as Error).message}; so far: ${printed.text}`);
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rivulet-packed-'));
  const pack = ['pack', '--ignore-scripts', '--pack-destination', folder];
  await run('npm', [...pack, '--workspace', 'rivulet-client', '--include-workspace-root'], { cwd: root });
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  const packed = (name: string) => `file:${tarballs.find((each) => each.startsWith(`${name}-0`))}`;
  const { devDependencies, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const versions = { ...dependencies, ...devDependencies };
  const own = Object.fromEntries(PACKAGES.map((name) => [name, versions[name]]));
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      type: 'module',
      private: true,
      dependencies: { rivulet: packed('rivulet'), 'rivulet-client': packed('rivulet-client'), ...own },
    }),
  );
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
  });
}, 180_000);

afterAll(async () => {
  for (const child of processes) if (child.exitCode === null) process.kill(-child.pid!, 'SIGTERM');
  await Promise.all(
    processes.map((child) =>
      waitFor('a process ends', () => child.exitCode !== null || child.signalCode !== null, 15_000),
    ),
  );
  await rm(folder, { recursive: true });
});

test('a project outside the repository is typed, served, and its live lists follow SQL, in urql and in Apollo', {
  timeout: 120_000,
}, async () => {
  await run('npx', ['tsc'], { cwd: folder });
  // In production a server shows neither its schema nor its manifest: a project writes it down.
  const { stdout: manifest } = await run('npx', ['rivulet', 'schema', '--manifest'], { cwd: folder, env });
  await writeFile(join(folder, 'manifest.json'), manifest);
  await run('npx', ['rivulet', 'generate'], { cwd: folder, env });
  await run('npx', ['rivulet', 'migrate'], { cwd: folder, env });
  const server = start('npx', ['rivulet', 'start', '--port', '0']);
  const [, url] = await isPrinted(server, /(http:\/\/127\.0\.0\.1:\d+\/graphql)/);
  const { stdout: token } = await run('npx', ['rivulet', 'token', 'reader'], { cwd: folder, env });

  const reach = { RIVULET_URL: url!, RIVULET_TOKEN: token.trim() };
  const clients = ['urql', 'apollo'].map((name) => start('npx', ['tsx', `${name}.ts`], reach));
  for (const printed of clients) await isPrinted(printed, /: Notes by Ada$/m);
  await database.script("insert into books values (2, 'Compilers', 2)");
  for (const printed of clients) await isPrinted(printed, /: Notes by Ada, Compilers by Grace$/m);
  await database.script("update authors set name = 'Ada L.' where id = 1");
  for (const printed of clients) await isPrinted(printed, /: Notes by Ada L\., Compilers by Grace$/m);
  await database.script('delete from books where id = 1');
  for (const printed of clients) await isPrinted(printed, /: Compilers by Grace$/m);
});
