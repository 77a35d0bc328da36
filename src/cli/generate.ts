import { relative } from 'node:path';
import { RivuletError } from '../../shared/errors.js';
import { readModel } from '../model/read.js';
import { watchPlanOf } from '../server/engine/watch-plan.js';
import { sectionsSql, watchSections } from '../watch/watch-sql.js';
import { loadConfig } from './load-config.js';
import { migrationsFolder } from './migrations.js';
import { writeMigration, writtenSections } from './watchers-migration.js';

/**
 * Writes a migration of those parts whose newest text in the migrations is not what the schema asks for; with `check` it fails where there
 * are any. What is no longer watched is left to `migrate --prune`.
 */
export async function generate(options: {
  readonly config?: string;
  readonly check?: boolean;
}): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const plan = watchPlanOf(config, readModel(config.relations, { names: config.names }));
  const migrations = migrationsFolder(config, folder);
  const written = await writtenSections(migrations);
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
  console.log(`wrote ${relative(process.cwd(), migrations)}/${name} with ${names}`);
}
