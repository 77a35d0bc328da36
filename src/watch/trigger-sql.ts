import { quoteIdent, quoteLiteral, quoteName } from '../sql/quote.js';
import { LOG_CHANNEL, LOG_SCHEMA } from './log-table.js';
import { functionName } from './names.js';
import type { WatchedTable } from './types.js';

/**
 * Settings of the trigger functions: nothing of the writer's session decides what is logged, or what a name means.
 * They cost 2 µs of the 25 µs that a logged one-row update takes in the server (bare 6.5 µs; 100,000 rows in one
 * update 0.8 s, bare 0.23 s; 2026-11-23, 2 cores, PostgreSQL 18.4).
 */
export const FUNCTION_SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog, pg_temp',
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  lc_monetary: 'C',
};

export interface TriggerSpec {
  readonly name: string;
  readonly event: 'insert' | 'update' | 'delete' | 'truncate';
  readonly oldTable: 'rivulet_old' | null;
  readonly newTable: 'rivulet_new' | null;
}

export const TRIGGERS: readonly TriggerSpec[] = [
  { name: 'rivulet_insert', event: 'insert', oldTable: null, newTable: 'rivulet_new' },
  { name: 'rivulet_update', event: 'update', oldTable: 'rivulet_old', newTable: 'rivulet_new' },
  { name: 'rivulet_delete', event: 'delete', oldTable: 'rivulet_old', newTable: null },
  { name: 'rivulet_truncate', event: 'truncate', oldTable: null, newTable: null },
];

/**
 * The body of a table's trigger function.
 *
 * An update is old joined to new on the key's text: where the key changed, nothing joins, and the row is logged as a DELETE
 * and an INSERT. An update that changes no logged column (or none of `onlyColumns`) is not logged.
 * A statement that names a partition itself, and not the partitioned table, does not fire these triggers and is not logged.
 * `set rivulet.notify = off` in a session leaves out the notification, which PREPARE TRANSACTION does not allow; readers
 * then find the change by themselves within their polling interval.
 * Nor is it notified where the cluster's queue of notifications is nearly full (some session listens and does not end its transaction): NOTIFY
 * would then fail, and the write with it. Asking costs 0.1 µs (2026-11-23, PostgreSQL 18.4).
 */
export function functionBody(table: WatchedTable): string {
  const image = (alias: string): string =>
    `array[${table.columns.map((column) => `${alias}.${quoteIdent(column)}::text`).join(', ')}]::text[]`;
  const keys = table.key.map((_, i) => `k${i}`);
  const side = (alias: string, from: string): string =>
    `(select ${image('r')} as image, ${table.key
      .map((column, i) => `(r.${quoteIdent(column)}::text) collate "C" as ${keys[i]}`)
      .join(', ')} from ${from} as r) as ${alias}`;
  const insert = (columns: string): string =>
    `insert into rivulet.change (xid, shape, op, ${columns}logged_at, mutation_id)\n    select pg_current_xact_id(), ${table.shape}`;
  return `
#variable_conflict use_variable
declare
  rivulet_now timestamptz := clock_timestamp();
  rivulet_mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
begin
  if tg_op = 'INSERT' then
    ${insert('new, ')}, 'I', ${image('n')}, rivulet_now, rivulet_mutation
    from rivulet_new as n;
  elsif tg_op = 'DELETE' then
    ${insert('old, ')}, 'D', ${image('o')}, rivulet_now, rivulet_mutation
    from rivulet_old as o;
  elsif tg_op = 'UPDATE' then
    ${insert('old, new, ')},
      case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
      o.image, n.image, rivulet_now, rivulet_mutation
    from ${side('o', 'rivulet_old')}
    full join ${side('n', 'rivulet_new')}
      on ${keys.map((key) => `o.${key} = n.${key}`).join(' and ')}
    where ${changedCondition(table)};
  else
    ${insert('')}, 'T', rivulet_now, rivulet_mutation;
  end if;
  if found then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off' and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('${LOG_CHANNEL}', '');
    end if;
  end if;
  return null;
end
`;
}

function changedCondition(table: WatchedTable): string {
  if (table.onlyColumns === null) return 'o.image is distinct from n.image';
  const places = table.onlyColumns.map((column) => table.columns.indexOf(column) + 1);
  const changed = places.map((place) => `o.image[${place}] is distinct from n.image[${place}]`);
  return ['o.image is null', 'n.image is null', ...changed].join(' or ');
}

/** Function and triggers of one table; can be run any number of times. Locks the table against writes meanwhile. */
export function tableSql(table: WatchedTable): string {
  const on = quoteName(table.sqlSchema, table.sqlName);
  const name = `${quoteName(LOG_SCHEMA, functionName(table.sqlSchema, table.sqlName))}()`;
  const body = functionBody(table);
  const tag = dollarTag(body);
  const settings = Object.entries(FUNCTION_SETTINGS).map(
    ([setting, value]) => `  set ${setting} = ${setting === 'search_path' ? value : quoteLiteral(value)}`,
  );
  const parts = [
    `insert into rivulet.shape (id, sql_schema, sql_name, columns, key) values (${table.shape}, ${quoteLiteral(
      table.sqlSchema,
    )}, ${quoteLiteral(table.sqlName)}, ${textArray(table.columns)}, ${textArray(table.key)}) on conflict do nothing;`,
    `create or replace function ${name} returns trigger language plpgsql security definer\n${settings.join('\n')}\nas ${tag}${body}${tag};`,
    `revoke all on function ${name} from public;`,
    ...TRIGGERS.map((trigger) => triggerSql(trigger, on, name)),
  ];
  return `${parts.join('\n')}\n`;
}

/** Fires always: also where a session sets `session_replication_role = replica` to get round foreign keys. */
function triggerSql(trigger: TriggerSpec, on: string, name: string): string {
  const tables = [
    trigger.oldTable && `old table as ${trigger.oldTable}`,
    trigger.newTable && `new table as ${trigger.newTable}`,
  ].filter(Boolean);
  const referencing = tables.length > 0 ? ` referencing ${tables.join(' ')}` : '';
  return (
    `create or replace trigger ${trigger.name} after ${trigger.event} on ${on}${referencing}` +
    ` for each statement execute function ${name};\n` +
    `alter table ${on} enable always trigger ${trigger.name};`
  );
}

/** A dollar quote that the text does not contain. */
function dollarTag(text: string): string {
  let tag = '$rivulet$';
  for (let i = 1; text.includes(tag); i++) tag = `$rivulet${i}$`;
  return tag;
}

function textArray(items: readonly string[]): string {
  return `array[${items.map(quoteLiteral).join(', ')}]::text[]`;
}
