import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RivuletError } from '../../shared/errors.js';
import { operatorsFor } from '../../shared/filter/operators.js';
import { parseFilter } from '../../shared/filter/parse.js';
import { filterToSql } from '../../src/filter/sql.js';
import { StatementParams } from '../../src/sql/statement.js';

import { ddl, model, table } from '../property/filter-table.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';

const database = await createDatabase({ setup: `${ddl} insert into everything (id) values (1);` });

const hostileText = fc.oneof(
  fc.constantFrom(
    "'; drop table everything; --",
    '$1',
    '$$',
    '\\',
    "\\'",
    "E'\\x27'",
    '{',
    '{"a"}',
    '{{}}',
    'NULL',
    'now()',
    '\u0000',
    '\ud800',
    '&{jndi:ldap://x}',
    '1e999999',
    '-',
    '0x7f',
    '١٢٣',
    '1 ',
    ' 1',
    '1_000',
    'infinity',
    'epoch',
    '99999-01-01',
    '::ffff:999.1.1.1',
    '%',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom("'", '"', '\\', '{', '}', ',', '$', '1', '-', ':', '.', ' ', 'e', 'T', 'Z'),
    maxLength: 10,
  }),
);
const hostile = fc.oneof(
  hostileText,
  fc.array(fc.option(hostileText), { maxLength: 3 }),
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    Number.NaN,
    -0,
    1e308,
    2n ** 70n,
    true,
    new Date(8.64e15),
    new Date(-8.64e15),
    new Uint8Array([0, 255]),
  ),
);

const question = fc.constantFrom(...table.columns).chain((column) =>
  fc.record({
    column: fc.constant(column),
    operator: fc.constantFrom(...operatorsFor(column.type)),
    value: hostile,
  }),
);

test('a hostile value is refused with a code, or Postgres takes it as a value: it never fails a statement', async () => {
  let taken = 0;
  let refused = 0;
  const property = fc.asyncProperty(
    fc.array(question, { minLength: 40, maxLength: 40 }),
    async (questions) => {
      const params = new StatementParams();
      const conditions: string[] = [];
      for (const { column, operator, value } of questions) {
        const input = operator === 'in' || operator === 'notIn' ? [value] : value;
        try {
          const filter = parseFilter(model, table, { [column.name]: { [operator]: input } });
          conditions.push(filterToSql(model, filter, 't0', params));
          taken++;
        } catch (error) {
          if (!(error instanceof RivuletError)) throw error;
          refused++;
        }
      }
      const text = `select ${conditions.join(', ') || 'true'} from everything as t0`;
      expect(text).not.toMatch(/drop|jndi/);
      await database.query(text, ...params.values);
    },
  );
  await fc.assert(property, propertyOptions(1_300));
  expect(Math.min(taken, refused)).toBeGreaterThan(500);
  expect(await database.query(`select to_regclass('everything')::text`)).toEqual([['everything']]);
}, 120_000);
