import { createHash } from 'node:crypto';
import type { Model } from '../../shared/model/types.js';
import type { QueryRunner } from '../database/types.js';
import {
  type InstalledCatalog,
  type InstalledFunction,
  type InstalledTrigger,
  readCatalog,
  tableId,
} from './catalog.js';
import { GENERATE, MIGRATE, PRUNE, type WatcherDrift } from './drift.js';
import { LOG_FUNCTIONS } from './log-functions.js';
import { LOG_TABLES, LOG_VERSION } from './log-table.js';
import { functionName } from './names.js';
import { columnDrifts, otherWatcher, type TableDrift } from './table-drift.js';
import { FUNCTION_SETTINGS, functionBody, TRIGGERS, type TriggerSpec } from './trigger-sql.js';
import type { WatchedTable, WatchPlan } from './types.js';
import { PREVENTS_INSTALL, verdictsOf } from './verdicts.js';

/**
 * Compares what is installed with the plan; an empty list means that they agree. Changes nothing.
 * With the model also what the plan does not say is compared: labels of enums, and types of tables
 * that were described without.
 */
export async function inspect(
  db: QueryRunner,
  plan: WatchPlan,
  model?: Model,
): Promise<readonly WatcherDrift[]> {
  const installed = await readCatalog(db, plan.tables);
  return [
    ...logDrift(installed),
    ...plan.tables.flatMap((table) => tableDrift(table, installed, model)),
    ...leftovers(plan, installed),
  ];
}

function logDrift(installed: InstalledCatalog): WatcherDrift[] {
  const { logVersion } = installed;
  if (logVersion !== null && logVersion < LOG_VERSION) {
    const message = `The change log is of version ${logVersion}; this Rivulet writes version ${LOG_VERSION}.`;
    return [{ kind: 'log-outdated', table: null, message, mend: MIGRATE, effect: 'unseen' }];
  }
  const drifts: WatcherDrift[] = [];
  for (const [name, columns] of Object.entries(LOG_TABLES)) {
    const found = installed.logTables.get(name);
    if (!found) {
      const message = `The table rivulet.${name} is missing.`;
      drifts.push({ kind: 'log-missing', table: null, message, mend: MIGRATE, effect: 'unseen' });
      continue;
    }
    const wrong = Object.entries(columns).filter(([column, type]) => found.get(column) !== type);
    if (wrong.length === 0) continue;
    const names = wrong.map(([column]) => column).join(', ');
    const message = `The table rivulet.${name} differs from what this version writes: ${names}.`;
    const mend = 'Undo the change, or drop schema rivulet and migrate.';
    drifts.push({ kind: 'log-altered', table: null, message, mend, effect: 'unseen' });
  }
  for (const name of installed.securedLogTables) {
    const message = `Row level security is enabled for rivulet.${name}, so that servers may not see what is logged.`;
    const mend = `Run \`alter table rivulet.${name} disable row level security\`; roles without privileges cannot read it in any case.`;
    drifts.push({
      kind: 'log-altered',
      code: 'TABLE_ROW_SECURITY',
      table: null,
      message,
      mend,
      effect: 'unseen',
    });
  }
  // Functions of a later version may do more.
  if (logVersion === null || logVersion > LOG_VERSION) return drifts;
  for (const [name, { body }] of Object.entries(LOG_FUNCTIONS)) {
    if (installed.logFunctions.get(name)?.bodyMd5 === md5(body)) continue;
    const message = `The function rivulet.${name} is missing, or not the one of this version.`;
    drifts.push({ kind: 'log-missing', table: null, message, mend: MIGRATE, effect: 'unseen' });
  }
  return [...drifts, ...publicDrift(installed)];
}

function publicDrift({ isLogPublic, logFunctions }: InstalledCatalog): WatcherDrift[] {
  const names = [...logFunctions].filter(([, { isPublic }]) => isPublic).map(([name]) => `rivulet.${name}`);
  if (isLogPublic) names.unshift('schema rivulet');
  if (names.length === 0) return [];
  const message = `PUBLIC has privileges on ${names.join(', ')}.`;
  return [{ kind: 'log-public', table: null, message, mend: MIGRATE, effect: 'none' }];
}

