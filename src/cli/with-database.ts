import { RivuletError } from '../../shared/errors.js';
import { connect } from '../database/connect.js';
import { codedError } from '../database/errors.js';
import type { Database } from '../database/types.js';
import type { RivuletConfig } from '../server/engine/config.js';
import { resolveSettings } from '../server/engine/settings.js';
import { StateFolder } from './dev-state.js';

/**
 * The database that a command works on: DATABASE_URL, the configuration's, or that of a running
 * `rivulet dev`.
 */
export async function databaseUrlOf(config: RivuletConfig, folder: string): Promise<string> {
  const { databaseUrl } = resolveSettings(config, process.env, 'production');
  if (databaseUrl !== undefined) return databaseUrl;
  const running = await new StateFolder(folder).read();
  if (running !== undefined) return running.databaseUrl;
  throw new RivuletError(
    'DATABASE_NOT_CONFIGURED',
    `DATABASE_URL is not set, and no \`rivulet dev\` runs in ${folder}`,
  );
}

/**
 * Connects, works, and closes whatever happens. A database error that has a code of ours becomes
 * that.
 */
export async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = connect(url, { max: 2, applicationName: 'rivulet cli' });
  try {
    return await work(database);
  } catch (error) {
    throw codedError(error) ?? error;
  } finally {
    await database.close();
  }
}
