import type { Queryable } from '../database/types.js';
import { type Installed, type InstalledTrigger, readCatalog, tableId } from './catalog.js';
import { LOG_TABLES, LOG_VERSION } from './log-table.js';
import { functionName } from './names.js';
import { FUNCTION_SETTINGS, functionBody, TRIGGERS, type TriggerSpec } from './trigger-sql.js';
import type { WatchedTable, WatchPlan } from './types.js';

export type DriftKind =
  /** No change log in this database, or only part of one. */
  | 'log-missing'
  /** The log is that of an earlier version; `install` brings it up to this one, and keeps what is in it. */
  | 'log-outdated'
  /** A table of the log has other columns than this version writes. */
  | 'log-altered'
  /** The watched table, or a column of it, does not exist. */
  | 'table-missing'
  /** A trigger, its function or its shape does not exist. */
  | 'missing'
  /** It exists, but is another one than declared. */
  | 'altered'
  | 'disabled'
  /** Installed, but not declared. */
  | 'leftover';

/** One difference between what is declared and what is installed. */
export interface Drift {
  readonly kind: DriftKind;
  readonly table: { readonly sqlSchema: string; readonly sqlName: string } | null;
  /** A sentence that names the thing. */
  readonly message: string;
  /** A sentence that names the command which mends it. */
  readonly mend: string;
}

const MIGRATE = 'Run `rivulet migrate`.';
const GENERATE = 'Run `rivulet generate`, then `rivulet migrate`.';
const PRUNE = 'Run `rivulet migrate --prune`.';

/** Compares what is installed with the plan; an empty list means that they agree. Changes nothing. */
export async function inspect(db: Queryable, plan: WatchPlan): Promise<readonly Drift[]> {
  const installed = await readCatalog(db, plan.tables);
  return [
    ...logDrift(installed),
    ...plan.tables.flatMap((table) => tableDrift(table, installed)),
    ...leftovers(plan, installed),
  ];
}

function logDrift(installed: Installed): Drift[] {
  const { logVersion } = installed;
  if (logVersion !== null && logVersion < LOG_VERSION) {
    const message = `The change log is of version ${logVersion}; this Rivulet writes version ${LOG_VERSION}.`;
    return [{ kind: 'log-outdated', table: null, message, mend: MIGRATE }];
  }
  const drifts: Drift[] = [];
  for (const [name, columns] of Object.entries(LOG_TABLES)) {
    const found = installed.logTables.get(name);
    if (!found) {
      drifts.push({
        kind: 'log-missing',
        table: null,
        message: `The table rivulet.${name} is missing.`,
        mend: MIGRATE,
      });
      continue;
    }
    const wrong = Object.entries(columns).filter(([column, type]) => found.get(column) !== type);
    if (wrong.length === 0) continue;
    const names = wrong.map(([column]) => column).join(', ');
    const message = `The table rivulet.${name} differs from what this version writes: ${names}.`;
    drifts.push({
      kind: 'log-altered',
      table: null,
      message,
      mend: 'Undo the change, or drop schema rivulet and migrate.',
    });
  }
  return drifts;
}

function tableDrift(table: WatchedTable, installed: Installed): Drift[] {
  const { sqlSchema, sqlName } = table;
  const place = { table: { sqlSchema, sqlName } };
  const display = `${sqlSchema}.${sqlName}`;
  const columns = installed.tables.get(tableId(table));
  if (!columns) {
    return [
      { ...place, kind: 'table-missing', message: `The table ${display} does not exist.`, mend: MIGRATE },
    ];
  }
  const absent = table.columns.filter((column) => !columns.has(column));
  if (absent.length > 0) {
    const message = `The table ${display} has no column ${absent.join(', ')}.`;
    return [{ ...place, kind: 'table-missing', message, mend: MIGRATE }];
  }
  const drifts = functionDrift(table, installed).map((drift) => ({ ...place, ...drift }));
  for (const trigger of TRIGGERS) {
    const drift = triggerDrift(table, trigger, installed);
    if (drift) drifts.push({ ...place, ...drift });
  }
  return drifts;
}