function tableDrift(
  table: WatchedTable,
  installed: InstalledCatalog,
  model: Model | undefined,
): WatcherDrift[] {
  const { sqlSchema, sqlName } = table;
  const found = installed.tables.get(tableId(table));
  const described = model?.tables.find((each) => tableId(each) === tableId(table));
  const facts = installed.facts.get(tableId(table));
  const verdicts = facts ? verdictsOf(table, facts) : [];
  if (verdicts.some(({ code }) => PREVENTS_INSTALL.has(code)))
    return verdicts.map((verdict) => ({ ...verdict, table: { sqlSchema, sqlName } }));
  const drifts: TableDrift[] = [...verdicts, ...columnDrifts(table, found, described)];
  if (found) {
    drifts.push(...functionDrift(table, installed));
    for (const trigger of TRIGGERS) {
      const drift = triggerDrift(table, trigger, installed);
      if (drift) drifts.push(drift);
    }
  }
  return drifts.map((drift) => ({ ...drift, table: { sqlSchema, sqlName } }));
}

function functionDrift(table: WatchedTable, installed: InstalledCatalog): readonly TableDrift[] {
  const display = `${table.sqlSchema}.${table.sqlName}`;
  const found = installed.functions.get(functionName(table.sqlSchema, table.sqlName));
  if (!found) {
    const message = `The watcher of ${display} is not installed.`;
    return [{ kind: 'missing', message, mend: GENERATE, effect: 'unseen' }];
  }
  if (isDeclared(found, table)) {
    if (installed.shapes.has(table.shape)) return [];
    const message = `The change log does not know any more what the watcher of ${display} logs.`;
    return [{ kind: 'altered', message, mend: MIGRATE, effect: 'unread' }];
  }
  const shape = found.shape === null ? undefined : installed.shapes.get(found.shape);
  const isLater = installed.logVersion !== null && installed.logVersion > LOG_VERSION;
  if (shape && hasSettings(found) && (found.shape !== table.shape || isLater)) {
    return [otherWatcher(table, shape)];
  }
  const message = `The trigger function of ${display} is not the one declared.`;
  return [{ kind: 'altered', message, mend: GENERATE, effect: 'unseen' }];
}

function isDeclared(found: InstalledFunction, table: WatchedTable): boolean {
  return found.bodyMd5 === md5(functionBody(table)) && hasSettings(found);
}

function hasSettings(found: InstalledFunction): boolean {
  const settings = Object.entries(FUNCTION_SETTINGS).map(([name, value]) => `${name}=${value}`.toLowerCase());
  return (
    found.isSecurityDefiner &&
    !found.isPublic &&
    found.settings.length === settings.length &&
    found.settings.every((setting) => settings.includes(setting.toLowerCase()))
  );
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function triggerDrift(
  table: WatchedTable,
  spec: TriggerSpec,
  installed: InstalledCatalog,
): TableDrift | null {
  const display = `${spec.name} on ${table.sqlSchema}.${table.sqlName}`;
  const found = installed.triggers.find(
    (trigger) =>
      trigger.name === spec.name &&
      trigger.sqlSchema === table.sqlSchema &&
      trigger.sqlName === table.sqlName,
  );
  if (!found)
    return {
      kind: 'missing',
      message: `The trigger ${display} is missing.`,
      mend: MIGRATE,
      effect: 'unseen',
    };
  if (!isAsDeclared(found, spec, functionName(table.sqlSchema, table.sqlName))) {
    return {
      kind: 'altered',
      message: `The trigger ${display} is not the one declared.`,
      mend: MIGRATE,
      effect: 'unseen',
    };
  }
  if (found.enabled !== 'A') {
    const how = found.enabled === 'D' ? 'disabled' : 'not enabled in every session';
    return {
      kind: 'disabled',
      message: `The trigger ${display} is ${how}.`,
      mend: MIGRATE,
      effect: 'unseen',
    };
  }
  return null;
}

/**
 * Bits of `pg_trigger.tgtype`: 1 for each row, 2 before, 4 insert, 8 delete, 16 update, 32
 * truncate, 64 instead.
 */
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

function leftovers(plan: WatchPlan, installed: InstalledCatalog): WatcherDrift[] {
  const { functions, triggers } = leftoversOf(plan, installed);
  return [
    ...triggers.map(({ sqlSchema, sqlName, name }) => ({
      kind: 'leftover' as const,
      table: { sqlSchema, sqlName },
      message: `The trigger ${name} on ${sqlSchema}.${sqlName} belongs to no declared watcher.`,
      mend: PRUNE,
      effect: 'none' as const,
    })),
    ...functions.map((name) => ({
      kind: 'leftover' as const,
      table: null,
      message: `The function rivulet.${name} belongs to no declared watcher.`,
      mend: PRUNE,
      effect: 'none' as const,
    })),
  ];
}

/** Triggers and functions of ours that the plan does not name. */
export function leftoversOf(
  plan: WatchPlan,
  installed: InstalledCatalog,
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
