import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { register as registerCommonJs } from 'tsx/cjs/api';
import { register } from 'tsx/esm/api';
import { RivuletError } from '../../shared/errors.js';
import type { RivuletConfig } from '../server/engine/config.js';
import { isRecord } from '../server/engine/is-record.js';

const NAMES = ['rivulet.config.ts', 'rivulet.config.mts', 'rivulet.config.js', 'rivulet.config.mjs'];

export interface LoadedConfig {
  readonly config: RivuletConfig;
  readonly file: string;
  /**
   * The folder of the file: what paths in the configuration are relative to, and where `.rivulet/`
   * is.
   */
  readonly folder: string;
}

/**
 * Loads the configuration from `path`, or from `rivulet.config.*` in the working directory.
 * TypeScript is compiled on the way, of the file and of what it imports. Rejects with
 * CONFIG_NOT_FOUND, CONFIG_UNREADABLE or CONFIG_INVALID, and lets a coded error that the file
 * itself ran into through.
 */
export async function loadConfig(path: string | undefined): Promise<LoadedConfig> {
  const file = findConfig(path);
  const loaded = await importTypeScript(file);
  return { config: checked(exportOf(loaded), file), file, folder: dirname(file) };
}

function findConfig(path: string | undefined): string {
  if (path !== undefined) {
    const file = resolve(path);
    if (existsSync(file)) return file;
    throw new RivuletError('CONFIG_NOT_FOUND', `there is no file ${file}`);
  }
  const found = NAMES.map((name) => resolve(name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new RivuletError('CONFIG_NOT_FOUND', `there is no rivulet.config.ts in ${process.cwd()}`);
}

async function importTypeScript(file: string): Promise<unknown> {
  const unregister = register();
  const unregisterCommonJs = registerCommonJs();
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (isCoded(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new RivuletError('CONFIG_UNREADABLE', `${basename(file)} cannot be loaded: ${message}`, {}, error);
  } finally {
    unregisterCommonJs();
    await unregister();
  }
}

/** The default export; of a CommonJS file that is the `default` of what was exported. */
function exportOf(loaded: unknown): unknown {
  if (!isRecord(loaded)) return undefined;
  const { default: exported } = loaded;
  return isRecord(exported) && 'default' in exported ? exported.default : exported;
}

function checked(config: unknown, file: string): RivuletConfig {
  const refuse = (what: string): never => {
    throw new RivuletError('CONFIG_INVALID', `${basename(file)} ${what}`);
  };
  if (config === undefined) return refuse('has no default export');
  if (!isRecord(config)) return refuse('does not export a configuration');
  if (!isRecord(config.relations)) return refuse('has no `relations`');
  if (!isRecord(config.policies)) return refuse('has no `policies`');
  return config as unknown as RivuletConfig;
}

/** By its shape: the file may have got another copy of the package than this one. */
function isCoded(error: unknown): error is RivuletError {
  return error instanceof Error && error.name === 'RivuletError';
}