function functionDrift(table: WatchedTable, installed: Installed): Omit<Drift, 'table'>[] {
  const display = `${table.sqlSchema}.${table.sqlName}`;
  const found = installed.functions.get(functionName(table.sqlSchema, table.sqlName));
  if (!found || !installed.shapes.has(table.shape)) {
    const message = `The watcher of ${display} ${found ? 'logs other columns than the schema has' : 'is not installed'}.`;
    return [{ kind: found ? 'altered' : 'missing', message, mend: GENERATE }];
  }
  const settings = Object.entries(FUNCTION_SETTINGS).map(([name, value]) => `${name}=${value}`.toLowerCase());
  const isSame =
    found.body === functionBody(table) &&
    found.isSecurityDefiner &&
    !found.isPublic &&
    found.settings.length === settings.length &&
    found.settings.every((setting) => settings.includes(setting.toLowerCase()));
  if (isSame) return [];
  return [
    {
      kind: 'altered',
      message: `The trigger function of ${display} is not the one declared.`,
      mend: GENERATE,
    },
  ];
}

function triggerDrift(
  table: WatchedTable,
  spec: TriggerSpec,
  installed: Installed,
): Omit<Drift, 'table'> | null {
  const display = `${spec.name} on ${table.sqlSchema}.${table.sqlName}`;
  const found = installed.triggers.find(
    (trigger) =>
      trigger.name === spec.name &&
      trigger.sqlSchema === table.sqlSchema &&
      trigger.sqlName === table.sqlName,
  );
  if (!found) return { kind: 'missing', message: `The trigger ${display} is missing.`, mend: MIGRATE };
  if (!isAsDeclared(found, spec, functionName(table.sqlSchema, table.sqlName))) {
    return { kind: 'altered', message: `The trigger ${display} is not the one declared.`, mend: MIGRATE };
  }
  if (found.enabled !== 'A') {
    const how = found.enabled === 'D' ? 'disabled' : 'not enabled in every session';
    return { kind: 'disabled', message: `The trigger ${display} is ${how}.`, mend: MIGRATE };
  }
  return null;
}

/** Bits of `pg_trigger.tgtype`: 1 for each row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead. */
const EVENT_BITS = { insert: 4, delete: 8, update: 16, truncate: 32 } as const;

function isAsDeclared(found: InstalledTrigger, spec: TriggerSpec, expectedFunction: string): boolean {
  return (
    found.functionName === expectedFunction &&
    found.type === EVENT_BITS[spec.event] &&
    found.oldTable === spec.oldTable &&
    found.newTable === spec.newTable &&
    !found.hasCondition
  );
}

function leftovers(plan: WatchPlan, installed: Installed): Drift[] {
  const { functions, triggers } = leftoversOf(plan, installed);
  return [
    ...triggers.map(({ sqlSchema, sqlName, name }) => ({
      kind: 'leftover' as const,
      table: { sqlSchema, sqlName },
      message: `The trigger ${name} on ${sqlSchema}.${sqlName} belongs to no declared watcher.`,
      mend: PRUNE,
    })),
    ...functions.map((name) => ({
      kind: 'leftover' as const,
      table: null,
      message: `The function rivulet.${name} belongs to no declared watcher.`,
      mend: PRUNE,
    })),
  ];
}

/** Triggers and functions of ours that the plan does not name. */
export function leftoversOf(
  plan: WatchPlan,
  installed: Installed,
): { readonly functions: readonly string[]; readonly triggers: readonly InstalledTrigger[] } {
  const wanted = new Map(
    plan.tables.map((table) => [tableId(table), functionName(table.sqlSchema, table.sqlName)]),
  );
  const names = new Set(wanted.values());
  return {
    functions: [...installed.functions.keys()].filter((name) => !names.has(name)),
    triggers: installed.triggers.filter(
      (trigger) =>
        wanted.get(tableId(trigger)) !== trigger.functionName ||
        !TRIGGERS.some((spec) => spec.name === trigger.name),
    ),
  };
}
