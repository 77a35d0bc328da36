import { readableTypes } from '../model/type-names.js';
import { quoteIdent, quoteLiteral, quoteName } from '../sql/quote.js';
import { DESCRIBED_SHAPE } from './log-functions.js';
import { DOORBELL_CLASS, DOORBELL_SLOTS, LOG_CHANNEL, LOG_SCHEMA } from './log-table.js';
import { functionName } from './names.js';
import type { WatchedTable } from './types.js';
import { hasVirtual } from './virtual-columns.js';

/**
 * Settings of the trigger functions: nothing of the writer's session decides what is logged, or
 * what a name means. They cost 2 µs of the 25 µs that a logged one-row update takes in the server
 * (bare 6.5 µs; 100,000 rows in one update 0.8 s, bare 0.23 s; 2026-11-23, 2 cores, PostgreSQL
 * 18.4).
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
 * An update is the nth old row joined to the nth new row. PostgreSQL (14 to 18) appends to both
 * transition tables with each row that it updates, and a scan returns what was appended in that
 * order; so a row that one statement changes several times (its foreign keys react to one delete)
 * is logged once for each version. Where the key changed, nothing joins, and the row is logged as a
 * DELETE and an INSERT. Where a trigger suppressed the second half of a move between partitions,
 * there are fewer new rows than old ones, and rows of different keys, or versions of one row, stand
 * beside each other. That is logged without loss, too: each old and each new row is logged exactly
 * once, and the reader needs no more to find a row's first and last version (`log/order.ts`). An
 * update that changes no logged column (or none of `onlyColumns`) is not logged.
 *
 * The numbers cost a one-row update 3 of 56 µs of the server's processor time, and 100,000 rows in
 * one update nothing that could be measured (1.1 s; 2026-11-30, 2 busy cores, PostgreSQL 18.4,
 * `cpu` of the server's process, medians of 5 runs by turns).
 *
 * The image is logged as declared only while the table is called as declared and has the declared
 * columns, of types whose text reads the same. Where that is not so, the image describes itself
 * (`rivulet.describing`): a migration that came before its watchers fails no write, loses nothing,
 * and nobody takes one column's text for another's. A column that is gone does not fail the
 * statement, because a variable of the same name, of a type that no column has, then stands for it.
 * The types are compared for each row: no cost could be measured (2026-11-23, one-row updates and
 * 50,000 rows in one). A self-describing image costs a statement some 0.2 ms.
 *
 * Of a MERGE into a partitioned table, PostgreSQL (15 to 18) does not show the triggers everything:
 * a row that moves to another partition counts as deleted and inserted, and is shown only where the
 * statement has such actions, too; and a row that is updated after another was inserted is shown as
 * that one. The second shows in a key that changed. Where either may be so (`rivulet.merge_said`),
 * the table is logged as one that changed without being logged.
 *
 * A trigger of the user's that fires after TRUNCATE, and before these triggers, may have written
 * rows already, which were logged before the TRUNCATE. PostgreSQL gives an emptied table a new,
 * empty file; where it has something in it by now, the table is logged as one that changed without
 * being logged.
 *
 * A table with VIRTUAL columns always has images that describe themselves, computed with the
 * expressions that the catalog has (`virtual-columns.ts`). If an expression fails for a row that
 * was written, the table is logged as one that changed without being logged.
 *
 * A statement that names a partition itself, and not the partitioned table, does not fire these
 * triggers and is not logged.
 *
 * It notifies only where a reader is asleep (`feed/doorbell.ts`): NOTIFY lets transactions commit
 * only one after the other. 8 clients with one-row updates, durable: 12,000 a second, 4,700 when
 * each notifies, 15,000 with no watcher; the four locks cost some 5 µs of the 105 µs that such a
 * transaction takes the server, eight would cost 20 (2026-11-23, 2 cores, PostgreSQL 18.4, best of
 * 4 runs). `set rivulet.notify = off` in a session leaves out locks and notification, which PREPARE
 * TRANSACTION does not allow; readers then find the change by themselves within their polling
 * interval. Nor is it notified where the cluster's queue of notifications is nearly full (some
 * session listens and does not end its transaction): NOTIFY would then fail, and the write with it.
 * Asking costs 0.1 µs (2026-11-23, PostgreSQL 18.4).
 */
