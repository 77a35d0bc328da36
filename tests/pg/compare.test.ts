import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatArray } from '../../shared/value/array-literal.js';
import { encodeValue } from '../../shared/value/encode.js';
import { StatementParams } from '../../src/sql/statement.js';
import { ddl, table, valuesOf } from '../property/filter-table.js';
import { createDatabase } from '../support/database.js';
import { comparatorFor, equalityFor } from '../support/text-comparison.js';

const database = await createDatabase({ setup: ddl });
const seed = Number(process.env.RIVULET_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Every pair of texts as Postgres writes them, and -1, 0 or 1 as it compares them. */
async function pairsOf(castType: string, texts: readonly string[]) {
  const params = new StatementParams();
  const source = `unnest(${params.text(formatArray(texts))}::text[])`;
  return database.query(
    `select l.v::text, r.v::text, (case when l.v < r.v then -1 when l.v = r.v then 0 else 1 end)::text
     from (select t::${castType} as v from ${source} t) l, (select t::${castType} as v from ${source} t) r`,
    ...params.values,
  );
}

const compared = table.columns.filter((column) => equalityFor(column.type));

test.each(compared.map((column) => [column.name, column] as const))(
  `%s compares as in Postgres (seed ${seed})`,
  async (_name, { type, castType }) => {
    const values = fc.sample(valuesOf(type), { seed, numRuns: 200 });
    const texts = [...new Set(values.map((value) => encodeValue(type, value)))];
    const comparator = comparatorFor(type);
    const equality = equalityFor(type)!;
    const wrong = (await pairsOf(castType, texts)).filter(([left, right, order]) => {
      if (equality(left!, right!) !== (order === '0')) return true;
      return comparator !== undefined && Math.sign(comparator(left!, right!)) !== Number(order);
    });
    expect(wrong).toEqual([]);
  },
);

test('text has equality but no order, and json, points and custom types have neither', () => {
  expect(comparatorFor({ kind: 'text', variant: 'text' })).toBeUndefined();
  expect(equalityFor({ kind: 'text', variant: 'text' })).toBeDefined();
  expect(equalityFor({ kind: 'json', binary: true })).toBeUndefined();
  expect(equalityFor({ kind: 'point' })).toBeUndefined();
  expect(equalityFor({ kind: 'other', sqlType: 'citext' })).toBeUndefined();
  expect(equalityFor({ kind: 'array', of: { kind: 'json', binary: true }, dimensions: 1 })).toBeUndefined();
});

test('labels that the schema does not know sort after those it knows, and equal only themselves', () => {
  const type = { kind: 'enum', name: 'E', sqlSchema: 'public', sqlName: 'e', values: ['z', 'a'] } as const;
  expect(['new', 'a', 'newer', 'z'].sort(comparatorFor(type))).toEqual(['z', 'a', 'new', 'newer']);
  expect(equalityFor(type)!('new', 'newer')).toBe(false);
});
