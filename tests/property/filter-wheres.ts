import fc from 'fast-check';
import { type FilterOperator, operatorsFor } from '../../shared/filter/operators.js';
import type { ModelColumn } from '../../shared/model/types.js';
import { encodeValue } from '../../shared/value/encode.js';
import { table, valuesOf } from './filter-table.js';

const patterns = fc
  .string({
    unit: fc.constantFrom('a', 'b', 'A', ' ', '%', '_', '\\%', '\\_', '\\\\', '\\a', 'é', '😀', '%%', '"'),
    maxLength: 5,
  })
  .filter((pattern) => !/(?:^|[^\\])(?:\\\\)*\\$/.test(pattern));

function condition(column: ModelColumn, operator: FilterOperator): fc.Arbitrary<unknown> {
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

/** Conditions that differ in nothing but values, mostly. */
export const alike: fc.Arbitrary<readonly Record<string, unknown>[]> = fc
  .constantFrom(...table.columns)
  .chain((column) =>
    fc.constantFrom(...operatorsFor(column.type)).chain((operator) =>
      fc.array(
        condition(column, operator).map((value) => ({ [column.name]: { [operator]: value } })),
        { minLength: 2, maxLength: 6 },
      ),
    ),
  );

const atom: fc.Arbitrary<Record<string, unknown>> = fc
  .constantFrom(...table.columns)
  .chain((column) =>
    fc
      .constantFrom(...operatorsFor(column.type))
      .chain((operator) =>
        condition(column, operator).map((value) => ({ [column.name]: { [operator]: value } })),
      ),
  );

/** Conditions on every type of column, with everything that users may write, up to three deep. */
export const { where } = fc.letrec<{ where: Record<string, unknown> }>((tie) => ({
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

/** A row that may go into the table; the key is left to whoever inserts it. */
export const cells = fc.tuple(
  ...table.columns.map((column) =>
    column.isKey
      ? fc.constant(null)
      : fc.option(
          valuesOf(column.type).map((value) => encodeValue(column.type, value)),
          { freq: 5 },
        ),
  ),
);
