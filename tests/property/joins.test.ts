import { defineRelations } from 'drizzle-orm';
import {
  char,
  customType,
  date,
  doublePrecision,
  inet,
  integer,
  interval,
  numeric,
  type PgColumnBuilder,
  pgTable,
  real,
  text,
  time,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVERYTHING } from '../../shared/filter/normalize.js';
import type { ModelTable } from '../../shared/model/types.js';
import { readModel } from '../../src/model/read.js';
import { runSelect } from '../../src/query/select.js';
import type { ChangeSpec, RelatedSpec } from '../../src/scope/messages/types.js';
import { quoteLiteral } from '../../src/sql/quote.js';
import { fillColumnFacts } from '../../src/watch/column-facts.js';
import { createDatabase } from '../support/database.js';
import { startEngine } from '../support/engine.js';
import { foldTree, GraphMirror, nestedPlan } from '../support/graph-mirror.js';
import { propertyOptions } from '../support/property.js';
import { watchAll } from '../support/watch-all.js';

/** The law of joins: whatever the type of the columns, rows and links that a subscriber folds together are those of a nested query. */
const of = (sqlType: string) => customType<{ data: string }>({ dataType: () => sqlType });

interface Join {
  readonly types: readonly [string, string];
  readonly columns: readonly [() => PgColumnBuilder, () => PgColumnBuilder];
  readonly left: readonly string[];
  readonly right?: readonly string[];
}

const same = (type: string, column: () => PgColumnBuilder, ...values: string[]): Join => ({
  types: [type, type],
  columns: [column, column],
  left: values,
});

const JOINS: Readonly<Record<string, Join>> = {
  citext: same('citext', of('citext'), 'ada', 'Ada', 'ADA', 'bob', 'BOB'),
  domain: same('mail', of('mail'), 'ada@x', 'Ada@X', 'bob'),
  exact: same('numeric', numeric, '1', '1.0', '1.00', '-0', '0', '0.0', 'NaN', '100', '1e2'),
  single: same('real', real, '0', '-0', '0.1', 'NaN', 'Infinity'),
  double: same('float8', doublePrecision, '0', '-0', '1', '1e0', 'NaN'),
  padded: same('char(4)', () => char({ length: 4 }), 'a', 'a ', 'a  ', 'b', ''),
  span: same('interval', interval, '1 mon', '30 days', '720:00:00', '1 day', '24:00:00'),
  zoned: same('timetz', () => time({ withTimezone: true }), '12:00+00', '14:00+02', '12:00+00:00'),
  address: same('inet', inet, '10.0.0.1', '10.0.0.1/32', '10.0.0.1/8', '::1', '::1/128'),
  range: same(
    'int4range',
    of('int4range'),
    '[1,3)',
    '[1,2]',
    '(0,3)',
    'empty',
    '[5,4)'.replace('[5,4)', '(5,5)'),
  ),
  document: same('jsonb', of('jsonb'), '{"a":1}', '{"a":1.0}', '{"b":2,"a":1}', '{"a":1,"b":2}', 'null'),
  bits: same('varbit', of('varbit'), '1', '01', '10', '1'),
  money: same('money', of('money'), '1', '1.00', '2'),
  folded: same('text collate folded', text, 'ada', 'Ada', 'ADA', 'bob'),
  ulid: same('varchar(9)', of('varchar(9)'), 'a', 'A', 'a '),
  whole: {
    types: ['int', 'numeric'],
    columns: [integer, numeric],
    left: ['1', '2', '-3'],
    right: ['1', '1.0', '2.5', '-3.00', '99999999999', 'NaN'],
  },
  big: {
    types: ['smallint', 'float8'],
    columns: [of('smallint'), doublePrecision],
    left: ['1', '2'],
    right: ['1', '1.5', '2e0', '-0'],
  },
  day: {
    types: ['date', 'timestamp'],
    columns: [date, timestamp],
    left: ['2026-01-01', '2026-01-02', 'infinity'],
    right: ['2026-01-01 00:00', '2026-01-02 12:00', 'infinity'],
  },
  text: {
    types: ['char(3)', 'varchar'],
    columns: [() => char({ length: 3 }), varchar],
    left: ['a', 'b '],
    right: ['a', 'a ', 'b', 'b  '],
  },
};

