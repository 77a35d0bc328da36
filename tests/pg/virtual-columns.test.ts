import { defineRelations, sql } from 'drizzle-orm';
import { integer, numeric, pgTable, text } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRivulet, defineConfig, watchers } from '../../src/index.js';
import type { LoggedTransaction } from '../../src/log/types.js';
import { readModel } from '../../src/model/read.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { install } from '../../src/watch/install.js';
import type { WatcherList } from '../../src/watch/watchers.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { waitFor } from '../support/wait-for.js';
import { type Watched, watch } from '../support/watched.js';

const database = await createDatabase();
const [[version]] = (await database.query(`select current_setting('server_version_num')`)) as [[string]];
const isKnown = Number(version) >= 180_000;
if (!isKnown) console.log(`left out: PostgreSQL ${version} has no VIRTUAL columns`);

const lines = pgTable('lines', {
  id: integer().primaryKey(),
  price: integer(),
  amount: integer(),
  name: text(),
  total: integer().generatedAlwaysAs(sql`price * amount`),
  share: numeric({ precision: 6, scale: 1 }).generatedAlwaysAs(sql`price / 3.0`),
  label: text().generatedAlwaysAs(sql`upper(name)`),
});
const others = pgTable('others', { id: integer().primaryKey() });
const relations = defineRelations({ lines });
const COLUMNS = 'id, price, amount, name, total, share, label';
const CREATE = `create table lines (id int primary key, price int, amount int, name text,
  total int generated always as (price * amount) virtual,
  share numeric(6, 1) generated always as (price / 3.0) virtual,
  label text generated always as (upper(name)))`;

const STORED = CREATE.replaceAll(/ virtual|(?<=\))(?=\)$)/g, ' stored');

let watched: Watched;
async function begin(create = CREATE): Promise<void> {
  await database.script(
    'drop schema public cascade; create schema public; drop schema if exists rivulet cascade',
  );
  await database.script(create);
  watched = await watch(database, relations);
}
afterEach(() => watched.stop());

const select = (table = 'lines') =>
  database.query(
    `select ${COLUMNS.split(', ')
      .map((name) => `${name}::text`)
      .join(', ')} from ${table} order by id`,
  );

describe.runIf(isKnown)('a table with VIRTUAL columns', () => {
  beforeEach(() => begin());

  test('is logged with the values that a query has', async () => {
    await database.script(`insert into lines (id, price, amount, name) values (1, 2, 3, 'a'), (2, null, 1, null);
      update lines set price = 5; update lines set id = 7 where id = 2; delete from lines where id = 1`);
    const one = ['1', '2', '3', 'a', '6', '0.7', 'A'];
    const two = ['2', null, '1', null, null, null, null];
    const changed = ['1', '5', '3', 'a', '15', '1.7', 'A'];
    const alsoChanged = ['2', '5', '1', null, '5', '1.7', null];
    expect(await watched.takeChanges()).toEqual(
      expect.arrayContaining([
        ['INSERT', 'lines', null, one],
        ['INSERT', 'lines', null, two],
        ['UPDATE', 'lines', one, changed],
        ['UPDATE', 'lines', two, alsoChanged],
        ['DELETE', 'lines', alsoChanged, null],
        ['INSERT', 'lines', null, alsoChanged.with(0, '7')],
        ['DELETE', 'lines', changed, null],
      ]),
    );
  });

  test('an update that changes no column is not logged, and TRUNCATE is', async () => {
    await database.script(`insert into lines (id, price) values (1, 2)`);
    await watched.take();
    await database.script(`update lines set price = 2; update lines set id = 1 where false; truncate lines`);
    expect((await watched.takeChanges()).map(([op]) => op)).toEqual(['TRUNCATE']);
  });

  test('an expression that fails for a row fails no write: the table is logged as changed', async () => {
    await database.script(
      'alter table lines drop total; alter table lines add total int generated always as (price / amount)',
    );
    await database.script(`insert into lines (id, price, amount) values (1, 2, 0), (2, 4, 2)`);
    await expect(select()).rejects.toMatchObject({ code: '22012' });
    const [{ changes, unreadable }] = (await watched.take()) as [LoggedTransaction];
    expect(changes).toEqual([]);
    expect([...unreadable.values()]).toEqual([expect.stringContaining('lines may have changed')]);
    await database.script(`delete from lines where id = 1`);
    await watched.take();
    await database.script(`update lines set price = 8`);
    expect(await watched.takeChanges()).toMatchObject([['UPDATE', 'lines', { 4: '2' }, { 4: '4' }]]);
  });

  test('an expression that is altered is taken at once', async () => {
    await database.script(`insert into lines (id, price, amount) values (1, 2, 3)`);
    await database.script('alter table lines alter total set expression as (price + amount)');
    await database.script(`update lines set amount = 4`);
    expect(await watched.takeChanges()).toMatchObject([
      ['INSERT', 'lines', null, { 4: '6' }],
      ['UPDATE', 'lines', { 4: '5' }, { 4: '6' }],
    ]);
  });
});