export function functionBody(table: WatchedTable): string {
  const image = `array[${table.columns.map((column) => `${quoteIdent(column)}::text`).join(', ')}]::text[]`;
  const types = `array[${table.columns.map((column, at) => actualType(column, table.types[at] ?? null)).join(', ')}]::regtype[]`;
  const keys = table.key.map((_, i) => `k${i}`);
  const side = (alias: string, from: string): string =>
    `(select row_number() over () as nth, ${image} as image, ${types} as types, ${table.key
      .map((column, i) => `(${quoteIdent(column)}::text) collate "C" as ${keys[i]}`)
      .join(', ')} from ${from} as rivulet_row) as ${alias}`;
  const isSameRow = ['nth', ...keys].map((column) => `o.${column} = n.${column}`).join(' and ');
  const insert = (columns: string): string =>
    `insert into rivulet.change (xid, shape, op, ${columns}logged_at, mutation_id)\n      select pg_current_xact_id(), ${table.shape}`;
  const readable = `array[${table.types.map((type) => (type === null ? 'null' : quoteLiteral(readableTypes(type).join('\n')))).join(', ')}]::text[]`;
  const fits = (from: string): string =>
    `(select rivulet.fits(${types}, watcher.declared, ${readable}) from ${from} as rivulet_row limit 1)`;
  const isVirtual = hasVirtual(table);
  const misfits = (from: string): string =>
    `exists (select from ${from}) and (${isVirtual}
        or not (select ${types} = watcher.declared from ${from} as rivulet_row limit 1) and not ${fits(from)})`;
  return `
#variable_conflict use_column
<<watcher>>
declare
  moment timestamptz := clock_timestamp();
  mutation text := nullif(current_setting('rivulet.mutation_id', true), '');
  op text := tg_op;
  is_other boolean := tg_table_name <> ${quoteLiteral(table.sqlName)} or tg_table_schema <> ${quoteLiteral(table.sqlSchema)};
  logged bigint := 0;
  context text;
  merge text;
  is_lossy boolean := false;
  statement text;
  declared regtype[] := array[${table.types.map(declaredType).join(', ')}]::regtype[];
begin
  if op = 'UPDATE' then
    if pg_partition_root(tg_relid) is not null then
      get diagnostics context = pg_context;
      merge := rivulet.merge_said(context);
      is_lossy := coalesce(merge = 'some', false);
    end if;
  elsif op = 'TRUNCATE' then
    is_lossy := pg_relation_size(tg_relid) > 0 or exists (select from pg_partition_tree(tg_relid) p where pg_relation_size(p.relid) > 0);
  end if;
  if not is_other then
    declare
${table.columns.map((column) => `      ${quoteIdent(column)} aclitem;`).join('\n')}
    begin
    if watcher.op = 'INSERT' then
      ${insert('new, ')}, 'I', ${image}, watcher.moment, watcher.mutation
      from rivulet_new as rivulet_row
      where not ${isVirtual} and (${types} = watcher.declared or ${fits('rivulet_new')});
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := ${misfits('rivulet_new')};
      end if;
    elsif watcher.op = 'DELETE' then
      ${insert('old, ')}, 'D', ${image}, watcher.moment, watcher.mutation
      from rivulet_old as rivulet_row
      where not ${isVirtual} and (${types} = watcher.declared or ${fits('rivulet_old')});
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := ${misfits('rivulet_old')};
      end if;
    elsif watcher.op = 'UPDATE' then
      ${insert('old, new, ')},
        case when o.image is null then 'I' when n.image is null then 'D' else 'U' end::"char",
        o.image, n.image, watcher.moment, watcher.mutation
      from ${side('o', 'rivulet_old')}
      full join ${side('n', 'rivulet_new')}
        on ${isSameRow}
      where not ${isVirtual} and (${changedCondition(table)})
        and (coalesce(o.types, n.types) = watcher.declared or ${fits('rivulet_new')});
      get diagnostics watcher.logged = row_count;
      if watcher.logged = 0 then
        watcher.is_other := ${misfits('rivulet_new')};
      end if;
      if watcher.merge = 'all' and not watcher.is_other then
        watcher.is_lossy := exists (select from ${side('o', 'rivulet_old')} full join ${side('n', 'rivulet_new')}
          on ${isSameRow} where o.nth is null or n.nth is null);
      end if;
    else
      ${insert('')}, 'T', watcher.moment, watcher.mutation;
      watcher.logged := 1;
    end if;
    end;
  end if;
  if is_other then
    begin
      statement := rivulet.virtual_probe(tg_relid, op);
      if statement is not null then
        execute statement;
      end if;
      statement := rivulet.describing(tg_relid, op, ${textArray(table.key)});
    exception when others then
      statement := format('insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), ${DESCRIBED_SHAPE}, ''X'', array[%L, %L], $1)',
        tg_table_schema, tg_table_name);
    end;
    execute statement using moment, mutation;
    get diagnostics logged = row_count;
    is_lossy := is_lossy or merge is not null;
  end if;
  if is_lossy then
    insert into rivulet.change (xid, shape, op, new, logged_at) values (pg_current_xact_id(), ${DESCRIBED_SHAPE}, 'X',
      array[${quoteLiteral(table.sqlSchema)}, ${quoteLiteral(table.sqlName)}], moment);
    logged := logged + 1;
  end if;
  if logged > 0 then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    if current_setting('rivulet.notify', true) is distinct from 'off'
      and not (${nobodyAsleep()})
      and pg_notification_queue_usage() < 0.75 then
      perform pg_notify('${LOG_CHANNEL}', '');
    end if;
  end if;
  return null;
end
`;
}

