import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFilter } from '../../shared/filter/parse.js';
import { compilePredicate } from '../../shared/filter/predicate.js';
import type { Filter } from '../../shared/filter/types.js';
import { formatArray } from '../../shared/value/array-literal.js';
import { filterToSql } from '../../src/filter/sql.js';
import { quoteIdent } from '../../src/sql/quote.js';
import { StatementParams } from '../../src/sql/statement.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { ddl, model, table } from './filter-table.js';
import { cells, where } from './filter-wheres.js';

const database = await createDatabase({ setup: ddl });

const ROWS = 10;
const FILTERS = 20;

const names = table.columns.map((column) => quoteIdent(column.sqlName));

/** Puts the rows into the table and gives back what Postgres makes of them. */
async function insert(rows: readonly (readonly (string | null)[])[]) {
  const params = new StatementParams();
  const values = rows.map((row, id) => {
    const parts = row.map((text, index) => {
      const column = table.columns[index]!;
      return params.cast(column.isKey ? String(id) : text, column.castType);
    });
    return `(${parts.join(', ')})`;
  });
  await database.script('truncate everything');
  await database.query(
    `insert into everything (${names.join(', ')}) values ${values.join(', ')}`,
    ...params.values,
  );
  return database.query(
    `select ${names.map((name) => `${name}::text`).join(', ')} from everything order by everything.id`,
  );
}

/** Every filter's truth for every row as Postgres has it. */
async function judge(filters: readonly Filter[], images: readonly (readonly (string | null)[])[] | null) {
  const params = new StatementParams();
  let from = 'everything as t0';
  if (images) {
    const selected = table.columns.map(
      (column, index) => `c${index}::${column.castType} as ${quoteIdent(column.sqlName)}`,
    );
    const arrays = table.columns.map(
      (_, index) => `${params.text(formatArray(images.map((row) => row[index]!)))}::text[]`,
    );
    const aliases = table.columns.map((_, index) => `c${index}`);
    from = `(select ${selected.join(', ')} from unnest(${arrays.join(', ')}) as u(${aliases.join(', ')})) as t0`;
  }
  const truths = filters.map((filter) => `${filterToSql(model, filter, 't0', params)}::text`);
  return database.query(`select ${truths.join(', ')} from ${from} order by t0.id`, ...params.values);
}

const asTruth = (text: string | null): boolean | null => (text === null ? null : text === 'true');

test('a predicate says of every row what Postgres says, on the table and on row images', async () => {
  let filters = 0;
  let decided = 0;
  let pairs = 0;
  const property = fc.asyncProperty(
    fc.array(cells, { minLength: ROWS, maxLength: ROWS }),
    fc.array(where, { minLength: FILTERS, maxLength: FILTERS }),
    async (rows, wheres) => {
      const parsed = wheres.map((input) => parseFilter(model, table, input));
      const images = await insert(rows);
      const onTable = await judge(parsed, null);
      expect(await judge(parsed, images)).toEqual(onTable);
      parsed.forEach((filter, place) => {
        const predicate = compilePredicate(filter);
        filters++;
        if (!predicate) return;
        decided++;
        images.forEach((image, row) => {
          pairs++;
          const wanted = asTruth(onTable[row]![place]!);
          if (predicate(image) !== wanted) {
            expect.fail(
              `Postgres says ${wanted} of ${JSON.stringify(wheres[place], show)} for ${JSON.stringify(image)}`,
            );
          }
        });
      });
    },
  );
  await fc.assert(property, { ...propertyOptions(160), endOnFailure: true });
  console.log(`${pairs} pairs; ${decided} of ${filters} filters decided in JavaScript`);
  expect(decided / filters).toBeGreaterThan(0.6);
}, 240_000);

function show(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
