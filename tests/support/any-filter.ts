import fc from 'fast-check';
import type { Model, ModelTable } from '../../shared/model/types.js';

const number = fc.integer({ min: 1, max: 6 });
const INT = fc.oneof(
  { weight: 5, arbitrary: number as fc.Arbitrary<unknown> },
  { weight: 1, arbitrary: fc.record({ in: fc.array(number, { minLength: 1, maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ gte: number }) },
  { weight: 1, arbitrary: fc.constant({ isNull: true }) },
);
const TEXT = fc.constantFrom<unknown>(
  'test',
  'draft',
  'good',
  { ilike: '%o%' },
  { isNull: true },
  { ne: 'test' },
);

function condition(table: ModelTable): fc.Arbitrary<object> {
  return fc.constantFrom(...table.columns).chain(({ name, type }) => {
    const named = (values: fc.Arbitrary<unknown>) => values.map((value) => ({ [name]: value }));
    switch (type.kind) {
      case 'int':
        return named(INT);
      case 'bool':
        return named(fc.boolean());
      case 'enum':
        return named(fc.constantFrom(...type.values));
      case 'text':
        return named(TEXT);
      default:
        return named(fc.constant({ isNotNull: true }));
    }
  });
}

/** Some `where` on a table of the blog, through up to `depth` relations. */
export function anyWhere(model: Model, table: ModelTable, depth: number): fc.Arbitrary<object> {
  if (depth === 0) return condition(table);
  const inner = anyWhere(model, table, depth - 1);
  const both = fc.tuple(inner, inner);
  return fc.oneof(
    { weight: 2, arbitrary: condition(table) },
    ...(table.relations.length === 0 ? [] : [{ weight: 5, arbitrary: anyRelation(model, table, depth) }]),
    { weight: 1, arbitrary: both.map((OR) => ({ OR })) },
    { weight: 1, arbitrary: both.map((AND) => ({ AND })) },
    { weight: 1, arbitrary: both.map(([one, NOT]) => ({ AND: [one, { NOT }] })) },
  );
}

function anyRelation(model: Model, table: ModelTable, depth: number): fc.Arbitrary<object> {
  return fc
    .constantFrom(...table.relations)
    .chain(({ name, target }) =>
      anyWhere(model, model.table(target), depth - 1).map((where) => ({ [name]: where })),
    );
}
