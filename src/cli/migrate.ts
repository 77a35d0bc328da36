import type { Database } from '../database/types.js';
import { readModel } from '../model/read.js';
import { watchPlanOf } from '../server/engine/watch-plan.js';
import { inspect } from '../watch/inspect.js';
import { install, prune } from '../watch/install.js';
import type { WatchPlan } from '../watch/types.js';
import { loadConfig } from './load-config.js';
import { applyMigrations, migrationsFolder } from './migrations.js';
import { databaseUrlOf, withDatabase } from './with-database.js';

/**
 * Applies the migrations, then makes the watchers in the database those that the schema declares.
 */
export async function migrate(options: {
  readonly config?: string;
  readonly prune?: boolean;
}): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const model = readModel(config.relations, { names: config.names });
  const plan = watchPlanOf(config, model);
  const url = await databaseUrlOf(config, folder);
  await applyMigrations(url, migrationsFolder(config, folder));
  await withDatabase(url, async (database) => {
    await repair(database, plan, (line) => console.log(line));
    if (options.prune === true) {
      for (const name of await prune(database, plan)) console.log(`removed the ${name}`);
    } else {
      for (const { message, mend } of await inspect(database, plan, model)) console.log(`${message} ${mend}`);
    }
  });
  console.log('the database is up to date');
}

/** Installs what is missing or differs. Says what it mended. */
export async function repair(
  database: Database,
  plan: WatchPlan,
  say: (line: string) => void,
): Promise<void> {
  for (const { message } of await install(database, plan)) say(`mended: ${message}`);
}
