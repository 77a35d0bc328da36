import { defineRelations } from 'drizzle-orm';
import { bigint, foreignKey, integer, pgSchema, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { definePolicies } from '../../src/policy/rules.js';

/**
 * A schema unlike the example: composite and bigint keys, the same table name in two Postgres schemas, a self-relation,
 * capitals, blanks and quotes in names, and a table that no policy names.
 */
const headquarters = pgSchema('Head "Quarters"');
const archive = pgSchema('archive');

const orders = headquarters.table(
  'Order',
  {
    region: text('Region').notNull(),
    number: bigint('No.', { mode: 'bigint' }).notNull(),
    replacesRegion: text('replaces "Region"'),
    replacesNumber: bigint('replaces No.', { mode: 'bigint' }),
    note: text('select').notNull(),
    secret: text().notNull().default('hush'),
  },
  (table) => [
    primaryKey({ columns: [table.region, table.number] }),
    foreignKey({
      columns: [table.replacesRegion, table.replacesNumber],
      foreignColumns: [table.region, table.number],
    }),
  ],
);

const oldOrders = archive.table('Order', {
  number: bigint({ mode: 'bigint' }).primaryKey(),
  note: text().notNull(),
});

const audits = pgTable('audits', { id: integer().primaryKey(), what: text().notNull() });

export const secondRelations = defineRelations({ orders, oldOrders, audits }, (r) => ({
  orders: {
    replaces: r.one.orders({
      from: [r.orders.replacesRegion, r.orders.replacesNumber],
      to: [r.orders.region, r.orders.number],
      alias: 'replacement',
    }),
    replacedBy: r.many.orders({
      from: [r.orders.region, r.orders.number],
      to: [r.orders.replacesRegion, r.orders.replacesNumber],
      alias: 'replacement',
    }),
  },
}));

export interface SecondContext {
  readonly regions: readonly string[];
}

export const secondPolicies = definePolicies<typeof secondRelations, SecondContext>(secondRelations, {
  orders: {
    read: ({ regions }) => ({ region: { in: regions } }),
    insert: ({ regions }) => ({ region: { in: regions } }),
    update: ({ regions }) => ({ region: { in: regions } }),
    columns: { secret: { read: false, write: false } },
  },
  oldOrders: { read: true },
});

export const secondTables = `
  create schema "Head ""Quarters""";
  create schema archive;
  create table "Head ""Quarters"""."Order" (
    "Region" text not null,
    "No." bigint not null,
    "replaces ""Region""" text,
    "replaces No." bigint,
    "select" text not null,
    secret text not null default 'hush',
    primary key ("Region", "No."),
    foreign key ("replaces ""Region""", "replaces No.") references "Head ""Quarters"""."Order"
  );
  create table archive."Order" (number bigint primary key, note text not null);
  create table public.audits (id integer primary key, what text not null);`;
