import type { GraphQLFieldResolver, GraphQLObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { imageType } from '../../../src/graphql/schema/change-types.js';
import { DEFAULT_LIMITS } from '../../../src/graphql/schema/query-limits.js';
import { rowType } from '../../../src/graphql/schema/row-type.js';
import { TypeRegistry } from '../../../src/graphql/schema/type-registry.js';
import { resolveRights } from '../../../src/policy/resolve-rights.js';
import type { Policies } from '../../../src/policy/rules.js';
import { exposureOf } from '../../../src/policy/schema-exposure.js';
import { exampleModel as model } from '../../support/example.js';

const policies: Policies = { users: { read: true, columns: { email: { read: () => false } } } };
const types = {
  model,
  exposure: exposureOf(model, policies),
  limits: DEFAULT_LIMITS,
  registry: new TypeRegistry(),
};
const users = model.table('users');
const cells = users.columns.map((column) => `a ${column.name}`);
const context = { rights: resolveRights(model, policies, {}) };

function show(type: GraphQLObjectType<unknown, unknown>, field: string, source: unknown): unknown {
  const resolve = type.getFields()[field]!.resolve as GraphQLFieldResolver<unknown, unknown>;
  return resolve(source, {}, context, {} as never);
}

test('a hidden column is refused by the fields themselves too, whoever planned the read', () => {
  const row = { table: users, key: '1', cells, related: new Map() };
  const forbidden = expect.objectContaining({
    extensions: expect.objectContaining({ code: 'COLUMN_FORBIDDEN' }),
  });
  expect(show(rowType(types, users) as never, 'name', row)).toBe('a name');
  expect(() => show(rowType(types, users) as never, 'email', row)).toThrow(forbidden);
  expect(show(imageType(types, users) as never, 'name', cells)).toBe('a name');
  expect(() => show(imageType(types, users) as never, 'email', cells)).toThrow(forbidden);
});
