import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Operator } from '../../src/filter/operators.js';
import { operatorsFor } from '../../src/filter/operators.js';
import { parseFilter } from '../../src/filter/parse.js';
import { compilePredicate } from '../../src/filter/predicate.js';
import { filterToSql } from '../../src/filter/sql.js';
import type { Filter } from '../../src/filter/types.js';
import type { ModelColumn } from '../../src/model/types.js';
import { quoteIdent } from '../../src/sql/quote.js';
import { Params } from '../../src/sql/statement.js';
import { formatArray } from '../../src/value/array-literal.js';
import { encodeValue } from '../../src/value/encode.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { ddl, model, table, valuesOf } from './filter-table.js';

const database = await createDatabase({ setup: ddl });

const ROWS = 10;
const FILTERS = 20;

const patterns = fc
  .string({
    unit: fc.constantFrom('a', 'b', 'A', ' ', '%', '_', '\\%', '\\_', '\\\\', '\\a', 'é', '😀', '%%', '"'),
    maxLength: 5,
  })
  .filter((pattern) => !/(?:^|[^\\])(?:\\\\)*\\$/.test(pattern));

function condition(column: ModelColumn, operator: Operator): fc.Arbitrary<unknown> {
  switch (operator) {
    case 'isNull':
    case 'isNotNull':
      return fc.constant(true);
    case 'in':
    case 'notIn':
      return fc.array(operand(column), { maxLength: 4 });
    case 'like':
    case 'ilike':
    case 'notLike':
    case 'notIlike':
      return patterns;
    default:
      return operand(column);
  }
}

/** JSON's `null` cannot be asked for: in a filter `null` is an error. */
function operand(column: ModelColumn): fc.Arbitrary<unknown> {
  return valuesOf(column.type).filter((value) => value !== null);
}

const atom: fc.Arbitrary<Record<string, unknown>> = fc
  .constantFrom(...table.columns)
  .chain((column) =>
    fc
      .constantFrom(...operatorsFor(column.type))
      .chain((operator) =>
        condition(column, operator).map((value) => ({ [column.name]: { [operator]: value } })),
      ),
  );

const { where } = fc.letrec<{ where: Record<string, unknown> }>((tie) => ({
  where: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 6, arbitrary: atom },
    {
      weight: 1,
      arbitrary: fc.array(tie('where'), { minLength: 1, maxLength: 3 }).map((parts) => ({ AND: parts })),
    },
    {
      weight: 1,
      arbitrary: fc.array(tie('where'), { minLength: 1, maxLength: 3 }).map((parts) => ({ OR: parts })),
    },
    { weight: 1, arbitrary: tie('where').map((part) => ({ NOT: part })) },
  ),
}));

const cells = fc.tuple(
  ...table.columns.map((column) =>
    column.isKey
      ? fc.constant(null)
      : fc.option(
          valuesOf(column.type).map((value) => encodeValue(column.type, value)),
          { freq: 5 },
        ),
  ),
);

const names = table.columns.map((column) => quoteIdent(column.sqlName));

/** Puts the rows into the table and gives back what Postgres makes of them. */
async function insert(rows: readonly (readonly (string | null)[])[]) {
  const params = new Params();
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
  const params = new Params();
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