test.runIf(isKnown)(
  'labels count changes of VIRTUAL columns, and carry them for a table without a schema',
  async () => {
    await begin();
    const plain = { sqlName: 'lines', columns: ['total'], key: ['id'] };
    const told = async (of: WatcherList, name: string, isDescribed: boolean) => {
      const served = defineConfig({
        relations: (isDescribed ? relations : defineRelations({ others })) as typeof relations,
        policies: isDescribed ? { lines: { read: () => true } } : {},
        watchers: of,
      });
      await database.script('truncate lines');
      await install(database.db, watchPlanOf(served, readModel(served.relations)));
      const rivulet = await createRivulet(served, {
        environment: {},
        databaseUrl: database.url,
        logger: pino({ level: 'silent' }),
        pollMs: 20,
      });
      const stream = rivulet.changes(name as never) as AsyncIterableIterator<{
        changes: { kind: string; node: Record<string, unknown> | null }[];
      }>;
      const first = stream.next();
      await waitFor('it is followed', async () =>
        (await rivulet.subscriptions()).some(({ state }) => state === 'live'),
      );
      await database.script(`insert into lines (id, price, amount) values (1, 2, 3)`);
      const nodes = [(await first).value.changes[0]!.node];
      // Of these the first changes no total.
      await database.script(`update lines set name = 'n'`);
      await database.script(`update lines set amount = 5`);
      nodes.push((await stream.next()).value.changes[0]!.node);
      await stream.return?.();
      await rivulet.stop();
      return nodes;
    };
    expect(
      await told(watchers(lines, { label: 'totals', columns: ['total'] }), 'totals', true),
    ).toMatchObject([
      { total: 6, share: '0.7' },
      { total: 10, name: 'n' },
    ]);
    expect(
      await told(
        watchers(plain, { label: 'plain', columns: ['total'], extraColumns: ['share'] }),
        'plain',
        false,
      ),
    ).toMatchObject([
      { total: 6, share: '0.7' },
      { total: 10, share: '0.7' },
    ]);
  },
);

