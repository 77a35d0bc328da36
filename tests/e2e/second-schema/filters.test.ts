import { afterAll, expect, test } from 'vitest';
import type { ModelColumn } from '../../../shared/model/types.js';
import { ANN, secondModel, serveSecond } from './serve.js';
import type { Stream } from './stream.js';

const { ask, database, follow } = await serveSecond();
const everything = secondModel.table('everything');

await database.script(`
  insert into everything values (
    1, 7, -2147483648, 9223372036854775807, 1234567890123456789.0000000001, 0.1, 1e300, true, 'a%_\\"''日', 'short', 'pad',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '0044-03-15 BC', '23:59:59.999999', '12:30:00.5+05:45', '2026-01-02 03:04:05.000006',
    '2026-01-02 03:04:05.123456+00', '1 year -2 mons +3 days -04:05:06.789', '{"b": 1, "a": 12345678901234567890}', '{"b": [1.10, null]}',
    '\\x00ff', 'very "happy", really', '10.1.2.3/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '(1.5,-2)',
    '{1,NULL,3}', '{"a,b","",NULL,"NULL"}', '{1.0,1.00}', '{sad,"{}","NULL"}', '{2026-01-02 03:04:05.123456+00,infinity}',
    '{NaN,-Infinity,0.1}', '{ab,c}', '{t,f}', '{::1/64,10.0.0.1}', '{"\\\\x00",NULL}', '{"{\\"a\\": 1}"}', '{{1,2},{3,NULL}}');
  insert into everything (id) values (2)`);

const fields = everything.columns.map((column) => column.name).join(' ');
const answer = await ask(ANN, `{ everything(id: 1) { ${fields} } }`);
expect(answer.errors).toBeUndefined();
const shown = answer.data!.everything as Record<string, unknown>;
const { data } = await ask(
  ANN,
  `{ __type(name: "EverythingFilter") { inputFields { name type { inputFields { name } } } }
     order: __type(name: "EverythingOrder") { inputFields { name } } }`,
);
interface Told {
  readonly inputFields: readonly {
    readonly name: string;
    readonly type: { readonly inputFields: readonly { name: string }[] };
  }[];
}
const { __type, order } = data as unknown as { readonly __type: Told; readonly order: Told };
const operators = (column: ModelColumn) =>
  __type.inputFields.find(({ name }) => name === column.name)!.type.inputFields.map(({ name }) => name);
const ofKind = (operator: string) =>
  everything.columns.filter((column) => operators(column).includes(operator)).map((column) => column.name);
const find = 'query ($where: EverythingFilter) { everythings(where: $where) { id } }';
const found = (...ids: string[]) => ({ data: { everythings: ids.map((id) => ({ id })) } });

test('every kind of column but those that Postgres cannot compare takes an eq', () => {
  const without = everything.columns.filter((column) => !operators(column).includes('eq'));
  expect(without.map((column) => column.name)).toEqual(['doc', 'place']);
});

test.each(ofKind('eq'))('a value of %s as it is shown finds its row, and only that', async (name) => {
  const value = shown[name];
  expect(await ask(ANN, find, { where: { [name]: { eq: value } } })).toEqual(found('1'));
  expect(await ask(ANN, find, { where: { [name]: { in: [value, value] } } })).toEqual(found('1'));
  expect(await ask(ANN, find, { where: { NOT: { [name]: { eq: value } } } })).toEqual(
    name === 'id' ? found('2') : found(),
  );
});

test.each(ofKind('arrayContains'))('arrays of %s contain, are contained and overlap', async (name) => {
  const column = everything.column(name);
  const value = (shown[name] as unknown[]).flat().filter((item) => item !== null);
  if (column.type.kind !== 'array') return;
  expect(await ask(ANN, find, { where: { [name]: { arrayContains: [value[0]] } } })).toEqual(
    column.type.dimensions === 1 ? found('1') : expect.anything(),
  );
  expect(await ask(ANN, find, { where: { [name]: { arrayOverlaps: shown[name] } } })).toEqual(found('1'));
});

test('a change stream finds by eq what a query finds, for every kind of column', async () => {
  const streams = new Map<string, Stream>();
  const document = `subscription ($where: EverythingFilter) { everythingChanges(where: $where) { changes { kind key changedColumns } } }`;
  const names = ofKind('eq').filter((name) => name !== 'int16');
  for (const name of names)
    streams.set(name, await follow(ANN, document, { where: { [name]: { eq: shown[name] } } }));
  const others = new Map<string, Stream>();
  for (const name of names)
    others.set(
      name,
      await follow(ANN, document, {
        where: { NOT: { [name]: { eq: shown[name] } }, [name]: { isNotNull: true } },
      }),
    );
  await database.script('update everything set int16 = 8');
  for (const [name, stream] of streams) {
    expect([name, (await stream.next()).everythingChanges.changes]).toEqual([
      name,
      [{ kind: 'UPDATE', key: '1', changedColumns: ['int16'] }],
    ]);
  }
  // The rows change places: what was in leaves.
  await database.script(
    `update everything set ${names
      .filter((name) => name !== 'id')
      .map((name) => `"${everything.column(name).sqlName}" = null`)
      .join(', ')} where id = 1`,
  );
  for (const [name, stream] of streams) {
    const kind = name === 'id' ? 'UPDATE' : 'LEAVE';
    expect([name, (await stream.next()).everythingChanges.changes]).toMatchObject([
      name,
      [{ kind, key: '1' }],
    ]);
  }
  expect(
    [...others].filter(([name, stream]) => stream.count > (name === 'id' ? 2 : 0)).map(([name]) => name),
  ).toEqual([]);
  for (const stream of [...streams.values(), ...others.values()]) stream.stop();
});

test('every column that can be ordered by orders rows and a page of them', async () => {
  const names = order.inputFields.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(20);
  const document = names.flatMap((name, at) => [
    `n${at}: everythings(orderBy: [{ ${name}: DESC_NULLS_LAST }]) { id }`,
    `c${at}: everythingsConnection(first: 1, orderBy: [{ ${name}: ASC }]) { nodes { id } pageInfo { endCursor } }`,
  ]);
  for (let at = 0; at < document.length; at += 20)
    expect((await ask(ANN, `{ ${document.slice(at, at + 20).join(' ')} }`)).errors).toBeUndefined();
});

test('labels of an enum in arrays and conditions are GraphQL’s names', async () => {
  const create = `mutation { createOddity(values: { states: [_2nd_try, EMPTY, null] }) { id states } }`;
  const made = await ask(ANN, create);
  expect(made).toMatchObject({ data: { createOddity: { states: ['_2nd_try', 'EMPTY', null] } } });
  const query =
    '{ a: oddities(where: { states: { arrayContains: [EMPTY] } }) { id } b: oddities(where: { states: { arrayOverlaps: [_true] } }) { id } }';
  expect(await ask(ANN, query)).toEqual({ data: { a: [{ id: '9007199254740993' }], b: [] } });
});

afterAll(() => database.script('truncate everything'));
