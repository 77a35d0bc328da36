import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  date,
  foreignKey,
  integer,
  numeric,
  pgSchema,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

/**
 * A second application, unlike the example: two Postgres schemas with a table of one name, names that must be quoted, keys of several columns,
 * of text, of UUIDs and past 2^53, and labels of enums that are no GraphQL names.
 */
export const headquarters = pgSchema('Head "Quarters"');
export const archive = pgSchema('archive');

export const orderState = headquarters.enum('order state', ['in progress', '2nd try', 'true', '', 'done']);

export const groups = headquarters.table('group', {
  code: text('the "Key": %').primaryKey(),
  title: text('order').notNull(),
});

/** Who sees which group: the membership rows that the policies go through. */
export const grants = pgTable(
  'grant',
  {
    groupCode: text('table')
      .notNull()
      .references(() => groups.code, { onDelete: 'cascade' }),
    userId: uuid('user').notNull(),
  },
  (table) => [primaryKey({ columns: [table.groupCode, table.userId] })],
);

export const users = headquarters.table('User', {
  id: uuid().primaryKey(),
  name: text('Full Name').notNull(),
  /** Hidden from those without clearance. */
  email: text('E-mail'),
  /** Hidden from everybody. */
  password: text().notNull().default('hush'),
});

/** Users to users. */
export const friendships = pgTable(
  'friend"ship',
  {
    one: uuid('from').notNull(),
    other: uuid('to').notNull(),
  },
  (table) => [primaryKey({ columns: [table.one, table.other] })],
);

/** A tree whose keys are paths with `:` and `%`. */
export const folders = headquarters.table(
  'tree',
  {
    path: text('Path').primaryKey(),
    parentPath: text('Parent Path'),
    groupCode: text('group')
      .notNull()
      .references(() => groups.code, { onDelete: 'cascade' }),
    title: text().notNull(),
  },
  (table) => [foreignKey({ columns: [table.parentPath], foreignColumns: [table.path] }).onDelete('cascade')],
);

export const orders = headquarters.table(
  'Order',
  {
    // Not the order of the key.
    number: bigint('No.', { mode: 'bigint' }).notNull(),
    groupCode: text('Group')
      .notNull()
      .references(() => groups.code, { onDelete: 'cascade' }),
    state: orderState('State').notNull().default('in progress'),
    buyerId: uuid('Buyer').references(() => users.id),
    sellerId: uuid('Seller').references(() => users.id),
    note: text('select').notNull().default(''),
    /** Hidden from those without clearance. */
    cost: numeric('cost price', { precision: 10, scale: 2 }),
  },
  (table) => [primaryKey({ columns: [table.groupCode, table.number] })],
);

export const oldOrders = archive.table('Order', {
  number: bigint({ mode: 'bigint' }).primaryKey(),
  note: text().notNull(),
});

/** Orders to products, with columns of its own. */
export const lines = archive.table(
  'line',
  {
    groupCode: text('Group').notNull(),
    number: bigint('No.', { mode: 'bigint' }).notNull(),
    position: smallint().notNull(),
    productId: bigint('product', { mode: 'bigint' }).notNull(),
    quantity: integer().notNull().default(1),
  },
  (table) => [
    primaryKey({ columns: [table.groupCode, table.number, table.position] }),
    foreignKey({
      columns: [table.groupCode, table.number],
      foreignColumns: [orders.groupCode, orders.number],
    }).onDelete('cascade'),
  ],
);

/** A key of which one value has many texts. */
export const taxes = pgTable('taxes', { rate: numeric().primaryKey(), name: text().notNull() });

export const products = pgTable('products', {
  id: bigint('ID', { mode: 'bigint' }).primaryKey(),
  name: text().notNull(),
  withdrawn: boolean().notNull().default(false),
  taxRate: numeric('tax'),
});

/** No policy names it. */
export const audits = pgTable('audits', {
  id: integer().primaryKey(),
  userId: uuid().references(() => users.id),
  what: text().notNull(),
});

const reversed = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => [...value].reverse().join(''),
  fromDriver: (value) => [...value].reverse().join(''),
});

/** The kinds and modes of column that `everything` has not. */
export const oddities = pgTable('oddities', {
  id: bigint({ mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  safe: bigint({ mode: 'number' }),
  amount: numeric({ precision: 12, scale: 2, mode: 'number' }),
  day: date({ mode: 'date' }),
  instantText: timestamp({ withTimezone: true, mode: 'string' }),
  custom: reversed(),
  version: customType<{ data: string }>({ dataType: () => 'pg_lsn' })(),
  doubled: bigint({ mode: 'bigint' }).generatedAlwaysAs(sql`safe * 2`),
  states: orderState().array(),
});

export const secondDdl = `
  create schema "Head ""Quarters""";
  create schema archive;
  create type "Head ""Quarters"""."order state" as enum ('in progress', '2nd try', 'true', '', 'done');
  create table "Head ""Quarters"""."group" ("the ""Key"": %" text primary key, "order" text not null);
  create table "grant" (
    "table" text not null references "Head ""Quarters"""."group" on delete cascade,
    "user" uuid not null, primary key ("table", "user"));
  create table "Head ""Quarters"""."User" (
    id uuid primary key, "Full Name" text not null, "E-mail" text, password text not null default 'hush');
  create table "friend""ship" ("from" uuid not null, "to" uuid not null, primary key ("from", "to"));
  create table "Head ""Quarters""".tree (
    "Path" text primary key, "Parent Path" text references "Head ""Quarters""".tree on delete cascade,
    "group" text not null references "Head ""Quarters"""."group" on delete cascade, title text not null);
  create table "Head ""Quarters"""."Order" (
    "No." bigint not null, "Group" text not null references "Head ""Quarters"""."group" on delete cascade,
    "State" "Head ""Quarters"""."order state" not null default 'in progress',
    "Buyer" uuid references "Head ""Quarters"""."User", "Seller" uuid references "Head ""Quarters"""."User",
    "select" text not null default '', "cost price" numeric(10, 2), primary key ("Group", "No."));
  create table archive."Order" (number bigint primary key, note text not null);
  create table archive.line (
    "Group" text not null, "No." bigint not null, position smallint not null, product bigint not null,
    quantity integer not null default 1, primary key ("Group", "No.", position),
    foreign key ("Group", "No.") references "Head ""Quarters"""."Order" on delete cascade);
  create table products ("ID" bigint primary key, name text not null, withdrawn boolean not null default false, tax numeric);
  create table taxes (rate numeric primary key, name text not null);
  create table audits (id integer primary key, "userId" uuid references "Head ""Quarters"""."User", what text not null);
  create table oddities (
    id bigint primary key generated always as identity (start 9007199254740993), safe bigint, amount numeric(12, 2), day date,
    "instantText" timestamptz, custom text, version pg_lsn, doubled bigint generated always as (safe * 2) stored,
    states "Head ""Quarters"""."order state"[]);`;