describe.runIf(isKnown)('columns that become VIRTUAL by hand', () => {
  const plain = STORED;
  const alter = `alter table lines drop total, drop share, drop label;
    alter table lines add total int generated always as (price * amount), add share numeric(6, 1) generated always as (price / 3.0),
      add label text generated always as (upper(name))`;

  test('fail no write of a session that wrote before, and are logged with their values', async () => {
    await begin(plain);
    const session = database.connect({ max: 1 });
    // As often as it takes for the plans of the trigger to be kept.
    for (let id = 1; id < 10; id++)
      await session.script(
        `insert into lines (id, price, amount, name) values (${id}, ${id}, 2, 'n'); update lines set price = 3`,
      );
    await watched.take();
    await database.script(alter);
    await session.script(`insert into lines (id, price, amount, name) values (20, 4, 2, 'n')`);
    await session.script(`update lines set price = 6 where id = 20; delete from lines where id = 1`);
    const last = ['20', '6', '2', 'n', '12', '2.0', 'N'];
    expect(await watched.takeChanges()).toEqual([
      ['INSERT', 'lines', null, ['20', '4', '2', 'n', '8', '1.3', 'N']],
      ['UPDATE', 'lines', ['20', '4', '2', 'n', '8', '1.3', 'N'], last],
      ['DELETE', 'lines', ['1', '3', '2', 'n', '6', '1.0', 'N'], null],
    ]);
  });

  test.each(['repeatable read', 'serializable'])(
    'under a snapshot from before, %s, fail no write either, then or later',
    async (isolation) => {
      await begin(plain);
      const session = database.connect({ max: 1 });
      await session.script(`begin isolation level ${isolation}; select 1`);
      await database.script(alter);
      await session.script(`insert into lines (id, price, amount) values (1, 2, 3); commit`);
      const [{ unreadable }] = (await watched.take()) as [LoggedTransaction];
      expect([...unreadable.values()]).toEqual([expect.stringContaining('lines may have changed')]);
      await session.script(`insert into lines (id, price, amount) values (2, 2, 3)`);
      expect(await watched.takeChanges()).toMatchObject([['INSERT', 'lines', null, { 4: '6' }]]);
    },
  );

  test.each([
    'alter table lines drop name',
    'alter table lines rename name to title',
    'alter table lines alter id type bigint',
  ])('nor does %s fail one under a snapshot from before', async (statement) => {
    await begin(plain.replace('upper(name)', `'x'`));
    const session = database.connect({ max: 1 });
    await session.script(`begin isolation level repeatable read; select 1`);
    await database.script(statement);
    await session.script(`insert into lines (id, price, amount) values (1, 2, 3); commit`);
    expect((await watched.take()).flatMap(({ unreadable }) => [...unreadable.values()])).toHaveLength(1);
  });
});

test('statements do not ask for VIRTUAL columns again once the plans of the trigger are kept', async () => {
  await begin(STORED);
  const session = database.connect({ max: 1 });
  const asked = async () =>
    (
      await session.query({
        text: `select coalesce(sum(calls), 0)::text from pg_stat_xact_user_functions where schemaname = 'rivulet' and funcname = 'has_virtual'`,
        params: [],
      })
    )[0]![0];
  const writes = (from: number, to: number) => `do $$ begin for i in ${from}..${to} loop
    insert into lines (id, price) values (i, i); update lines set price = 0 where id = i; update lines set price = 0; delete from lines where id = i;
    end loop; end $$`;
  await session.script(`set track_functions = 'all'; begin; ${writes(1, 20)}`);
  const before = await asked();
  expect(Number(before)).toBeGreaterThan(0);
  await session.script(writes(21, 60));
  expect(await asked()).toBe(before);
  await session.script('rollback');
});

/** Expressions over `price`, `amount`, `name` and `day` that PostgreSQL allows in VIRTUAL columns, with the types of the columns. */
const expression = fc.constantFrom<readonly [type: string, expression: string]>(
  ['int', 'price * 2'],
  ['bigint', 'price::bigint * amount'],
  ['numeric(7, 2)', 'price / 7.0'],
  ['float8', 'price / 3.0'],
  ['real', '(price / 3.0)::float8'],
  ['boolean', 'price > amount'],
  ['boolean', 'name is null'],
  ['text', `coalesce(name, '') || '"' || price`],
  ['varchar(40)', 'upper(name)'],
  ['char(40)', 'lower(name)'],
  ['int', `case when name like 'a%' then 1 else length(name) end`],
  ['int[]', 'array[price, amount]'],
  ['jsonb', `('[' || coalesce(price, 0) || ']')::jsonb`],
  ['date', 'day + price'],
  ['int', `extract(year from day)::int`],
  ['interval', `make_interval(days => amount)`],
  ['text', 'name collate "C"'],
  ['text', `(case name when 'a' then null else name end)`],
);
const value = fc.option(fc.integer({ min: -50, max: 50 }));
const name = fc.option(fc.constantFrom('a', 'abc', 'Ä"\\', '', 'NULL', "it's"));
const literal = (of: string | number | null) =>
  of === null ? 'null' : typeof of === 'number' ? String(of) : `'${of.replaceAll("'", "''")}'`;
