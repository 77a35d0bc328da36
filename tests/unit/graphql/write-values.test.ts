import { defineRelations, sql } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { expect, test } from 'vitest';
import { insertValues, updateValues } from '../../../src/graphql/execute/write-values.js';
import { readModel } from '../../../src/model/read.js';
import { resolveRights } from '../../../src/policy/resolve-rights.js';

const stamped = pgTable('stamped', {
  id: integer('id').primaryKey(),
  at: text('at').$default(() => sql`now()::text`),
  by: text('by').$onUpdate(() => sql`current_user`),
});
const relations = defineRelations({ stamped });
const model = readModel(relations);
const table = model.table('stamped');
const rights = resolveRights(
  model,
  { stamped: { insert: true, update: { check: true, columns: ['id', 'at', 'by'] } } },
  {},
);

test('SQL in a $default or $onUpdate is the schema’s mistake, not the client’s', () => {
  const unsupported = expect.objectContaining({ code: 'DEFAULT_UNSUPPORTED', details: { field: 'at' } });
  expect(() => insertValues(rights, table, { id: '1' })).toThrow(unsupported);
  expect(() => updateValues(rights, table, { id: '1' })).toThrow(
    expect.objectContaining({ details: { field: 'by' } }),
  );
});

test('a value that is given is not made', () => {
  const values = insertValues(rights, table, { id: '1', at: 'now', by: null });
  expect([...values].map(([column, value]) => [column.name, value])).toEqual([
    ['id', '1'],
    ['at', 'now'],
    ['by', null],
  ]);
});

test('a bad value is told with its field', () => {
  const bad = () => updateValues(rights, table, { id: 'one' });
  expect(bad).toThrow(
    expect.objectContaining({ code: 'VALUE_INVALID', details: expect.objectContaining({ field: 'id' }) }),
  );
});
