import { defineRelations } from 'drizzle-orm';
import { integer, pgSchema, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLogFeed } from '../../src/feed/log-feed.js';
import type { LoggedChange } from '../../src/log/types.js';
import { readModel } from '../../src/model/read.js';
import { quoteIdent, quoteName } from '../../src/sql/quote.js';
import { inspect } from '../../src/watch/inspect.js';
import { install, prune } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';

const database = await createDatabase();

/** A table with these names: a key of one or two columns, and a text column. */
interface Named {
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly body: string;
}

function modelOf({ schema, table, key, body }: Named) {
  const columns = {
    k0: integer(key[0]!).notNull(),
    ...(key[1] !== undefined && { k1: integer(key[1]).notNull() }),
    body: text(body),
  };
  const build = (schema === 'public' ? pgTable : pgSchema(schema).table) as typeof pgTable;
  const things = build(table, columns, (t) => [
    primaryKey({ columns: [t.k0, ...('k1' in t ? [t.k1 as typeof t.k0] : [])] }),
  ]);
  const relations = defineRelations({ things });
  return readModel(relations);
}

async function create({ schema, table, key, body }: Named): Promise<void> {
  const columns = [...key.map((name) => `${quoteIdent(name)} int`), `${quoteIdent(body)} text`];
  await database.script(`create schema if not exists ${quoteIdent(schema)};
    create table ${quoteName(schema, table)} (${columns.join(', ')}, primary key (${key.map(quoteIdent).join(', ')}))`);
}

/** Installs, writes with every operation, reads the log, finds no drift, prunes, and finds nothing left. */
async function roundTrip(named: Named): Promise<void> {
  await create(named);
  const model = modelOf(named);
  const plan = planWatchers(model, [{ table: 'things' }]);
  await database.script(watchSql(plan));
  expect(await inspect(database.db, plan)).toEqual([]);
  const feed = createLogFeed({ database: database.db, model, listen: false, pollMs: 3_600_000 });
  const changes: LoggedChange[] = [];
  feed.listen((batch) => {
    changes.push(...batch.transactions.flatMap((transaction) => transaction.changes));
  });
  await feed.start();
  const on = quoteName(named.schema, named.table);
  const [key, body] = [quoteIdent(named.key[0]!), quoteIdent(named.body)];
  const rest = named.key.length > 1 ? ([', 5', ['5']] as const) : (['', []] as const);
  await database.script(`insert into ${on} values (1${rest[0]}, 'a'); update ${on} set ${body} = 'b';
    update ${on} set ${key} = 2; delete from ${on}; truncate ${on}`);
  await feed.catchUp();
  await feed.stop();
  const seen = changes.map(({ op, old, new: next }) => [op, old, next] as const);
  const row = (k: string, value: string) => [k, ...rest[1], value];
  const moved = seen.slice(2, 4).toSorted();
  expect([...seen.slice(0, 2), ...moved, ...seen.slice(4)]).toEqual([
    ['INSERT', null, row('1', 'a')],
    ['UPDATE', row('1', 'a'), row('1', 'b')],
    ['DELETE', row('1', 'b'), null],
    ['INSERT', null, row('2', 'b')],
    ['DELETE', row('2', 'b'), null],
    ['TRUNCATE', null, null],
  ]);
  const removed = await prune(database.db, { tables: [], labels: [] });
  expect(removed).toHaveLength(5);
  expect(await inspect(database.db, { tables: [], labels: [] })).toEqual([]);
  await database.script(`drop table ${on}`);
}

const long = (start: string) => start.padEnd(63, 'x');

