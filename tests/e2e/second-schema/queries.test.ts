import { expect, test } from 'vitest';
import { ANN, BIG, BOB, CAT, serveSecond } from './serve.js';

const { ask } = await serveSecond();

test('relations of every kind are nested in one answer', async () => {
  const answer = await ask(
    ANN,
    `query ($id: ID!) {
      order(id: $id) {
        id groupCode number state note
        group { code title orders(orderBy: [{ number: DESC }]) { id } }
        buyer { name } seller { name } pendingFor { name }
        lines(orderBy: [{ position: DESC }], limit: 2) { id position productId product { name } }
        products(orderBy: [{ id: ASC }]) { id name }
      }
    }`,
    { id: `a%3A1%25:${BIG}` },
  );
  expect(answer).toEqual({
    data: {
      order: {
        id: `a%3A1%25:${BIG}`,
        groupCode: 'a:1%',
        number: BIG,
        state: 'in_progress',
        note: 'first',
        group: { code: 'a:1%', title: 'A', orders: [{ id: `a%3A1%25:${BIG}` }, { id: 'a%3A1%25:2' }] },
        buyer: { name: 'Ann' },
        seller: { name: 'Bob' },
        pendingFor: { name: 'Ann' },
        lines: [
          { id: `a%3A1%25:${BIG}:3`, position: '3', productId: '3', product: null },
          { id: `a%3A1%25:${BIG}:2`, position: '2', productId: '9007199254740992', product: { name: 'ink' } },
        ],
        products: [
          { id: '9007199254740992', name: 'ink' },
          { id: BIG, name: 'pen' },
        ],
      },
    },
  });
});

test('two relations to one table by different keys, and one with a where, each have their own rows', async () => {
  const answer = await ask(
    ANN,
    `query ($id: ID!) { user(id: $id) { bought { id } sold { id } pending { id pendingFor { id } } } }`,
    { id: ANN },
  );
  expect(answer).toEqual({
    data: {
      user: {
        bought: [{ id: 'a%3A1%25:2' }, { id: `a%3A1%25:${BIG}` }],
        sold: [{ id: 'a%3A1%25:2' }, { id: `b:${BIG}` }],
        pending: [{ id: `a%3A1%25:${BIG}`, pendingFor: { id: ANN } }],
      },
    },
  });
});

test('a relation whose where the other side declared is null where the row itself does not satisfy it', async () => {
  const answer = await ask(ANN, `{ order(id: "a%3A1%25:2") { buyer { name } pendingFor { name } } }`);
  expect(answer).toEqual({ data: { order: { buyer: { name: 'Ann' }, pendingFor: null } } });
  const found = await ask(ANN, `{ orders(where: { pendingFor: { name: { eq: "Ann" } } }) { number } }`);
  expect(found).toEqual({ data: { orders: [{ number: BIG }] } });
});

test('users are friends of users, as far as the junction rows are theirs to see', async () => {
  const query = '{ users(orderBy: [{ name: ASC }]) { name friends { name } befriendedBy { name } } }';
  expect(await ask(ANN, query)).toEqual({
    data: {
      users: [
        { name: 'Ann', friends: [{ name: 'Bob' }], befriendedBy: [{ name: 'Cat' }] },
        { name: 'Bob', friends: [], befriendedBy: [{ name: 'Ann' }] },
        { name: 'Cat', friends: [{ name: 'Ann' }], befriendedBy: [] },
      ],
    },
  });
  // Bob's friendship with Cat is hidden from Ann as a condition too.
  expect(await ask(ANN, '{ users(where: { friends: { name: { eq: "Cat" } } }) { name } }')).toEqual({
    data: { users: [] },
  });
  expect(await ask(BOB, '{ users(where: { friends: { name: { eq: "Cat" } } }) { name } }')).toEqual({
    data: { users: [{ name: 'Bob' }] },
  });
});