/** The type that a column has now; NULL where any will do, unless the column is gone. */
function actualType(column: string, declared: string | null): string {
  const actual = `pg_typeof(${quoteIdent(column)})`;
  return declared === null ? `case ${actual} when 'aclitem'::regtype then 'aclitem'::regtype end` : actual;
}

/** Postgres's own types are always there; others can be renamed or dropped. */
function declaredType(type: string | null): string {
  if (type === null) return 'null';
  return type.startsWith('"') ? `to_regtype(${quoteLiteral(type)})` : `${quoteLiteral(type)}::regtype`;
}

/** True when no reader is asleep, and none can fall asleep before this transaction has ended. */
function nobodyAsleep(): string {
  const slots = Array.from({ length: DOORBELL_SLOTS }, (_, i) => i + 1);
  return slots.map((slot) => `pg_try_advisory_xact_lock_shared(${DOORBELL_CLASS}, ${slot})`).join(' and ');
}

function changedCondition(table: WatchedTable): string {
  if (table.onlyColumns === null) return `o.image is distinct from n.image collate "C"`;
  const places = table.onlyColumns.map((column) => table.columns.indexOf(column) + 1);
  const changed = places.map((place) => `o.image[${place}] is distinct from n.image[${place}] collate "C"`);
  return ['o.image is null', 'n.image is null', ...changed].join(' or ');
}

/**
 * Function and triggers of one table; can be run any number of times. Locks the table against
 * writes meanwhile.
 */
export function tableSql(table: WatchedTable): string {
  const on = quoteName(table.sqlSchema, table.sqlName);
  const place = `${quoteLiteral(table.sqlSchema)}, ${quoteLiteral(table.sqlName)}`;
  const name = `${quoteName(LOG_SCHEMA, functionName(table.sqlSchema, table.sqlName))}()`;
  const body = functionBody(table);
  const tag = dollarTag(body);
  const settings = Object.entries(FUNCTION_SETTINGS).map(
    ([setting, value]) => `  set ${setting} = ${setting === 'search_path' ? value : quoteLiteral(value)}`,
  );
  const parts = [
    `lock table ${on} in share row exclusive mode;`,
    `select rivulet.note_break(${place});`,
    `insert into rivulet.shape (id, sql_schema, sql_name, columns, types, key, only_columns) values (${table.shape}, ${place}, ${textArray(
      table.columns,
    )}, ${textArray(table.types)}, ${textArray(table.key)}, ${
      table.onlyColumns === null ? 'null' : textArray(table.onlyColumns)
    }) on conflict do nothing;`,
    `create or replace function ${name} returns trigger language plpgsql security definer\n${settings.join('\n')}\nas ${tag}${body}${tag};`,
    `revoke all on function ${name} from public;`,
    ...TRIGGERS.map((trigger) => triggerSql(trigger, on, name)),
    `select rivulet.note_watched(${place}, ${textArray(table.columns)});`,
  ];
  return `${parts.join('\n')}\n`;
}

/**
 * Fires always: also where a session sets `session_replication_role = replica` to get round foreign
 * keys.
 */
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

function textArray(items: readonly (string | null)[]): string {
  return `array[${items.map((item) => (item === null ? 'null' : quoteLiteral(item))).join(', ')}]::text[]`;
}
