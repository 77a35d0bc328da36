import { expect, test } from 'vitest';
import { ANN, BIG, BOB, CAT, serveSecond } from './serve.js';

const { ask, database, follow } = await serveSecond();
const CLEARED = `${ANN} cleared`;

type Answer = Awaited<ReturnType<typeof ask>>;
const codes = (answer: Answer) => answer.errors?.map((error) => error.extensions?.code);
/** All rows of the tables that these tests write, to see that a refusal wrote nothing. */
const everything = () =>
  database.query(`
    select coalesce((select json_agg(o order by o."Group", o."No.") from "Head ""Quarters"""."Order" o)::text, '')
      || coalesce((select json_agg(t order by t."Path") from "Head ""Quarters""".tree t)::text, '')`);

test('rows with composite keys are made, changed and deleted by their ids', async () => {
  const created = await ask(
    CLEARED,
    `mutation ($values: [OrderInsert!]!) { createOrders(values: $values) { id state cost buyer { name } group { title } } }`,
    {
      values: [
        { groupCode: 'b', number: '9223372036854775807', state: '_true', buyerId: BOB, cost: '1.005' },
        { groupCode: 'a:1%', number: '-1' },
      ],
    },
  );
  expect(created).toEqual({
    data: {
      createOrders: [
        {
          id: 'b:9223372036854775807',
          state: '_true',
          cost: '1.01',
          buyer: { name: 'Bob' },
          group: { title: 'B' },
        },
        { id: 'a%3A1%25:-1', state: 'in_progress', cost: null, buyer: null, group: { title: 'A' } },
      ],
    },
  });
  const update = 'mutation ($id: ID!, $set: OrderSet!) { updateOrder(id: $id, set: $set) { id state note } }';
  const set = { state: 'done', note: 'it’s; done' };
  expect(await ask(ANN, update, { id: 'a%3A1%25:-1', set })).toEqual({
    data: { updateOrder: { id: 'a%3A1%25:-1', ...set } },
  });
  expect(await ask(ANN, update, { id: 'a%3A1%25:-1', set: { number: '-2' } })).toEqual({
    data: { updateOrder: { id: 'a%3A1%25:-2', ...set } },
  });
  // The delete policy wants them done.
  const remove = 'mutation ($id: ID!) { deleteOrder(id: $id) { id note } }';
  expect(await ask(ANN, remove, { id: 'b:9223372036854775807' })).toEqual({ data: { deleteOrder: null } });
  expect(await ask(ANN, remove, { id: 'a%3A1%25:-2' })).toEqual({
    data: { deleteOrder: { id: 'a%3A1%25:-2', note: 'it’s; done' } },
  });
  const many = await ask(
    ANN,
    `mutation ($where: OrderFilter!) { updateOrders(where: $where, set: { state: done }) { id }
      deleteOrders(where: $where) { id state } }`,
    { where: { number: { eq: '9223372036854775807' } } },
  );
  expect(many).toEqual({
    data: {
      updateOrders: [{ id: 'b:9223372036854775807' }],
      deleteOrders: [{ id: 'b:9223372036854775807', state: 'done' }],
    },
  });
});

test('what a policy does not allow writes nothing', async () => {
  const before = await everything();
  const refused: [user: string, document: string][] = [
    [ANN, 'createOrder(values: { groupCode: "c", number: "5" }) { id }'],
    [ANN, 'createFolder(values: { path: "/l", groupCode: "b", title: "locked" }) { id }'],
    [ANN, 'updateFolder(id: "/:x", set: { title: "locked" }) { id }'],
    // The key is taken there, which is not told either.
    [ANN, 'createOrder(values: { groupCode: "c", number: "1" }) { id }'],
    [ANN, 'updateOrder(id: "a%3A1%25:2", set: { groupCode: "c", number: "1" }) { id }'],
    [ANN, 'createOrder(values: { groupCode: "no such group", number: "5" }) { id }'],
    [ANN, 'createOrders(values: [{ groupCode: "b", number: "5" }, { groupCode: "c", number: "5" }]) { id }'],
    [ANN, 'updateOrder(id: "a%3A1%25:2", set: { groupCode: "c" }) { id }'],
    [ANN, 'updateOrder(id: "a%3A1%25:2", set: { groupCode: "no such group" }) { id }'],
    [ANN, `updateFolders(where: { path: { like: "/:%" } }, set: { groupCode: "c" }) { id }`],
    [
      CAT,
      'createLine(values: { groupCode: "b", number: "9007199254740993", position: "9", productId: "3" }) { id }',
    ],
    ['', 'createOrder(values: { groupCode: "b", number: "5" }) { id }'],
  ];
  for (const [user, document] of refused)
    expect([document, codes(await ask(user, `mutation { ${document} }`))]).toEqual([
      document,
      ['WRITE_FORBIDDEN'],
    ]);
  const untouched = await ask(
    ANN,
    `mutation { updateOrder(id: "c:1", set: { note: "x" }) { id } deleteOrder(id: "c:1") { id } deleteFolder(id: "/c") { id }
      updateOrders(where: { groupCode: { eq: "c" } }, set: { note: "x" }) { id } deleteFolders(where: { groupCode: { eq: "c" } }) { id } }`,
  );
  expect(untouched).toEqual({
    data: { updateOrder: null, deleteOrder: null, deleteFolder: null, updateOrders: [], deleteFolders: [] },
  });
  expect(await everything()).toEqual(before);
});

