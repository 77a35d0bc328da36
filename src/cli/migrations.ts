import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { RivuletError } from '../../shared/errors.js';
import { codedError } from '../database/errors.js';
import type { RivuletConfig } from '../server/engine/config.js';

/**
 * Held while migrations are applied, so that of two nodes that start at once one waits. Chosen by
 * chance.
 */
const MIGRATION_LOCK = '3187940021749066';

/** drizzle-kit's folder of the configuration. */
export function migrationsFolder(config: RivuletConfig, configFolder: string): string {
  return resolve(configFolder, config.database?.migrations ?? './drizzle');
}

/**
 * Applies what has not been applied yet, all in one transaction, as `drizzle-kit migrate` would:
 * they share one history. Rejects with `MIGRATIONS_INVALID`, or with the coded error of a database
 * that is away.
 */
export async function applyMigrations(databaseUrl: string, folder: string): Promise<void> {
  if (!existsSync(folder)) throw new RivuletError('MIGRATIONS_INVALID', `there is no folder ${folder}`);
  // One connection, so that the lock is the session's in which the migrations run.
  const client = postgres(databaseUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    await client`select pg_catalog.pg_advisory_lock(${MIGRATION_LOCK}::bigint)`;
    await migrate(drizzle({ client }), { migrationsFolder: folder });
  } catch (error) {
    throw explain(error, folder);
  } finally {
    await client.end({ timeout: 5 });
  }
}

function explain(error: unknown, folder: string): unknown {
  const { query, cause } = error as { readonly query?: unknown; readonly cause?: unknown };
  const reason = cause instanceof Error ? cause : error;
  if (!(reason instanceof postgres.PostgresError)) return codedError(reason) ?? reason;
  const name = typeof query === 'string' ? migrationWith(query, folder) : undefined;
  const place = name === undefined ? '' : `${name}: `;
  return new RivuletError('MIGRATIONS_INVALID', `${place}${reason.message} (${reason.code})`, {}, error);
}

function migrationWith(query: string, folder: string): string | undefined {
  return readMigrationFiles({ migrationsFolder: folder }).find((migration) => migration.sql.includes(query))
    ?.name;
}
