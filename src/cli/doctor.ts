import { readModel } from '../model/read.js';
import { type TrustedColumn, trustedColumns } from '../policy/trusted-columns.js';
import { watchPlanOf } from '../server/engine/watch-plan.js';
import type { WatcherDrift } from '../watch/drift.js';
import { inspect } from '../watch/inspect.js';
import type { WatchPlan } from '../watch/types.js';
import { loadConfig } from './load-config.js';
import { databaseUrlOf, withDatabase } from './with-database.js';

/**
 * Prints each table with its verdict, and each difference with what mends it; sets exit code 1 if
 * there is a difference.
 */
export async function doctor(options: { readonly config?: string }): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const model = readModel(config.relations, { names: config.names });
  const plan = watchPlanOf(config, model);
  const drifts = await withDatabase(await databaseUrlOf(config, folder), (database) =>
    inspect(database, plan, model),
  );
  for (const line of verdictLines(plan, drifts)) console.log(line);
  if (config.policies) printTrustedColumns(trustedColumns(model, config.policies));
  for (const { message, mend } of drifts) console.log(`${message}\n  ${mend}`);
  const differences = drifts.filter(({ kind }) => kind !== 'noted');
  if (differences.length === 0) {
    console.log(`all is well: ${plan.tables.length} tables are watched as declared`);
    return;
  }
  console.log(`${differences.length} ${differences.length === 1 ? 'difference' : 'differences'}`);
  process.exitCode = 1;
}

/** One line a table: whether a server serves it, and the codes of what it refuses or notes. */
export function verdictLines(plan: WatchPlan, drifts: readonly WatcherDrift[]): readonly string[] {
  return plan.tables.map(({ sqlSchema, sqlName }) => {
    const own = drifts.filter(({ table }) => table?.sqlSchema === sqlSchema && table.sqlName === sqlName);
    const isRefused = own.some(({ effect }) => effect !== 'none');
    const codes = new Set(
      own.map(({ code, effect }) => code ?? (effect === 'none' ? null : 'TABLE_DRIFTED')),
    );
    codes.delete(null);
    return [isRefused ? 'refused' : 'served ', `${sqlSchema}.${sqlName}`, ...codes].join('  ');
  });
}

/** For review, not differences: the exit code stays. */
function printTrustedColumns(columns: readonly TrustedColumn[]): void {
  if (columns.length === 0) return;
  console.log('columns that policies read and that clients may set:');
  for (const { table, column, readBy, setBy } of columns)
    console.log(
      `  ${table.name}.${column.name}: clients set it by ${setBy.join(' and ')}; read by ${readBy.join(', ')}`,
    );
  console.log(
    '  For each, see that the check of the write covers the new value; else leave it out of `columns`, or set it by `preset`.',
  );
}
