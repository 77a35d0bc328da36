import { INSTALL_LOCK_SQL, LOG_TABLE_SQL } from './log-table.js';
import { tableSql } from './trigger-sql.js';
import type { WatchPlan } from './types.js';

/**
 * A migration that installs the change log and every watcher of the plan. It can be run any number of times, and by two at
 * once when each runs it in a transaction; the same plan gives the same text.
 */
export function watchSql(plan: WatchPlan): string {
  return [INSTALL_LOCK_SQL, LOG_TABLE_SQL, ...plan.tables.map(tableSql)].join('\n');
}
