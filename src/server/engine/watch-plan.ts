import { RivuletError } from '../../../shared/errors.js';
import type { Model } from '../../../shared/model/types.js';
import type { Database } from '../../database/types.js';
import { exposureOf } from '../../policy/schema-exposure.js';
import type { SchemaCheck } from '../../scope/views/table-guard.js';
import { defaultWatchers } from '../../watch/default-watchers.js';
import { inspect } from '../../watch/inspect.js';
import { planWatchers } from '../../watch/plan.js';
import type { SchemaWatch } from '../../watch/schema-watch.js';
import type { WatchPlan } from '../../watch/types.js';
import type { RivuletConfig } from './config.js';
import type { ServerLogger } from './logger.js';

/** Differences that a message names; `rivulet doctor` names them all. */
const SHOWN_DRIFTS = 5;

/**
 * The tables to watch: those that the configuration declares, or every table with a policy and the
 * tables that its relations reach. All changes of every table in the relations config are logged,
 * whatever columns labels name: policies, filters, live queries and server code may depend on any
 * column.
 */
export function watchPlanOf(config: RivuletConfig, model: Model): WatchPlan {
  const exposure = exposureOf(model, config.policies);
  const defaults = defaultWatchers(model, exposure.has);
  return planWatchers(model, config.watchers ?? defaults, { defaults, isFull: () => true });
}

/** True if changes of a table (by its name in the model) are in the plan. */
export function isWatchedBy(plan: WatchPlan, model: Model): (table: string) => boolean {
  const watched = new Set(plan.tables.map(({ sqlSchema, sqlName }) => JSON.stringify([sqlSchema, sqlName])));
  return (name) => {
    const { sqlSchema, sqlName } = model.table(name);
    return watched.has(JSON.stringify([sqlSchema, sqlName]));
  };
}

/** The names in the model of tables in the database. */
export function modelNamesOf(
  model: Model,
  tables: readonly { readonly sqlSchema: string; readonly sqlName: string }[],
): ReadonlySet<string> {
  const ids = new Set(tables.map(({ sqlSchema, sqlName }) => JSON.stringify([sqlSchema, sqlName])));
  const found = model.tables.filter(({ sqlSchema, sqlName }) =>
    ids.has(JSON.stringify([sqlSchema, sqlName])),
  );
  return new Set(found.map(({ name }) => name));
}

/** The check that runs before a subscription follows a table. */
export function schemaCheckOf(watch: SchemaWatch, model: Model): SchemaCheck {
  return {
    refusal: (name) => {
      const drift = watch.refusal(model.table(name));
      return drift && new RivuletError('TABLE_DRIFTED', `Changes of ${name} cannot be followed at present`);
    },
    recheck: () => watch.check(),
  };
}

/**
 * Rejects with the code of the verdict where a watched table cannot be served right, and with
 * `WATCHERS_DRIFTED` where a change of a watched table could go unnoticed, or could not be read.
 * Other differences are only logged: what earlier watchers left behind, or those of a newer schema
 * whose deploy is under way.
 */
export async function assertWatched(
  database: Database,
  plan: WatchPlan,
  model: Model,
  logger: ServerLogger,
): Promise<void> {
  const drifts = await inspect(database, plan, model);
  const harmful = drifts.filter(({ effect }) => effect !== 'none');
  if (harmful.length === 0) {
    // The schema watch logs notes about tables, which it finds next.
    for (const { message, mend, kind } of drifts) if (kind !== 'noted') logger.warn({ mend }, message);
    return;
  }
  const refused = harmful.filter(({ code }) => code !== undefined);
  if (refused[0]?.code !== undefined) {
    const messages = refused.map(({ message, mend }) => `${message} ${mend}`);
    throw new RivuletError(refused[0].code, messages.join(' '), { drifts: harmful.length });
  }
  const shown = harmful.slice(0, SHOWN_DRIFTS).map((drift) => drift.message);
  if (harmful.length > SHOWN_DRIFTS) shown.push(`And ${harmful.length - SHOWN_DRIFTS} more.`);
  throw new RivuletError('WATCHERS_DRIFTED', shown.join(' '), { drifts: harmful.length });
}

/**
 * The secret of the database's change log, for cursors if no other secret is shared. It stays when
 * the log is renewed.
 */
export async function changeLogSecret(database: Database): Promise<string> {
  const [row] = await database.query({ text: 'select secret::text from rivulet.log', params: [] });
  if (row === undefined) throw new RivuletError('WATCH_LOG_MISSING', 'the change log has no secret');
  return row[0]!;
}
