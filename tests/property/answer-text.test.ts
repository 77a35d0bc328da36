import fc from 'fast-check';
import { type DocumentNode, execute, parse } from 'graphql';
import { expect, test } from 'vitest';
import { buildSchema } from '../../src/graphql/build-schema.js';
import type { RivuletContext } from '../../src/graphql/execute/context.js';
import { QueryResponseTexts } from '../../src/graphql/execute/query-response-text.js';
import { RequestReader } from '../../src/graphql/execute/request-reader.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import { quoteIdent } from '../../src/sql/quote.js';
import type { Statement } from '../../src/sql/statement.js';
import { StatementParams } from '../../src/sql/statement.js';
import { encodeValue } from '../../src/value/codec.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { ddl, model, table, valuesOf } from './filter-table.js';

/** The law of answers: what Postgres writes is byte for byte what execution and `JSON.stringify` make of the same rows. */
const { db, script } = await createDatabase({ setup: ddl });
const policies = { everything: { read: true } };
const schema = buildSchema({ model, policies, limits: { maxTotalRows: 20 } });
const texts = new QueryResponseTexts();

/** What only this server can show. */
const SHOWN_HERE = ['float', 'json', 'bytea', 'inet', 'point', 'array', 'uuid'];
const written = table.columns.filter(
  ({ type }) => !SHOWN_HERE.includes(type.kind) && !(type.kind === 'text' && type.variant === 'char'),
);

const cells = fc.tuple(
  ...table.columns.map((column) =>
    column.isKey
      ? fc.integer({ min: -5, max: 5 }).map(String)
      : fc.option(
          valuesOf(column.type).map((value) => encodeValue(column.type, value)),
          { freq: 6 },
        ),
  ),
);
const extremes = fc.record({
  words: fc.option(fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))),
  instant: fc.constantFrom(
    'infinity',
    '-infinity',
    '0044-03-15 01:02:03+00 BC',
    '0001-01-01 00:00:00+00',
    null,
  ),
  local: fc.constantFrom('infinity', '0044-03-15 01:02:03 BC', '2026-01-02 03:04:05.000001', null),
  day: fc.constantFrom('infinity', '0044-03-15 BC', '12026-01-02', null),
});

test('values of every type are written as execution shows them', async () => {
  const rows = fc.uniqueArray(cells, { maxLength: 4, selector: ([key]) => key });
  const property = fc.asyncProperty(rows, extremes, async (given, extreme) => {
    await store(given);
    for (const [name, text] of Object.entries(extreme)) {
      const column = table.column(name);
      const value = `$1::text::${column.castType}`;
      await db.query({
        text: `update everything set ${quoteIdent(name)} = ${value} where id = 0`,
        params: [text],
      });
    }
    const all = `{ id ${table.columns
      .filter(({ isKey }) => !isKey)
      .map(({ name }) => name)
      .join(' ')} }`;
    const some = `{ __typename key: id ${written
      .filter(({ isKey }) => !isKey)
      .map(({ name }) => name)
      .join(' ')} }`;
    for (const [fields, isWritten] of [
      [some, true],
      [all, false],
    ] as const) {
      const source = `{ list: everythings(limit: 10) ${fields} one: everything(id: 0) ${fields} none: everything(id: 9) ${fields} }`;
      const { expected, text, statements } = await both(source);
      expect(text).toBe(expected);
      expect(statements.map(isOfText)).toEqual([isWritten]);
    }
  });
  await fc.assert(property, propertyOptions(60));
});

test('too many rows, and what only looks like them', async () => {
  await store([]);
  await script(`insert into everything (id, words) select n, '{"' from generate_series(1, 15) n`);
  const few = await both('{ everythings(limit: 100) { id words } }');
  expect(few.text).toBe(few.expected);
  await script(`insert into everything (id, words) select n, 'x' from generate_series(16, 21) n`);
  await expect(both('{ everythings(limit: 100) { id words } }')).rejects.toThrow('The answer has 21 rows');
});

test('a value that the schema does not know of is left to execution', async () => {
  await store([]);
  await script(`insert into everything (id, mood) values (1, 'ok');
    alter type mood rename value 'ok' to 'fine';`);
  await expect(both('{ everythings { id mood } }')).rejects.toThrow('cannot represent');
  await script(`alter type mood rename value 'fine' to 'ok';
    alter table everything alter column int32 type text; update everything set int32 = '1,"words":2';`);
  await expect(both('{ everythings { id int32 } }')).rejects.toThrow('integer');
});

test('numbers that JSON does not tell from others are told apart where an answer is found again', async () => {
  await store([]);
  await script("insert into everything (id, double) values (1, 1.5), (2, 'Infinity'), (3, '-Infinity')");
  const document = parse(
    'query ($double: Double, $some: [Double!]) { everythings(where: { double: { lte: $double, in: $some } }) { id } }',
  );
  // As `JSON.parse` reads 1e400.
  const given = [Infinity, -Infinity, 1.5, 'Infinity', 'NaN', -0, 0];
  for (const double of [...given, ...given]) {
    const { text, expected } = await both(document, { double, some: [1.5, double] });
    expect(text, String(double)).toBe(expected);
  }
  await expect(both(document, { double: null, some: [1.5] })).rejects.toThrow('null equals nothing');
});

test('a number that has become another type is not rounded to what was declared', async () => {
  await store([]);
  await script(
    'alter table everything alter column int64 type numeric; insert into everything (id, int64) values (1, 2.5)',
  );
  await expect(both('{ everythings { id int64 } }')).rejects.toThrow('operator does not exist');
});

interface Both {
  readonly expected: string;
  readonly text: string | null;
  readonly statements: readonly Statement[];
}

async function both(source: string | DocumentNode, variableValues = {}): Promise<Both> {
  const statements: Statement[] = [];
  const watched: typeof db = {
    ...db,
    query: (statement) => {
      statements.push(statement);
      return db.query(statement);
    },
  };
  const rights = resolveRights(model, policies, {});
  const contextValue: RivuletContext = { database: db, rights, user: {}, reader: new RequestReader(watched) };
  const document = typeof source === 'string' ? parse(source) : source;
  const text = await texts.answer({ schema, document, contextValue, variableValues });
  const asked = statements.length;
  const expected = JSON.stringify(await execute({ schema, document, contextValue, variableValues }));
  return { expected, text, statements: statements.slice(0, asked) };
}

function isOfText({ text }: Statement): boolean {
  return text.includes('string_agg');
}

async function store(rows: readonly (readonly (string | null)[])[]): Promise<void> {
  await script('truncate everything');
  for (const row of rows) {
    const params = new StatementParams();
    const values = table.columns.map((column, at) => params.cast(row[at] ?? null, column.castType));
    const names = table.columns.map(({ sqlName }) => quoteIdent(sqlName));
    await db.query({
      text: `insert into everything (${names.join(', ')}) values (${values.join(', ')})`,
      params: params.values,
    });
  }
}
