import { expect, test } from 'vitest';
import { enumNames } from '../../../src/graphql/schema/enum-names.js';
import { isId } from '../../../src/graphql/schema/type-registry.js';
import { makeManifest } from '../../../src/manifest/make.js';
import { exposureOf } from '../../../src/policy/schema-exposure.js';
import { secondPolicies } from './relations.js';
import { ANN, BOB, secondModel, serveSecond } from './serve.js';
import { Stream } from './stream.js';

const { ask, client, database, follow, subscribed } = await serveSecond();
const LIMITS = { defaultRows: 100, maxRows: 1_000, maxDepth: 8 };
const CLEARED = `${ANN} cleared`;

const codes = (answer: Awaited<ReturnType<typeof ask>>) =>
  answer.errors?.map((error) => error.extensions?.code);

test('a table without a policy has no type, field, filter, relation, order, input or enum', async () => {
  const { data } = await ask(
    ANN,
    `{ __schema { types { name description
         fields(includeDeprecated: true) { name description args { name type { name } } }
         inputFields { name } enumValues { name } possibleTypes { name } } } }`,
  );
  const text = JSON.stringify(data);
  expect(text).toContain('OldOrder');
  expect(text).not.toMatch(/audit/i);
});

test('the manifest does not name it either, nor a column hidden from everybody', () => {
  const exposure = exposureOf(secondModel, secondPolicies);
  const text = JSON.stringify(
    makeManifest(secondModel, exposure.has, { limits: LIMITS, enumNames, isId, columns: exposure.columns }),
  );
  expect(text).toContain('oldOrders');
  expect(text).not.toMatch(/audit|password/i);
});

test.each([
  '{ audits { id } }',
  '{ audit(id: 1) { id } }',
  '{ users { audits { id } } }',
  '{ users(where: { audits: { what: { eq: "secret" } } }) { id } }',
  'mutation { deleteAudit(id: 1) { id } }',
  'subscription { auditChanges { cursor } }',
  '{ users { password } }',
  '{ users(where: { password: { eq: "hush" } }) { id } }',
  '{ users(orderBy: [{ password: ASC }]) { id } }',
  'subscription { userChanges(columns: [password]) { cursor } }',
  'subscription { userChanges { changes { previous { password } } } }',
])('what does not exist for clients cannot be asked for: %s', async (query) => {
  const { data, errors } = await ask(ANN, query);
  expect(data).toBeUndefined();
  // Suggestions would name it.
  expect(errors!.length).toBeGreaterThan(0);
  for (const { message } of errors!) expect(message).not.toMatch(/did you mean.*(audit|password)/i);
});

test('its changes are heard by nobody', async () => {
  const stream = await follow(ANN, 'subscription { userChanges { changes { kind key changedColumns } } }');
  await database.script(`
    update audits set what = 'changed'; insert into audits values (2, '${ANN}', 'more'); delete from audits;`);
  await database.script(`update "Head ""Quarters"""."User" set password = 'changed' where id = '${ANN}'`);
  await database.script(
    `update "Head ""Quarters"""."User" set "Full Name" = 'Bobby', password = 'x' where id = '${BOB}'`,
  );
  expect((await stream.next()).userChanges.changes).toEqual([
    { kind: 'UPDATE', key: BOB, changedColumns: ['name'] },
  ]);
  expect(stream.count).toBe(1);
  stream.stop();
  await subscribed(0);
});

test.each([
  '{ users { email } }',
  '{ orders { buyer { email } } }',
  '{ users(where: { email: { isNull: true } }) { id } }',
  '{ orders(where: { buyer: { OR: [{ NOT: { email: { like: "a%" } } }] } }) { id } }',
  '{ users(orderBy: [{ email: ASC }]) { id } }',
  '{ users { bought(where: { cost: { gt: "1" } }) { id } } }',
  '{ users { bought(orderBy: [{ cost: DESC }]) { id } } }',
  '{ orders { ...costly } } fragment costly on Order { a: cost }',
  'mutation { updateOrders(where: { cost: { gt: "1" } }, set: { note: "x" }) { id } }',
  'mutation { updateOrders(where: {}, set: { cost: "1" }) { id } }',
  'mutation { createOrder(values: { groupCode: "b", number: "77", cost: "1" }) { id } }',
])('a column that a rule hides is refused: %s', async (query) => {
  const answer = await ask(ANN, query);
  expect(codes(answer)).toEqual(['COLUMN_FORBIDDEN']);
  expect(codes(await ask(CLEARED, query))).toBeUndefined();
});

test.each([
  'subscription { orderChanges { changes { node { cost } } } }',
  'subscription { orderChanges { changes { previous { cost } } } }',
  'subscription { orderChanges(where: { cost: { gt: "1" } }) { cursor } }',
  'subscription { orderChanges(columns: [cost]) { cursor } }',
  'subscription { userChanges { related { bought(where: { cost: { gt: "1" } }) { changes { key } } } } }',
  'subscription { userChanges { related { bought { changes { node { cost } } } } } }',
  'subscription { orders(orderBy: [{ cost: ASC }]) { id } }',
  'subscription { orders { cost } }',
])('a subscription to a hidden column is refused: %s', async (query) => {
  const stream = new Stream(await client(ANN), query);
  expect(await stream.refused()).toEqual(['COLUMN_FORBIDDEN']);
});

test('an update of hidden columns alone is told to those who may see them, and to nobody else', async () => {
  const query = 'subscription { orderChanges { changes { key changedColumns } } }';
  const cleared = await follow(CLEARED, query);
  const plain = await follow(ANN, query);
  await database.script(
    `update "Head ""Quarters"""."Order" set "cost price" = 99 where "Group" = 'a:1%' and "No." = 2`,
  );
  await database.script(
    `update "Head ""Quarters"""."Order" set "cost price" = 98, "select" = 'both' where "Group" = 'a:1%' and "No." = 2`,
  );
  const key = 'a%3A1%25:2';
  expect((await cleared.next()).orderChanges.changes).toEqual([{ key, changedColumns: ['cost'] }]);
  expect((await cleared.next()).orderChanges.changes).toEqual([{ key, changedColumns: ['note', 'cost'] }]);
  expect((await plain.next()).orderChanges.changes).toEqual([{ key, changedColumns: ['note'] }]);
  expect(plain.count).toBe(1);
  cleared.stop();
  plain.stop();
  await subscribed(0);
});

test('columns of a composite key cannot be hidden, and stand beside the id', async () => {
  const { data } = await ask(ANN, '{ __type(name: "Order") { fields { name type { ofType { name } } } } }');
  const fields = (data as { __type: { fields: { name: string; type: { ofType: { name: string } } }[] } })
    .__type.fields;
  const ids = fields.filter((field) => field.type.ofType?.name === 'ID').map((field) => field.name);
  expect(ids).toEqual(['id', 'number', 'groupCode', 'nodeId']);
});
