import { relative } from 'node:path';
import { RivuletError } from '../../shared/errors.js';
import { readModel } from '../model/read.js';
import { watchPlanOf } from '../server/engine/watch-plan.js';
import type { WatchPlan } from '../watch/types.js';
import { sectionsSql, watchSections } from '../watch/watch-sql.js';
import { loadConfig } from './load-config.js';
import { migrationsFolder } from './migrations.js';
import {
  removeMigrations,
  trailingMigrations,
  writeMigration,
  writtenSections,
} from './watchers-migration.js';

export interface GenerateOptions {
  readonly config?: string;
  /** Writes nothing; fails if a migration is missing or stale. */
  readonly check?: boolean;
  /** Replaces the watchers' migrations after drizzle-kit's last one by a single migration. */
  readonly squash?: boolean;
}

/**
 * Writes a migration with the parts whose newest text in the migrations differs from what the
 * schema asks for. Watchers that are no longer declared are left to `migrate --prune`.
 *
 * A part replaces what is installed under its name. A database that applied the migrations before a
 * squash therefore applies the new one as well, and ends in the same state as an empty database.
 */
export async function generate(options: GenerateOptions): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const plan = watchPlanOf(config, readModel(config.relations, { names: config.names }));
  const migrations = migrationsFolder(config, folder);
  const trailing = options.squash === true ? await trailingMigrations(migrations) : [];
  const replaced = trailing.length > 1 || (await isStale(migrations, plan)) ? trailing : [];
  const written = await writtenSections(migrations, replaced);
  const stale = watchSections(plan).filter(({ name, sql }) => written.get(name) !== sql.trim());
  if (stale.length === 0) {
    console.log(`the watchers' migrations are up to date (${plan.tables.length} tables watched)`);
    return;
  }
  const names = stale.map(({ name }) => name).join(', ');
  if (options.check === true) {
    throw new RivuletError('WATCHERS_STALE', `no migration has what the schema asks for of ${names}`);
  }
  const name = await writeMigration(migrations, `${sectionsSql(stale)}\n`, new Date());
  await removeMigrations(migrations, replaced);
  console.log(`wrote ${relative(process.cwd(), migrations)}/${name} with ${names}`);
  for (const each of replaced) console.log(`removed ${relative(process.cwd(), migrations)}/${each}`);
}

/** True if the schema asks for a part that no migration has. */
async function isStale(migrations: string, plan: WatchPlan): Promise<boolean> {
  const written = await writtenSections(migrations);
  return watchSections(plan).some(({ name, sql }) => written.get(name) !== sql.trim());
}
