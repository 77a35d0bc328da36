import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { atEnd } from '../support/at-end.js';
import { Command } from '../support/command.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = await readFile(join(root, 'README.md'), 'utf8');
const opening = /## From a schema to a live list in twenty lines\n(.+?)\n## /s.exec(readme)?.[1] ?? '';
const SECRET = 'a secret of the tests, long enough for HS256';
const database = await createDatabase();

/** Contents of the code blocks that begin with their file's name. */
const files = Object.fromEntries(
  [...opening.matchAll(/```(?:ts|js)\n\/\/ (\S+)\n(.+?)```/gs)].map(([, name, text]) => [name!, text!]),
);

/** What a reader of the README brings along. */
const OWN_FILES = {
  'drizzle.config.ts': `export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle' };`,
  'app.js': `import WebSocket from 'ws';
globalThis.WebSocket = WebSocket;
export const authorization = \`Bearer \${process.env.TOKEN}\`;
export const render = (tasks) => console.log('render', JSON.stringify(tasks?.map(({ title }) => title)));
`,
};

test('the way from a schema to a live list takes twenty lines', () => {
  expect(Object.keys(files)).toEqual(['schema.ts', 'rivulet.config.ts', 'list.js']);
  const lines = Object.values(files)
    .join('\n')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('import '));
  expect(lines.length).toBeLessThanOrEqual(20);
});

test('the code and the commands of the opening show a list that follows the database', async () => {
  const folder = await projectFolder();
  const env = { DATABASE_URL: database.url, JWT_SECRET: SECRET, TOKEN: await signToken(SECRET, '7', 600) };
  for (const command of commandsOf(opening)) await run(command, folder, env);

  const dev = new Command(['dev', '--port', '0'], folder, env);
  atEnd(async () => void (await dev.interrupt()));
  const [url] = await dev.printed(/http:\/\/127\.0\.0\.1:\d+/);
  await dev.printed('Ctrl-C stops everything');
  await writeFile(join(folder, 'list.js'), files['list.js']!.replace('http://127.0.0.1:4000', url));
  const list = start('list.js', folder, env);

  await list.renders([]);
  await database.query(`insert into tasks values (1, 'Read', 7), (2, 'Hidden', 8)`);
  await list.renders(['Read']);
  await database.query('update tasks set owner_id = 7 where id = 2');
  await list.renders(['Read', 'Hidden']);
  await database.query('delete from tasks where id = 1');
  await list.renders(['Hidden']);
});

/** A folder inside the repository, so that its files import `rivulet` by name; deleted at the end of the test. */
async function projectFolder(): Promise<string> {
  await mkdir(join(root, '.rivulet'), { recursive: true });
  const folder = await mkdtemp(join(root, '.rivulet/readme-'));
  atEnd(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries({ ...files, ...OWN_FILES }))
    await writeFile(join(folder, name), text);
  return folder;
}

/** Lines of the section's shell block, without what starts the server. */
function commandsOf(section: string): string[] {
  const block = /```sh\n(.+?)```/s.exec(section)?.[1] ?? '';
  const lines = block.split('\n').map((line) => line.replace(/\s*#.*/, ''));
  return lines.filter((line) => line !== '' && line !== 'npx rivulet dev');
}

async function run(command: string, folder: string, env: Readonly<Record<string, string>>): Promise<void> {
  const local = command.replace(/^npx rivulet /, `node ${join(root, 'bin/rivulet.js')} `);
  await promisify(execFile)('bash', ['-c', local], { cwd: folder, env: { ...process.env, ...env } });
}

function start(file: string, folder: string, env: Readonly<Record<string, string>>) {
  const child = execFile(process.execPath, [file], { cwd: folder, env: { ...process.env, ...env } });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      printed += String(chunk);
    });
  }
  atEnd(async () => {
    child.kill();
    await waitFor('the list ends', () => child.exitCode !== null || child.signalCode !== null);
  });
  return {
    async renders(titles: readonly string[]): Promise<void> {
      const wanted = `render ${JSON.stringify(titles)}`;
      await waitFor(wanted, () => printed.trimEnd().endsWith(wanted)).catch((error) => {
        throw new Error(`${(error as Error).message}; printed so far: ${printed}`);
      });
    },
  };
}
