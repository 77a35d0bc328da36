import { defineRelations } from 'drizzle-orm';
import {
  bigint,
  boolean,
  bytea,
  char,
  cidr,
  date,
  doublePrecision,
  inet,
  integer,
  interval,
  json,
  jsonb,
  macaddr,
  macaddr8,
  numeric,
  pgEnum,
  pgTable,
  point,
  real,
  smallint,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import type { ColumnType } from '../../shared/model/types.js';
import { readModel } from '../../src/model/read.js';

export const mood = pgEnum('mood', ['sad', 'ok', 'very "happy", really', '{}', 'NULL']);

/** One column of every kind. */
export const everything = pgTable('everything', {
  id: integer().primaryKey(),
  int16: smallint(),
  int32: integer(),
  int64: bigint({ mode: 'bigint' }),
  exact: numeric(),
  single: real(),
  double: doublePrecision(),
  flag: boolean(),
  words: text(),
  short: varchar({ length: 40 }),
  padded: char({ length: 6 }),
  uuid: uuid(),
  day: date(),
  clock: time(),
  zonedClock: time({ withTimezone: true }),
  local: timestamp(),
  instant: timestamp({ withTimezone: true }),
  span: interval(),
  doc: json(),
  binaryDoc: jsonb(),
  bytes: bytea(),
  mood: mood(),
  address: inet(),
  network: cidr(),
  mac: macaddr(),
  mac8: macaddr8(),
  place: point({ mode: 'xy' }),
  ints: integer().array(),
  texts: text().array(),
  numerics: numeric().array(),
  moods: mood().array(),
  instants: timestamp({ withTimezone: true }).array(),
  doubles: doublePrecision().array(),
  chars: char({ length: 3 }).array(),
  flags: boolean().array(),
  addresses: inet().array(),
  blobs: bytea().array(),
  docs: jsonb().array(),
  matrix: integer().array('[][]'),
});

const relations = defineRelations({ everything });
export const model = readModel(relations);
export const table = model.table('everything');

export const ddl = `
  create type mood as enum ('sad', 'ok', 'very "happy", really', '{}', 'NULL');
  create table everything (
    id integer primary key, int16 smallint, int32 integer, int64 bigint, exact numeric, single real,
    double double precision, flag boolean, words text, short varchar(40), padded char(6), uuid uuid, day date,
    clock time, "zonedClock" timetz, local timestamp, instant timestamptz, span interval, doc json,
    "binaryDoc" jsonb, bytes bytea, mood mood, address inet, network cidr, mac macaddr, mac8 macaddr8, place point,
    ints integer[], texts text[], numerics numeric[], moods mood[], instants timestamptz[], doubles double precision[],
    chars char(3)[], flags boolean[], addresses inet[], blobs bytea[], docs jsonb[], matrix integer[][]
  );`;

const letters = fc.constantFrom(
  'a',
  'b',
  'A',
  ' ',
  '%',
  '_',
  '\\',
  '"',
  "'",
  ',',
  '{',
  'é',
  '日',
  '😀',
  '\n',
  'ß',
);
const words = (maxLength: number) => fc.string({ unit: letters, maxLength });

const floats = fc.oneof(
  fc.constantFrom<unknown>(0, -0, 0.1, 1, -1.5, 16777217, 'NaN', 'Infinity', '-Infinity', 1e20, -1e-20),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);

const decimals = fc.oneof(
  fc.constantFrom(
    '1.0',
    '1.00',
    '1',
    '0',
    '-0.0',
    '+1',
    '10',
    '1e1',
    '-2.50',
    '.5',
    '5.',
    'NaN',
    'Infinity',
    '-Infinity',
  ),
  fc.constantFrom(
    '123456789012345678901234567890.123',
    '123456789012345678901234567890.1230',
    '1e-25',
    '-99999999999999999999',
  ),
  fc
    .tuple(fc.integer({ min: -999, max: 999 }), fc.integer({ min: 0, max: 4 }))
    .map(([n, scale]) => `${n}e-${scale}`),
);

const clocks = fc.constantFrom(
  '00:00',
  '12:30:00',
  '12:30:00.000001',
  '12:30:00.5',
  '23:59:59.999999',
  '24:00:00',
  '14:30:00',
  '10:00:00',
);
const offsets = fc.constantFrom('+00', 'Z', '+02', '-02:30', '+15:59:59', '-08');
const days = fc.oneof(
  fc.constantFrom(
    '2026-01-01',
    '2026-01-02',
    '2024-02-29',
    '2000-02-29',
    '0044-03-15 BC',
    '0001-12-31 BC',
    '0001-01-01',
    'infinity',
    '-infinity',
  ),
  fc.constantFrom('4714-11-24 BC', '12026-07-01', '1969-12-31', '1970-01-01'),
);
const stamps = (zone: boolean) =>
  fc.oneof(
    fc.constantFrom(
      'infinity',
      '-infinity',
      '4714-11-24 00:00:00 BC',
      '294276-12-31 23:59:59.999999',
      '1969-12-31 23:59:59.999999',
    ),
    fc.constantFrom(
      '2026-01-01',
      '2026-01-01T12:00:00.123456',
      '2026-01-01 12:00:00.1234',
      '2026-01-01T12:00Z',
      '2026-01-01T12:00:00.12Z',
    ),
    ...(zone
      ? [
          fc.constantFrom(
            '2026-01-01T13:00:00.123456+01:00',
            '2026-01-01 06:30:00.1234-0530',
            '2026-01-01T14:00+02',
          ),
        ]
      : []),
    fc.date({ noInvalidDate: true, min: new Date('-004000-01-01'), max: new Date('+012000-01-01') }),
  );

const spans = fc.oneof(
  fc
    .constantFrom(
      '1 mon',
      '30 days',
      '720:00:00',
      '1 day',
      '24:00:00',
      '-1 day +24:00:00',
      'P1Y2M3DT4H5M6.5S',
      '0',
      'infinity',
      '-infinity',
    )
    .filter((span) => span !== '0'),
  fc.constantFrom(
    '00:00:00',
    '1 year -2 mons +3 days -04:05:06.789',
    'PT-0.000001S',
    'P-1Y',
    '2 weeks',
    '-2147483647 days',
    '-1 mon +2 days',
    '1 mon -2 days +00:00:01',
  ),
);

const docs = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    1,
    'x',
    [],
    {},
    { a: 1 },
    { a: 1, b: [true, null, '"'] },
    12345678901234567890n,
  ),
  fc
    .jsonValue({ maxDepth: 2, stringUnit: 'grapheme-ascii' })
    .filter((value) => !JSON.stringify(value).includes('\\u0000')),
);

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 3 }),
  fc.constantFrom('', 'AA==', '3q2+7w==', '\\xdeadbeef'),
);

