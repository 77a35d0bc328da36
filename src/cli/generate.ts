import { relative } from 'node:path';
import { RivuletError } from '../errors.js';
import { readModel } from '../model/read.js';
import { watchPlanOf } from '../server/watched.js';
import { watchSql } from '../watch/watch-sql.js';
import { loadConfig } from './load-config.js';
import { migrationsFolder } from './migrations.js';
import { latestMigration, writeMigration } from './watchers-migration.js';

/** Writes the migration where the newest one is not what the schema asks for; with `check` it fails there instead. */
export async function generate(options: {
  readonly config?: string;
  readonly check?: boolean;
}): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const plan = watchPlanOf(config, readModel(config.relations, { names: config.names }));
  const sql = `${watchSql(plan)}\n`;
  const migrations = migrationsFolder(config, folder);
  const latest = await latestMigration(migrations);
  if (latest?.sql === sql) {
    console.log(`${latest.name} is up to date (${plan.tables.length} tables watched)`);
    return;
  }
  if (options.check === true) {
    const what = latest === undefined ? 'there is none' : `${latest.name} is not what the schema asks for`;
    throw new RivuletError('WATCHERS_STALE', what);
  }
  const name = await writeMigration(migrations, sql, new Date());
  console.log(`wrote ${relative(process.cwd(), migrations)}/${name} (${plan.tables.length} tables watched)`);
}
