import { readModel } from '../model/read.js';
import { watchPlanOf } from '../server/watched.js';
import { inspect } from '../watch/inspect.js';
import { loadConfig } from './load-config.js';
import { databaseUrlOf, withDatabase } from './with-database.js';

/** Prints each difference and what mends it; sets exit code 1 where there is one. */
export async function doctor(options: { readonly config?: string }): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const model = readModel(config.relations, { names: config.names });
  const plan = watchPlanOf(config, model);
  const drifts = await withDatabase(await databaseUrlOf(config, folder), (database) =>
    inspect(database, plan, model),
  );
  for (const { message, mend } of drifts) console.log(`${message}\n  ${mend}`);
  if (drifts.length === 0) {
    console.log(`all is well: ${plan.tables.length} tables are watched as declared`);
    return;
  }
  console.log(`${drifts.length} ${drifts.length === 1 ? 'difference' : 'differences'}`);
  process.exitCode = 1;
}