const HOSTILE = [
  'with space',
  'quo"te',
  `apo'strophe`,
  '$$',
  '$rivulet$',
  '$rivulet1$',
  '\\',
  "\\'; drop schema rivulet cascade; --",
  '"; drop schema rivulet cascade; --',
  'Capitals',
  'select',
  'new',
  'old',
  'n',
  'o',
  'r',
  'k0',
  'image',
  'tg_op',
  'watcher',
  'moment',
  'mutation',
  'op',
  'is_other',
  'logged',
  'declared',
  'types',
  'rivulet_row',
  'rivulet_new',
  'rivulet_old',
  'found',
  'change',
  'user',
  'a.b',
  '%s %I',
  '--',
  '/*',
  '\n',
  '\t',
  '💧'.repeat(15),
  'é'.repeat(31),
  long('a'),
  '1',
  ' ',
  '{}',
  '__proto__',
  'constructor',
];

test.each(HOSTILE)('a schema, table and columns named %j', async (name) => {
  const distinct = name.length > 61 || Buffer.byteLength(name) > 60 ? 'other' : `${name}2`;
  await roundTrip({ schema: name === 'pg_x' ? 'public' : name, table: name, key: [name], body: distinct });
  await roundTrip({ schema: 'public', table: name, key: [distinct, name], body: 'plain' });
});

test('two schemas may have the same table, and names that are the same up to their last byte', async () => {
  const named = [
    { schema: 'one', table: 'same', key: ['id'], body: 'body' },
    { schema: 'two', table: 'same', key: ['id'], body: 'body' },
    { schema: 'one', table: `${long('t').slice(0, 62)}1`, key: ['id'], body: 'body' },
    { schema: 'one', table: `${long('t').slice(0, 62)}2`, key: ['id'], body: 'body' },
  ];
  for (const each of named) await create(each);
  const tables = named.map((each) => ({
    sqlSchema: each.schema,
    sqlName: each.table,
    columns: ['body'],
    key: ['id'],
  }));
  const model = readModel(defineRelationsOfNothing());
  const plan = planWatchers(
    model,
    tables.map((table) => ({ table })),
  );
  await install(database.db, plan);
  expect(await inspect(database.db, plan)).toEqual([]);
  for (const [i, each] of named.entries()) {
    await database.script(`insert into ${quoteName(each.schema, each.table)} values (${i}, 'x')`);
  }
  const logged = await database.query(
    `select s.sql_schema, s.sql_name, c.new::text from rivulet.change c join rivulet.shape s on s.id = c.shape
     where s.sql_schema in ('one', 'two') order by c.seq`,
  );
  expect(logged).toEqual(named.map((each, i) => [each.schema, each.table, `{${i},x}`]));
  await prune(database.db, { tables: [], labels: [] });
});

function defineRelationsOfNothing() {
  const nothing = pgTable('nothing', { id: integer().primaryKey() });
  const relations = defineRelations({ nothing });
  return relations;
}

/** Any name that Postgres takes: 1 to 63 bytes, no NUL, and no schema that begins with `pg_`. */
const anyName = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom('"', "'", '$', '\\', ';', '-', ' ', '%', '.', 'é', '💧', 'a', 'A'),
      minLength: 1,
      maxLength: 30,
    }),
    fc.constantFrom(...HOSTILE),
  )
  .filter(
    (name) =>
      !name.includes('\0') &&
      Buffer.byteLength(name) <= 63 &&
      !name.startsWith('pg_') &&
      Buffer.from(name).toString() === name,
  );

test('any names at all: installed, logged, inspected and removed', async () => {
  const named = fc
    .record({
      schema: anyName,
      table: anyName,
      columns: fc.uniqueArray(anyName, { minLength: 2, maxLength: 3 }),
    })
    .filter(({ columns }) => columns.every((name) => !SYSTEM_COLUMNS.has(name)))
    .map(({ schema, table, columns }) => ({
      schema: schema === 'rivulet' || schema === 'information_schema' ? 'public' : schema,
      table,
      key: columns.slice(1),
      body: columns[0]!,
    }));
  await fc.assert(fc.asyncProperty(named, roundTrip), propertyOptions(100));
}, 120_000);

const SYSTEM_COLUMNS = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);