const networks = {
  inet: fc.constantFrom(
    '10.1.2.3',
    '10.1.2.3/32',
    '10.1.2.3/8',
    '10.1.2.4/8',
    '0.0.0.0/0',
    '::',
    '::1',
    '::1/64',
    '::ffff:1.2.3.4',
    '2001:db8::1:0:0:1',
    '1:0:0:2::/64',
    'fe80::',
    '::1:2',
    '1::',
    '0:0:0:1:0:0:0:0',
  ),
  cidr: fc.constantFrom(
    '10.0.0.0/8',
    '10.1.0.0/16',
    '10.1.2.3',
    '::/0',
    '2001:db8::/32',
    '::ffff:0:0/96',
    '0.0.0.0/0',
  ),
  macaddr: fc.constantFrom(
    '08:00:2b:01:02:03',
    '08-00-2B-01-02-03',
    'ff:ff:ff:ff:ff:ff',
    '00:00:00:00:00:00',
  ),
  macaddr8: fc.constantFrom(
    '08:00:2b:01:02:03:04:05',
    '08:00:2b:01:02:03',
    '08:00:2b:ff:fe:01:02:03',
    'ff:ff:ff:ff:ff:ff:ff:ff',
  ),
};

const listOf = (items: fc.Arbitrary<unknown>) => fc.array(fc.option(items, { freq: 6 }), { maxLength: 3 });

/** Values for `encodeValue`, few enough that two of them are often equal, with the awkward ones among them. */
export function valuesOf(type: ColumnType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'int': {
      const limit = 2n ** BigInt(type.bits - 1);
      return fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.constantFrom(limit - 1n, -limit, limit - 2n, '7', '-0'),
      );
    }
    case 'numeric':
      return decimals;
    case 'float':
      return floats;
    case 'bool':
      return fc.boolean();
    case 'text':
      return words(type.variant === 'char' ? 3 : 5);
    case 'uuid':
      return fc.oneof(
        fc.constantFrom('00000000-0000-0000-0000-000000000000', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'),
        fc.uuid(),
      );
    case 'date':
      return days;
    case 'time':
      return type.zone ? fc.tuple(clocks, offsets).map(([clock, offset]) => clock + offset) : clocks;
    case 'timestamp':
      return stamps(type.zone);
    case 'interval':
      return spans;
    case 'json':
      return docs;
    case 'bytea':
      return bytes;
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'inet':
      return networks[type.variant];
    case 'point':
      return fc.record({ x: floats, y: floats });
    case 'array':
      return type.dimensions === 1
        ? listOf(valuesOf(type.of))
        : fc.constantFrom(
            [],
            [
              [1, 2],
              [3, null],
            ],
            [[1], [2]],
            [[1, 2]],
          );
    case 'other':
      return words(5);
  }
}