test('tables and columns that nobody may write have no input and no mutation', async () => {
  const { data } = await ask(
    ANN,
    `{ __schema { mutationType { fields { name } } }
      order: __type(name: "OrderInsert") { inputFields { name } } user: __type(name: "UserInsert") { name }
      oddity: __type(name: "OddityInsert") { inputFields { name } } line: __type(name: "LineSet") { name } }`,
  );
  const told = data as Record<string, { inputFields: { name: string }[] } | null> & {
    __schema: { mutationType: { fields: { name: string }[] } };
  };
  const mutations = told.__schema.mutationType.fields.map(({ name }) => name);
  expect(mutations.filter((name) => /user|group|grant|friend|oldOrder|product/i.test(name))).toEqual([]);
  expect(mutations.filter((name) => /line/i.test(name))).toEqual(['createLine', 'createLines']);
  expect([told.user, told.line]).toEqual([null, null]);
  expect(told.oddity?.inputFields.map(({ name }) => name)).not.toContain('doubled');
});

test('a violated constraint has a code, and the transaction is undone', async () => {
  const twice = `mutation { createOrders(values: [{ groupCode: "b", number: "500" }, { groupCode: "b", number: "${BIG}" }]) { id } }`;
  const answer = await ask(ANN, twice);
  expect(answer.errors?.[0]?.extensions).toMatchObject({
    code: 'CONSTRAINT_UNIQUE',
  });
  expect(answer.errors?.[0]?.message).not.toContain('insert into');
  const orphan = await ask(
    ANN,
    `mutation { createOrder(values: { groupCode: "b", number: "500", buyerId: "${BIG}" }) { id } }`,
  );
  expect(orphan.errors).toHaveLength(1);
  const nobody = '0d0d0d0d-0000-4000-8000-00000000000d';
  const unknown = await ask(
    ANN,
    `mutation { createOrder(values: { groupCode: "b", number: "500", buyerId: "${nobody}" }) { id } }`,
  );
  expect(unknown.errors?.[0]?.extensions).toMatchObject({
    code: 'CONSTRAINT_FOREIGN_KEY',
  });
  expect(await ask(ANN, '{ order(id: "b:500") { id } }')).toEqual({ data: { order: null } });
});

test('each mutation field is one transaction, told once, in the order in which they ran', async () => {
  const stream = await follow(ANN, 'subscription { folderChanges { changes { kind op key } } }');
  const answer = await ask(
    ANN,
    `mutation {
      a: createFolders(values: [{ path: "/n", groupCode: "b", title: "n" }, { path: "/n/:", parentPath: "/n", groupCode: "b", title: "m" }]) { id parent { id } }
      b: updateFolders(where: { title: { in: ["n", "m"] } }, set: { title: "o" }) { id children { id } }
      c: deleteFolder(id: "/n") { id children { id title } }
    }`,
  );
  expect(answer).toEqual({
    data: {
      a: [
        { id: '/n', parent: null },
        { id: '/n/:', parent: { id: '/n' } },
      ],
      b: [
        { id: '/n', children: [{ id: '/n/:' }] },
        { id: '/n/:', children: [] },
      ],
      c: { id: '/n', children: [{ id: '/n/:', title: 'o' }] },
    },
  });
  const outline = async () =>
    (await stream.next()).folderChanges.changes
      .map(({ kind, op, key }: Record<string, string>) => `${kind} ${op} ${key}`)
      .toSorted();
  expect(await outline()).toEqual(['ENTER INSERT /n', 'ENTER INSERT /n/:']);
  expect(await outline()).toEqual(['UPDATE UPDATE /n', 'UPDATE UPDATE /n/:']);
  expect(await outline()).toEqual(['LEAVE DELETE /n', 'LEAVE DELETE /n/:']);
  expect(stream.count).toBe(3);
  stream.stop();
});
