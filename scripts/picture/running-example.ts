import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RIVULET = join(ROOT, 'bin/rivulet.js');

export interface RunningExample {
  /** The board: `http://127.0.0.1:12345/` */
  readonly url: string;
  /** Runs `rivulet sql` as a user does in another terminal. */
  sql(statement: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts `rivulet dev` with the example, in a temporary folder with a database of its own, on a
 * free port.
 */
export async function startExample(): Promise<RunningExample> {
  const folder = await mkdtemp(join(tmpdir(), 'rivulet-picture-'));
  // The embedded database of a root process runs as another user, who must reach its folder.
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'rivulet.config.ts'), configOf());
  const child = spawn(process.execPath, [RIVULET, 'dev', '--port', '0'], { cwd: folder });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const url = await printedUrl(child);
    return {
      url,
      async sql(statement) {
        await promisify(execFile)(process.execPath, [RIVULET, 'sql', statement], { cwd: folder });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configOf(): string {
  return `
import config from ${JSON.stringify(join(ROOT, 'rivulet.config.ts'))};
export default { ...config, database: { migrations: ${JSON.stringify(join(ROOT, 'drizzle'))} } };
`;
}

/**
 * Resolves when the server has printed its greeting; rejects with what it printed if it ends
 * before.
 */
function printedUrl(child: ChildProcess): Promise<string> {
  let printed = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += String(chunk);
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed)?.[0];
      if (url !== undefined && printed.includes('Ctrl-C stops everything')) resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('close', () => reject(new Error(`rivulet dev ended:\n${printed}`)));
  });
}