const names = Object.keys(JOINS);
const tables = Object.fromEntries(
  names.flatMap((name) => {
    const [left, right] = JOINS[name]!.columns;
    const id = () => text().primaryKey();
    return [
      [`${name}A`, pgTable(`${name}_a`, { id: id(), v: left() as never })],
      [`${name}B`, pgTable(`${name}_b`, { id: id(), v: right() as never })],
      [`${name}J`, pgTable(`${name}_j`, { id: id(), l: left() as never, r: right() as never })],
    ];
  }),
);
// biome-ignore lint/suspicious/noExplicitAny: the tables are made in a loop
const relations = (defineRelations as any)(tables, (r: any) =>
  Object.fromEntries(
    names.map((name) => {
      const [a, b, j] = [`${name}A`, `${name}B`, `${name}J`];
      return [
        a,
        {
          direct: r.many[b]({ from: r[a].v, to: r[b].v }),
          far: r.many[b]({ from: r[a].v.through(r[j].l), to: r[b].v.through(r[j].r) }),
        },
      ];
    }),
  ),
);
const model = readModel(relations);
const setup = names.map((name) => {
  const [left, right] = JOINS[name]!.types;
  return `create table ${name}_a (id text primary key, v ${left}); create table ${name}_b (id text primary key, v ${right});
    create table ${name}_j (id text primary key, l ${left}, r ${right});`;
});
const database = await createDatabase({
  setup: `create extension citext; create domain mail as citext;
    create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false); ${setup.join('')}`,
});
await watchAll(database, model);
await fillColumnFacts(database.db, model);
const { scopes, retry, failures, quiet } = await startEngine(database, model, {
  patienceMs: 5,
  fewestReached: 1,
});

function specOf(table: ModelTable): ChangeSpec {
  const graph = table.relations.map(
    (relation): RelatedSpec => ({
      responseKey: relation.name,
      relation,
      filter: EVERYTHING,
      rights: null,
      via: EVERYTHING,
      onSource: null,
      hidden: new Set(),
      related: [],
      graph: [],
    }),
  );
  return {
    table,
    filter: EVERYTHING,
    rights: null,
    ops: null,
    columns: null,
    hidden: new Set(),
    related: [],
    graph,
  };
}

/** One write: a row of one of the tables gets values, or goes. */
const write = fc.record({
  table: fc.constantFrom('a', 'b', 'j'),
  id: fc.constantFrom('1', '2', '3'),
  left: fc.nat(),
  right: fc.nat(),
  kind: fc.constantFrom('put', 'put', 'put', 'null', 'drop'),
});

function sqlOf(
  name: string,
  { table, id, left, right, kind }: typeof write extends fc.Arbitrary<infer T> ? T : never,
) {
  const { left: lefts, right: rights = lefts } = JOINS[name]!;
  const pick = (values: readonly string[], at: number) =>
    kind === 'null' ? 'null' : quoteLiteral(values[at % values.length]!);
  const target = `${name}_${table}`;
  if (kind === 'drop') return `delete from ${target} where id = '${id}'`;
  const values =
    table === 'a'
      ? { v: pick(lefts, left) }
      : table === 'b'
        ? { v: pick(rights, left) }
        : { l: pick(lefts, left), r: pick(rights, right) };
  const columns = Object.keys(values);
  return `insert into ${target} (id, ${columns.join()}) values ('${id}', ${Object.values(values).join()})
    on conflict (id) do update set ${columns.map((column) => `${column} = excluded.${column}`).join()}`;
}

test(`links over ${names.join(', ')} are those that PostgreSQL finds`, { timeout: 240_000 }, async () => {
  const read = (spec: ChangeSpec) =>
    retry(async () => foldTree(spec, (await runSelect(database.db, model, nestedPlan(model, spec))).rows));
  const mirrors = new Map<string, GraphMirror>();
  for (const name of names) {
    const spec = specOf(model.table(`${name}A`));
    mirrors.set(name, new GraphMirror(scopes, spec, await read(spec)));
  }
  await quiet();
  const transactions = fc.array(fc.array(write, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  });
  const property = fc.asyncProperty(transactions, async (work) => {
    for (const writes of work) {
      await database.script(names.flatMap((name) => writes.map((each) => sqlOf(name, each))).join(';'));
    }
    await quiet();
    await new Promise((resolve) => setImmediate(resolve));
    for (const [name, mirror] of mirrors) {
      expect([name, mirror.error]).toEqual([name, null]);
      expect([name, mirror.state]).toEqual([name, await read(mirror.spec)]);
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...propertyOptions(40), endOnFailure: true });
  for (const [name, mirror] of mirrors) expect([name, mirror.links > 0]).toEqual([name, true]);
  for (const mirror of mirrors.values()) await mirror.stop();
});
