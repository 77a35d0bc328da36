import { defineRelations, sql } from 'drizzle-orm';
import {
  bigint,
  char,
  customType,
  date,
  line,
  numeric,
  pgTable,
  point,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import fc from 'fast-check';
import postgres from 'postgres';
import { afterAll, describe, expect, test } from 'vitest';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { drizzleTable } from '../../src/model/drizzle.js';
import { readModel } from '../../src/model/read.js';
import { quoteIdent } from '../../src/sql/quote.js';
import { StatementParams } from '../../src/sql/statement.js';
import { decodeValue, encodeValue, fromDrizzleValue, toDrizzleValue } from '../../src/value/codec.js';
import { ddl, everything, table as everythingTable, valuesOf } from '../property/filter-table.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { equalityFor } from '../support/text-comparison.js';

const reversed = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => [...value].reverse().join(''),
  fromDriver: (value) => [...value].reverse().join(''),
});

const settings = customType<{ data: ReadonlyMap<string, unknown>; driverData: object }>({
  dataType: () => 'jsonb',
  toDriver: (value) => Object.fromEntries(value),
  fromDriver: (value) => new Map(Object.entries(value)),
});

const flag = customType<{ data: 'on' | 'off'; driverData: boolean }>({
  dataType: () => 'boolean',
  toDriver: (value) => value === 'on',
  fromDriver: (value) => (value ? 'on' : 'off'),
});

const cents = customType<{ data: { cents: bigint }; driverData: string }>({
  dataType: () => 'bigint',
  codec: 'bigint:string',
  toDriver: (value) => value.cents.toString(),
  fromDriver: (value) => ({ cents: BigInt(value) }),
});

const modes = pgTable('modes', {
  id: bigint({ mode: 'number' }).primaryKey(),
  safe: bigint({ mode: 'number' }),
  digits: bigint({ mode: 'string' }),
  amount: numeric({ precision: 12, scale: 2, mode: 'number' }),
  whole: numeric({ precision: 20, scale: 0, mode: 'bigint' }),
  day: date({ mode: 'date' }),
  local: timestamp(),
  localText: timestamp({ mode: 'string' }),
  instant: timestamp({ withTimezone: true, precision: 3 }),
  instantText: timestamp({ withTimezone: true, mode: 'string' }),
  code: char({ length: 8 }),
  pair: point(),
  slope: line({ mode: 'abc' }),
  bigs: bigint({ mode: 'bigint' }).array(),
  safes: bigint({ mode: 'number' }).array(),
  days: date({ mode: 'date' }).array(),
  locals: timestamp().array(),
  reversed: reversed(),
  settings: settings(),
  flag: flag(),
  cents: cents(),
  reverses: reversed().array(),
  note: text(),
});

const modesDdl = `create table modes (
  id bigint primary key, safe bigint, digits bigint, amount numeric(12, 2), whole numeric(20, 0), day date, local timestamp,
  "localText" timestamp, instant timestamptz(3), "instantText" timestamptz, code char(8), pair point, slope line, bigs bigint[],
  safes bigint[], days date[], locals timestamp[], reversed text, settings jsonb, flag boolean, cents bigint, reverses text[], note text
);`;

const relations = defineRelations({ everything, modes });
const model = readModel(relations);
const database = await createDatabase({ setup: ddl + modesDdl });
const client = postgres(database.url, { max: 1, connection: { TimeZone: 'UTC' } });
const orm = drizzle({ client, relations });
afterAll(() => client.end());

/** Values that every mode of the column can hold. */
function modeValues(column: ModelColumn): fc.Arbitrary<unknown> {
  const safe = fc.integer({ min: -(2 ** 40), max: 2 ** 40 });
  const cases: Record<string, fc.Arbitrary<unknown>> = {
    id: safe,
    safe,
    safes: fc.array(safe, { maxLength: 3 }),
    amount: fc.constantFrom('1.00', '-0.5', '12.25', 'NaN'),
    whole: safe,
    slope: fc.constantFrom('{1,2,3}', '{-0.5,1e+20,0}'),
    reversed: fc.string({ unit: fc.constantFrom('a', 'b', '"') }),
    reverses: fc.array(fc.string({ unit: fc.constantFrom('a', ',', '"', '\\') }), { maxLength: 3 }),
    settings: fc.constantFrom('{}', '{"a": 1, "b": [true, null]}'),
    flag: fc.boolean(),
    cents: fc.constantFrom('9223372036854775807', '0', '-1'),
  };
  return cases[column.name] ?? valuesOf(column.type);
}

/** One row: the texts of its values, no NULL inside of arrays (there the driver loses it). */
function row(table: ModelTable, values: (column: ModelColumn) => fc.Arbitrary<unknown>) {
  const cells = table.columns.map((column) => {
    const value = values(column).filter((given) => column.type.kind !== 'array' || !holdsNull(given));
    const cell = value.map((given) => encodeValue(column.type, given));
    return column.isKey ? fc.constant('1') : fc.option(cell, { freq: 8 });
  });
  return fc.tuple(...cells);
}