const id = fc.integer({ min: 1, max: 6 });
const statement = fc.oneof(
  fc.tuple(id, value, value, name).map(
    ([key, price, amount, of]) =>
      `insert into things (id, price, amount, name, day) values (${key}, ${literal(price)}, ${literal(amount)}, ${literal(of)}, '2026-01-02')
          on conflict (id) do update set price = excluded.price, name = excluded.name`,
  ),
  fc.tuple(id, value).map(([key, price]) => `update things set price = ${literal(price)} where id >= ${key}`),
  fc
    .tuple(id, name)
    .map(([key, of]) => `update things set name = ${literal(of)}, day = day + 1 where id <> ${key}`),
  fc
    .tuple(id, id)
    .map(
      ([from, to]) =>
        `update things set id = ${to} where id = ${from} and not exists (select from things where id = ${to})`,
    ),
  id.map((key) => `delete from things where id = ${key}`),
);

test.runIf(isKnown)(
  'VIRTUAL columns of any type are logged as SELECT reads them',
  async () => {
    await begin();
    await fc.assert(
      fc.asyncProperty(
        fc.array(expression, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.array(statement, { minLength: 1, maxLength: 12 }),
        async (expressions, isPartitioned, statements) => {
          const made = expressions.map(([type, as], at) => `"v % ${at}" ${type} generated always as (${as})`);
          await database.script(`drop table if exists things cascade; drop schema if exists rivulet cascade`);
          await database.script(
            `create table things (id int primary key, price int, amount int, name text, day date, ${made.join(', ')}) ${isPartitioned ? 'partition by hash (id)' : ''}`,
          );
          if (isPartitioned) {
            await database.script(`create table things0 partition of things for values with (modulus 2, remainder 0);
            create table things1 partition of things for values with (modulus 2, remainder 1)`);
          }
          await watched.stop();
          watched = await watch(database, relations, [
            {
              table: {
                sqlName: 'things',
                columns: ['price', 'amount', 'name', 'day', ...expressions.map((_, at) => `v % ${at}`)],
                key: ['id'],
              },
            },
          ]);
          const rows = new Map<string, readonly (string | null)[]>();
          for (const each of statements) {
            await database.script(each);
            const logged = await database.query(
              `select old::text, new::text from rivulet.change order by seq`,
            );
            await database.script('delete from rivulet.change');
            for (const [old] of logged)
              if (old !== null) rows.delete(JSON.stringify(valuesOf(parse(old!)).slice(0, 1)));
            for (const [, next] of logged)
              if (next !== null)
                rows.set(JSON.stringify(valuesOf(parse(next!)).slice(0, 1)), valuesOf(parse(next!)));
            const found = await database.query(
              `select array[id::text, price::text, amount::text, name, day::text, ${expressions.map((_, at) => `"v % ${at}"::text`).join(', ')}]::text from things order by id`,
            );
            expect([...rows.values()].toSorted((a, b) => Number(a[0]) - Number(b[0]))).toEqual(
              found.map(([row]) => parse(row!)),
            );
          }
        },
      ),
      propertyOptions(25),
    );
  },
  120_000,
);

/** The items of a one-dimensional array's text. */
function parse(array: string): (string | null)[] {
  return [...array.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,"]+)/gs)].map(([, quoted, bare]) =>
    quoted !== undefined ? quoted.replaceAll(/\\(.)/gs, '$1') : bare === 'NULL' ? null : bare!,
  );
}

/** The values of an image that describes itself. */
function valuesOf(image: readonly (string | null)[]): (string | null)[] {
  return image.slice(2).filter((_, at) => at % 3 === 2);
}
