import {
  bigint,
  boolean,
  bytea,
  char,
  cidr,
  customType,
  date,
  doublePrecision,
  inet,
  integer,
  interval,
  json,
  jsonb,
  line,
  macaddr,
  macaddr8,
  numeric,
  type PgColumnBuilder,
  pgEnum,
  point,
  real,
  smallint,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';

/** A type, and values of it that something is likely to get wrong, as PostgreSQL reads them. */
export interface AwkwardType {
  readonly sqlType: string;
  readonly column: () => PgColumnBuilder;
  readonly values: readonly string[];
}

const of = (sqlType: string) => customType<{ data: string }>({ dataType: () => sqlType });
const custom = (sqlType: string, ...values: string[]): AwkwardType => ({
  sqlType,
  column: of(sqlType),
  values,
});
const type = (sqlType: string, column: () => PgColumnBuilder, ...values: string[]): AwkwardType => ({
  sqlType,
  column,
  values,
});

export const oddLabels = [
  'plain',
  'two words',
  '2nd',
  '',
  'true',
  'null',
  '__proto__',
  'naïve "quoted"',
  '{}',
  'a,b',
  '\\',
];
const odd = pgEnum('odd', oddLabels as [string, ...string[]]);

const texts = [
  '',
  ' ',
  'a\u0000b'.replace('\u0000', '\u0001'),
  '\uffff',
  '😀',
  'e\u0301',
  '__proto__',
  'NULL',
  '{"a"}',
  "it's",
  '\\',
  '\r\n',
  'x'.repeat(5_000),
];
const documents = [
  'null',
  'true',
  '""',
  '"null"',
  '[]',
  '{}',
  '{"__proto__":1,"constructor":{"a":null}}',
  '{"b":1,"a":2}',
  '[null,[null]]',
  '-0',
  '0.1',
  '1e3',
  '9007199254740991',
  '"\\ud83d\\ude00"',
  `${'['.repeat(60)}${']'.repeat(60)}`,
];

export const AWKWARD: Readonly<Record<string, AwkwardType>> = {
  int2: type('smallint', smallint, '-32768', '32767', '0'),
  int4: type('integer', integer, '-2147483648', '2147483647', '-1'),
  int8: type(
    'bigint',
    () => bigint({ mode: 'bigint' }),
    '-9223372036854775808',
    '9223372036854775807',
    '9007199254740993',
  ),
  exact: type(
    'numeric',
    numeric,
    '0',
    '-0.00',
    '1.10',
    '1e-30',
    'NaN',
    'Infinity',
    '-Infinity',
    `${'9'.repeat(200)}.${'1'.repeat(60)}`,
  ),
  rounded: type('numeric(6,2)', () => numeric({ precision: 6, scale: 2 }), '1', '1.005', '-9999.99', 'NaN'),
  single: type('real', real, '0', '-0', '0.1', '1e-45', '3.4028235e38', 'NaN', 'Infinity', '-Infinity'),
  double: type(
    'double precision',
    doublePrecision,
    '0',
    '-0',
    '0.1',
    '5e-324',
    '1.7976931348623157e308',
    '1e21',
    'NaN',
    '-Infinity',
  ),
  flag: type('boolean', boolean, 'true', 'false'),
  words: type('text', text, ...texts),
  short: type('varchar(9)', () => varchar({ length: 9 }), '', 'a ', '😀', 'null'),
  padded: type('char(5)', () => char({ length: 5 }), '', 'a', ' a', 'abcde', '😀'),
  unique: type('uuid', uuid, '00000000-0000-0000-0000-000000000000', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'),
  day: type(
    'date',
    date,
    '2024-02-29',
    '0044-03-15 BC',
    '0001-01-01',
    '5874897-12-31',
    'infinity',
    '-infinity',
  ),
  clock: type('time', time, '00:00', '24:00:00', '23:59:59.999999'),
  zoned: type(
    'timetz',
    () => time({ withTimezone: true }),
    '12:00:00+05:30',
    '24:00:00-15:59',
    '00:00:00.5+00',
  ),
  local: type(
    'timestamp',
    timestamp,
    '2026-01-02 03:04:05.000001',
    '0044-03-15 12:00 BC',
    '294276-12-31 23:59:59.999999',
    '12026-01-01',
    'infinity',
    '-infinity',
  ),
  instant: type(
    'timestamptz',
    () => timestamp({ withTimezone: true }),
    '2026-01-02 03:04:05.1+02',
    '0001-01-01 00:00+00',
    '4714-11-24 00:00+00 BC',
    '99999-01-01 00:00+00',
    'infinity',
    '-infinity',
  ),
  span: type(
    'interval',
    interval,
    '1 year -2 mons +3 days -04:05:06.789',
    '0',
    '-1 days +24:00',
    '00:00:00.000001',
    '178000000 years',
    '2 weeks',
  ),
  doc: type('json', json, ...documents, '{"a":1,"a":2}', '{ "b" : 1 }', '1e400', '12345678901234567890'),
  binaryDoc: type('jsonb', jsonb, ...documents, '1.10', '12345678901234567890', '1e400'),
  bytes: type('bytea', bytea, '', '\\x00', '\\xdeadbeef', `\\x${'ff'.repeat(3_000)}`),
  address: type('inet', inet, '10.0.0.1', '10.0.0.1/8', '::1', '::ffff:1.2.3.4', '2001:db8::/32'),
  network: type('cidr', cidr, '10.0.0.0/8', '::/0', '10.1.2.3/32'),
  mac: type('macaddr', macaddr, '08-00-2B-01-02-03'),
  mac8: type('macaddr8', macaddr8, '08:00:2b:01:02:03', 'ff:ff:ff:ff:ff:ff:ff:ff'),
  place: type('point', () => point({ mode: 'xy' }), '(0,-0)', '(1e-300,NaN)', '(Infinity,-1.5)'),
  slope: type('line', () => line({ mode: 'abc' }), '{1,-2.5,3}'),
  odd: type('odd', odd, ...oddLabels),
  mail: custom('citext', 'Ada@X', '', 'ß'),
  positive: custom('posint', '1', '2147483647'),
  folded: custom('mailbox', 'A@b', 'a@B'),
  pair: custom('pair', '(1,x)', '(,"a ""b"" (c), d")', '(,)'),
  bits: custom('bit(4)', '0000', '1010'),
  varying: custom('varbit', '', '1', '01'),
  money: custom('money', '1', '-92233720368547758.08', '0.5'),
  range: custom('int4range', 'empty', '[1,3)', '(,)', '(,5]'),
  times: custom('tsrange', '[2026-01-01,infinity)', '(,)', 'empty'),
  several: custom('int4multirange', '{}', '{[1,2),[5,)}'),
  segment: custom('lseg', '[(0,0),(1,1)]'),
  box: custom('box', '(1,1),(0,0)', '(2,3),(-1,-2)'),
  path: custom('path', '[(0,0),(1,1)]', '((0,0),(1,1))'),
  polygon: custom('polygon', '((0,0),(1,1),(1,0))'),
  circle: custom('circle', '<(0,0),2>'),
  vector: custom('tsvector', '', "'a':1A 'b''c':2", 'the fat cat'),
  search: custom('tsquery', "'a' & !'b'"),
  position: custom('pg_lsn', '0/0', 'FFFFFFFF/FFFFFFFF'),
  markup: custom('xml', '<a b="c">&lt;</a>', 'text', ''),
  pathOfJson: custom('jsonpath', '$.a[*] ? (@ > 1)'),
};

/** What the types above need. */
export const awkwardSetup = `create extension citext; create domain posint as int check (value > 0); create domain mailbox as citext;
  create type pair as (a int, b text);
  create type odd as enum (${oddLabels.map((label) => `'${label.replaceAll("'", "''")}'`).join(', ')});`;

/**
 * Values that GraphQL shows, but that are others for PostgreSQL after what was shown is written back; each with its reason. What is shown
 * is the same again, of all values of all types.
 */
export const NOT_WRITTEN_BACK: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  single: { '-0': 'JSON has no negative zero; PostgreSQL finds both zeros equal' },
  double: { '-0': 'JSON has no negative zero; PostgreSQL finds both zeros equal' },
  place: { '(0,-0)': 'JSON has no negative zero; PostgreSQL finds both zeros equal' },
  doc: {
    null: 'in a column that can be NULL, null is NULL; a column that is NOT NULL gets JSON’s null back',
    '-0': 'JavaScript writes negative zero as 0',
    '1e3': 'the number is the same, its spelling is JavaScript’s',
    '"\\ud83d\\ude00"': 'the text is the same, its escapes are not kept',
    '{"a":1,"a":2}': 'of a name that stands twice the last counts',
    '{ "b" : 1 }': 'blanks are not kept',
    '1e400': 'a number that a double cannot hold is shown as a string',
    '12345678901234567890': 'a number that a double cannot hold is shown as a string',
  },
  binaryDoc: {
    null: 'in a column that can be NULL, null is NULL; a column that is NOT NULL gets JSON’s null back',
    '1.10': 'the number is the same, its spelling is JavaScript’s',
    '1e400': 'a number that a double cannot hold is shown as a string',
    '12345678901234567890': 'a number that a double cannot hold is shown as a string',
  },
};