function holdsNull(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.some(holdsNull));
}

/** What Postgres makes of the row, as cells and as Drizzle reads it. */
async function store(table: ModelTable, cells: readonly (string | null)[]) {
  const names = table.columns.map((column) => quoteIdent(column.sqlName));
  const params = new StatementParams();
  const values = table.columns.map((column, index) => params.cast(cells[index]!, column.castType));
  const target = quoteIdent(table.sqlName);
  await database.script(`truncate ${target}`);
  await database.query(
    `insert into ${target} (${names.join(', ')}) values (${values.join(', ')})`,
    ...params.values,
  );
  const [texts] = await database.query(
    `select ${names.map((name) => `${name}::text`).join(', ')} from ${target}`,
  );
  const [object] = (await orm.select().from(drizzleTable(table))) as [Record<string, unknown>];
  return { texts: texts!, object };
}

const IN_OUTPUT_FORM = new Set([
  'int',
  'bool',
  'text',
  'uuid',
  'date',
  'time',
  'timestamp',
  'interval',
  'bytea',
  'enum',
  'inet',
]);

describe('a value on its way through Postgres', () => {
  test('comes back from its text as Drizzle itself gives it, as JSON carries it, and as an equal value', async () => {
    const property = fc.asyncProperty(
      row(everythingTable, (column) => valuesOf(column.type)),
      async (cells) => {
        const { texts, object } = await store(everythingTable, cells);
        for (const column of everythingTable.columns) {
          const given = cells[column.index]!;
          const text = texts[column.index]!;
          expect([column.name, toDrizzleValue(column, text)]).toStrictEqual([
            column.name,
            object[column.name],
          ]);
          if (text === null) continue;
          if (IN_OUTPUT_FORM.has(column.type.kind) && column.name !== 'padded') expect(text).toBe(given);
          const shown = decodeValue(column.type, text);
          expect([column.name, JSON.parse(JSON.stringify(shown))]).toStrictEqual([column.name, shown]);
          const again = encodeValue(column.type, shown);
          const equal = equalityFor(column.type);
          if (equal)
            expect([column.name, text, again, equal(text, again)]).toEqual([column.name, text, again, true]);
        }
      },
    );
    await fc.assert(property, propertyOptions(300));
  }, 120_000);

  test('comes back in every mode that Drizzle has for its column, custom types included', async () => {
    const table = model.table('modes');
    const property = fc.asyncProperty(row(table, modeValues), async (cells) => {
      const { texts, object } = await store(table, cells);
      for (const column of table.columns) {
        expect([column.name, toDrizzleValue(column, texts[column.index]!)]).toStrictEqual([
          column.name,
          object[column.name],
        ]);
      }
    });
    await fc.assert(property, propertyOptions(300));
  }, 120_000);

  test('goes from a value of user code to the text that Drizzle would store', async () => {
    const table = model.table('modes');
    const values: Record<string, unknown> = {
      id: 1,
      safe: 2 ** 52,
      digits: '9223372036854775807',
      amount: 12.5,
      whole: 123456789012345678n,
      day: new Date('2026-01-02T00:00:00Z'),
      local: new Date('2026-01-02T03:04:05.678Z'),
      localText: '2026-01-02 03:04:05.678901',
      instant: new Date('0044-03-15T00:00:00Z'),
      instantText: '2026-01-02T03:04:05.678901Z',
      code: 'abc',
      pair: [1.5, -2],
      slope: { a: 1, b: 2, c: 3 },
      bigs: [1n, -9223372036854775808n],
      safes: [1, 2],
      days: [new Date('2026-01-02T00:00:00Z')],
      locals: [new Date('2026-01-02T03:04:05.678Z')],
      reversed: 'abc',
      settings: new Map<string, unknown>([['a', [1]]]),
      flag: 'on',
      cents: { cents: 5n },
      reverses: ['ab', 'c"d'],
      note: null,
    };
    await database.script('truncate modes');
    await orm.insert(modes).values(values as typeof modes.$inferInsert);
    const names = table.columns.map((column) => `${quoteIdent(column.sqlName)}::text`);
    const [stored] = await database.query(`select ${names.join(', ')} from modes`);
    const { texts } = await store(
      table,
      table.columns.map((column) => fromDrizzleValue(column, values[column.name])),
    );
    expect(texts).toEqual(stored);
  });

  test('an SQL expression has no text of its own', () => {
    expect(() => fromDrizzleValue(model.table('modes').column('note'), sql`now()`)).toThrow(/SQL expression/);
  });

  test('a NULL inside an array is null, where the driver alone would give the text NULL', () => {
    expect(toDrizzleValue(model.table('modes').column('bigs'), '{1,NULL}')).toEqual([1n, null]);
  });
});
