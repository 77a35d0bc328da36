import { defineRelations, sql } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { readModel } from '../../src/model/read.js';
import { defineConfig, type RivuletConfig } from '../../src/server/engine/config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import type { TestDatabase } from './database.js';

/** An application for statements on many rows: a table, one that refers to it, and one of partitions. `v` counts writes. */
const accounts = pgTable('accounts', {
  id: integer().primaryKey(),
  v: integer().notNull(),
  name: text(),
  shout: text().generatedAlwaysAs(sql`upper(name)`),
});
const entries = pgTable('entries', {
  id: integer().primaryKey(),
  v: integer().notNull(),
  accountId: integer('account_id'),
});
const parts = pgTable('parts', { id: integer().primaryKey(), v: integer().notNull() });
const relations = defineRelations({ accounts, entries, parts }, (r) => ({
  accounts: { entries: r.many.entries() },
  entries: { account: r.one.accounts({ from: r.entries.accountId, to: r.accounts.id }) },
}));

const everybody = { read: () => true };
export const bulkConfig = defineConfig({
  relations,
  policies: { accounts: everybody, entries: everybody, parts: everybody },
}) as RivuletConfig;
export const bulkPlan = watchPlanOf(bulkConfig, readModel(relations));

export const ENTRIES = `create table entries (id int primary key, v int not null,
  account_id int references accounts on delete cascade on update cascade);`;

/** `rows` accounts with two entries each, and as many rows in each of two partitions: ids from 1 and from 1,501. */
export const bulkSetup = (rows: number) => `
  create table accounts (id int primary key, v int not null, name text, shout text generated always as (upper(name)) stored);
  ${ENTRIES}
  create table parts (id int primary key, v int not null) partition by range (id);
  create table low partition of parts for values from (minvalue) to (1000);
  create table high partition of parts for values from (1000) to (maxvalue);
  ${watchSql(bulkPlan)};
  insert into accounts select i, 0, 'a' || i from generate_series(1, ${rows}) i;
  insert into entries select i, 0, (i + 1) / 2 from generate_series(1, ${2 * rows}) i;
  insert into parts select i, 0 from generate_series(1, ${rows}) i;
  insert into parts select 1500 + i, 0 from generate_series(1, ${rows}) i;`;

export type BulkTable = 'accounts' | 'entries' | 'parts';

/** What a subscriber follows, in GraphQL and as SQL says it. */
export interface BulkScope {
  readonly table: BulkTable;
  readonly where: string;
  readonly sql: string;
  /** The tables that decide what is in it. */
  readonly tables: readonly BulkTable[];
}

export const BULK_SCOPES: readonly BulkScope[] = [
  { table: 'accounts', where: '{}', sql: 'true', tables: ['accounts'] },
  { table: 'accounts', where: '{ v: { gte: 0 } }', sql: 't.v >= 0', tables: ['accounts'] },
  { table: 'entries', where: '{}', sql: 'true', tables: ['entries'] },
  {
    table: 'entries',
    where: '{ account: { name: { like: "a%" } } }',
    sql: `exists (select from accounts a where a.id = t.account_id and a.name like 'a%')`,
    tables: ['entries', 'accounts'],
  },
  { table: 'parts', where: '{}', sql: 'true', tables: ['parts'] },
];

/** What is selected of each table, with SQL's names of it. */
export const BULK_FIELDS: Readonly<Record<BulkTable, Readonly<Record<string, string>>>> = {
  accounts: { id: 'id', v: 'v', name: 'name', shout: 'shout' },
  entries: { id: 'id', v: 'v', accountId: 'account_id' },
  parts: { id: 'id', v: 'v' },
};

/** Rows in one line each, by their keys. */
export type BulkRows = ReadonlyMap<string, string>;

/** As `BulkKeeper` keeps them. */
export async function selectBulk(database: TestDatabase, scope: BulkScope): Promise<BulkRows> {
  const columns = Object.values(BULK_FIELDS[scope.table]).map((column) => `t.${column}::text`);
  const rows = await database.query(`select ${columns.join()} from ${scope.table} t where ${scope.sql}`);
  return new Map(rows.map((row) => [row[0]!, row.map(String).join('|')]));
}

/** In an order of their own, to be compared. */
export function sorted(rows: BulkRows): readonly string[] {
  return [...rows.values()].sort();
}
