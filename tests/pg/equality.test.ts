import { customType, integer, numeric, pgTable, text } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelColumn } from '../../shared/model/types.js';
import { formatArray } from '../../shared/value/array-literal.js';
import { encodeValue } from '../../shared/value/encode.js';
import { compareTexts, equalityOf, joinForm } from '../../shared/value/equality.js';
import { readTable } from '../../src/model/read.js';
import { StatementParams } from '../../src/sql/statement.js';
import { ddl, table, valuesOf } from '../property/filter-table.js';
import { createDatabase } from '../support/database.js';

/** The law of equality: what this module says of two texts is what PostgreSQL's `=` says of the values, or it says nothing. */
const database = await createDatabase({
  setup: `${ddl} create extension citext; create domain mail as citext; create domain posint as int;
    create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);`,
});
const seed = Number(process.env.RIVULET_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Every pair of values as PostgreSQL writes them, and whether it finds them equal. */
async function pairsOf(left: Side, right: Side) {
  const params = new StatementParams();
  const source = (texts: readonly string[]) => `unnest(${params.text(formatArray(texts))}::text[])`;
  return database.query(
    `select l.v::text, r.v::text, (l.v = r.v)::text
     from (select t::${left.castType} as v from ${source(left.texts)} t) l,
          (select t::${right.castType} as v from ${source(right.texts)} t) r`,
    ...params.values,
  );
}

interface Side {
  readonly castType: string;
  readonly texts: readonly string[];
}

function sideOf({ type, castType }: ModelColumn): Side {
  const values = fc.sample(valuesOf(type), { seed, numRuns: 150 });
  return { castType, texts: [...new Set(values.map((value) => encodeValue(type, value)))] };
}

/** json has no equality at all, a point none that is named `=`. */
const HAVE_NONE = new Set(['doc', 'place']);

describe(`seed ${seed}`, () => {
  const compared = table.columns.filter(({ name }) => !HAVE_NONE.has(name));
  test.each(compared.map((column) => [column.name, column] as const))(
    '%s: two texts are equal exactly where their values are, or only PostgreSQL is said to know',
    async (_name, column) => {
      const side = sideOf(column);
      const answers = { equal: 0, different: 0, database: 0 };
      for (const [left, right, truth] of await pairsOf(side, side)) {
        const answer = compareTexts(column, left!, right!);
        answers[answer]++;
        if (answer !== 'database')
          expect([left, right, answer === 'equal']).toEqual([left, right, truth === 'true']);
        if (equalityOf(column) === 'text')
          expect([left, right, left === right]).toEqual([left, right, truth === 'true']);
      }
      expect(answers.equal).toBeGreaterThan(0);
      if (equalityOf(column) !== 'database') expect(answers.database).toBe(0);
    },
  );

  const joined = [
    'int16',
    'int32',
    'int64',
    'exact',
    'single',
    'double',
    'words',
    'short',
    'padded',
    'day',
    'local',
    'instant',
    'address',
    'network',
  ];
  const pairs = joined.flatMap((left) => joined.map((right) => [left, right] as const));
  test('columns of two types that a relation joins are equal where PostgreSQL, which converts one of them, says so', async () => {
    let decided = 0;
    for (const [one, other] of pairs) {
      const [left, right] = [table.column(one), table.column(other)];
      const form = joinForm(left, right);
      if (!form) continue;
      decided++;
      const rows = await pairsOf(sideOf(left), sideOf(right));
      const wrong = rows.filter(([l, r, truth]) => (form.left(l!) === form.right(r!)) !== (truth === 'true'));
      expect([one, other, wrong.slice(0, 3)]).toEqual([one, other, []]);
    }
    expect(decided).toBeGreaterThan(50);
  });
});

const of = (sqlType: string) => customType<{ data: string }>({ dataType: () => sqlType });
const customs = readTable(
  'customs',
  pgTable('customs', {
    id: integer().primaryKey(),
    mail: of('citext')(),
    domain: of('mail')(),
    number: of('posint')(),
    range: of('int4range')(),
    ulid: of('varchar(26)')(),
    branded: of('text')(),
    plain: text(),
    amount: numeric(),
  }),
);

describe('a type that JavaScript does not compare', () => {
  test.each([
    ['mail', 'Ada@x', 'ada@X'],
    ['domain', 'Ada@x', 'ada@X'],
    ['number', '1', '2'],
    ['range', '[1,3)', '[2,3)'],
  ])('%s: equal texts are equal, and of others only PostgreSQL knows', (name, left, right) => {
    const column = customs.column(name);
    expect(equalityOf(column)).toBe('database');
    expect(compareTexts(column, left, left)).toBe('equal');
    expect(compareTexts(column, left, right)).toBe('database');
    expect(joinForm(column, customs.column('plain'))).toBeNull();
  });

  test('a custom type over text is compared as text', () => {
    for (const name of ['ulid', 'branded']) {
      expect(equalityOf(customs.column(name))).toBe('text');
      expect(compareTexts(customs.column(name), 'a', 'A')).toBe('different');
    }
  });

  test('a text column whose collation is nondeterministic is the database’s once its catalog says so', async () => {
    const plain = { ...customs.column('plain'), facts: { equality: 'database' } } as const;
    expect(compareTexts(plain, 'a', 'A')).toBe('database');
    const [[same]] = (await database.query(`select ('a' collate folded = 'A' collate folded)::text`)) as [
      [string],
    ];
    expect(same).toBe('true');
  });
});
