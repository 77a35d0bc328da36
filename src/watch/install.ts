import { RivuletError } from '../../shared/errors.js';
import type { Database, QueryRunner } from '../database/types.js';
import { quoteIdent, quoteName } from '../sql/quote.js';
import { readCatalog } from './catalog.js';
import { type DriftKind, INSTALLABLE, type WatcherDrift } from './drift.js';
import { inspect, leftoversOf } from './inspect.js';
import { INSTALL_LOCK_SQL, LOG_SCHEMA, LOG_TABLE_SQL } from './log-table.js';
import { tableSql } from './trigger-sql.js';
import type { WatchedTable, WatchPlan } from './types.js';
import { PREVENTS_INSTALL } from './verdicts.js';

/**
 * Installs what is missing or differs, and touches nothing else: where `inspect` finds nothing, no
 * table is locked. Each table is a transaction of its own, under an advisory lock, so that any
 * number of installs at once are safe and no two tables are locked together. What is left over
 * stays (`prune`), and what the tables themselves lack stays as it is. Resolves to what it put
 * right. Rejects, before anything is changed, with WATCH_TABLE_MISSING where a watched table does
 * not exist, and with the code of its verdict where triggers on it could not be made or would fail
 * writes.
 */
export async function install(db: Database, plan: WatchPlan): Promise<readonly WatcherDrift[]> {
  const found = await inspect(db, plan);
  const before = found.filter(({ kind }) => INSTALLABLE.has(kind));
  const prevented = found.find(({ code }) => PREVENTS_INSTALL.has(code));
  if (prevented?.code !== undefined)
    throw new RivuletError(prevented.code, `${prevented.message} ${prevented.mend}`, {
      table: prevented.table,
    });
  const missing = found.filter((drift) => drift.kind === 'table-missing');
  if (missing.length > 0) {
    throw new RivuletError('WATCH_TABLE_MISSING', missing.map((drift) => drift.message).join(' '), {
      tables: missing.map((drift) => drift.table),
    });
  }
  if (before.some(({ kind }) => LOG_KINDS.has(kind))) {
    await locked(db, (tx) => tx.script(LOG_TABLE_SQL));
  }
  for (const table of plan.tables) {
    if (!before.some((drift) => isOf(drift, table))) continue;
    await locked(db, (tx) => tx.script(tableSql(table)));
  }
  return before;
}

const LOG_KINDS: ReadonlySet<DriftKind> = new Set(['log-missing', 'log-outdated', 'log-public']);

/**
 * Removes triggers and functions that the plan does not name; the log and its rows stay. Resolves
 * to what was removed.
 */
export async function prune(db: Database, plan: WatchPlan): Promise<readonly string[]> {
  return locked(db, async (tx) => {
    const { functions, triggers } = leftoversOf(plan, await readCatalog(tx, plan.tables));
    for (const trigger of triggers) {
      const on = quoteName(trigger.sqlSchema, trigger.sqlName);
      await tx.script(`drop trigger if exists ${quoteIdent(trigger.name)} on ${on}`);
    }
    for (const name of functions) await tx.script(`drop function if exists ${quoteName(LOG_SCHEMA, name)}()`);
    return [
      ...triggers.map((trigger) => `trigger ${trigger.name} on ${trigger.sqlSchema}.${trigger.sqlName}`),
      ...functions.map((name) => `function rivulet.${name}`),
    ];
  });
}

function locked<T>(db: Database, work: (tx: QueryRunner) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.script(INSTALL_LOCK_SQL);
    return work(tx);
  });
}

function isOf(drift: WatcherDrift, table: WatchedTable): boolean {
  return drift.table?.sqlSchema === table.sqlSchema && drift.table.sqlName === table.sqlName;
}