test('a tree is walked up and down by keys with colons and percent signs', async () => {
  const answer = await ask(
    ANN,
    `{ folder(id: "/:x/50%") { id parent { id parent { id parent { id } children { id children { title } } } } } }`,
  );
  expect(answer).toEqual({
    data: {
      folder: {
        id: '/:x/50%',
        parent: {
          id: '/:x',
          parent: { id: '/', parent: null, children: [{ id: '/:x', children: [{ title: 'half' }] }] },
        },
      },
    },
  });
});

test('filters go through relations and use the labels of enums', async () => {
  const where = {
    OR: [{ state: { eq: '_2nd_try' } }, { products: { name: { like: 'in%' } } }],
    NOT: { seller: { name: { eq: 'Bob' } } },
  };
  const query = 'query ($where: OrderFilter) { orders(where: $where) { id state } }';
  expect(await ask(ANN, query, { where })).toEqual({
    data: { orders: [{ id: 'a%3A1%25:2', state: '_2nd_try' }] },
  });
  expect(await ask(ANN, query, { where: { state: { in: ['EMPTY', '_true'] } } })).toEqual({
    data: { orders: [{ id: `b:${BIG}`, state: 'EMPTY' }] },
  });
});

test('pages of a composite key go forwards and backwards without a gap', async () => {
  const page = `query ($first: Int, $after: String, $last: Int, $before: String) {
    ordersConnection(first: $first, after: $after, last: $last, before: $before, orderBy: [{ note: DESC }]) {
      nodes { note } totalCount pageInfo { hasNextPage hasPreviousPage endCursor startCursor }
    }
  }`;
  const connection = async (variables: object) => {
    const { data } = await ask(ANN, page, variables);
    // biome-ignore lint/suspicious/noExplicitAny: the shape is the document's.
    return (data as any).ordersConnection;
  };
  const first = await connection({ first: 2 });
  expect(first.nodes).toEqual([{ note: 'third' }, { note: 'second' }]);
  expect(first).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } });
  const second = await connection({ first: 2, after: first.pageInfo.endCursor });
  expect(second.nodes).toEqual([{ note: 'first' }]);
  expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  const back = await connection({ last: 1, before: second.pageInfo.startCursor });
  expect(back.nodes).toEqual([{ note: 'second' }]);
  const offset = await ask(ANN, '{ orders(orderBy: [{ note: DESC }], limit: 1, offset: 1) { note } }');
  expect(offset).toEqual({ data: { orders: [{ note: 'second' }] } });
});

test('rows of other groups are not there, by list, by key, by relation or by node', async () => {
  const { data } = await ask(CAT, '{ orders { nodeId } }');
  const nodeId = (data as { orders: { nodeId: string }[] }).orders[0]!.nodeId;
  const query = `query ($nodeId: ID!) {
    order(id: "c:1") { id } node(nodeId: $nodeId) { nodeId } orders(where: { groupCode: { eq: "c" } }) { id }
    ordersConnection(where: { groupCode: { eq: "c" } }) { totalCount }
    product(id: "${BIG}") { name }
    user(id: "${CAT}") { bought { id } }
  }`;
  expect(await ask(ANN, query, { nodeId })).toEqual({
    data: {
      order: null,
      node: null,
      orders: [],
      ordersConnection: { totalCount: 0 },
      product: { name: 'pen' },
      user: { bought: [] },
    },
  });
});

test.each([
  ['order', '"a:1%:2"', 'KEY_INVALID'],
  ['order', '"a%3A1%25"', 'KEY_INVALID'],
  ['order', '"a%3A1%25:9223372036854775808"', 'KEY_INVALID'],
  ['user', '"nobody"', 'KEY_INVALID'],
  ['product', '"1.5"', 'KEY_INVALID'],
])('an id that no %s can have is refused: %s', async (field, id, code) => {
  const { errors } = await ask(ANN, `{ ${field}(id: ${id}) { id } }`);
  expect(errors?.map((error) => error.extensions?.code)).toEqual([code]);
});
