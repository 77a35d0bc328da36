import { afterEach, describe, expect, test } from 'vitest';
import { told } from '../graph-stream.js';
import { ANN, BIG, BOB, CAT, serveSecond } from './serve.js';
import type { Stream } from './stream.js';

const { database, follow: followOne, subscribed } = await serveSecond();
const SCOPE = 'changes { kind op key } links { kind parent child }';
const TREE = '"Head ""Quarters""".tree';
const ORDER = '"Head ""Quarters"""."Order"';
const USER = '"Head ""Quarters"""."User"';
const FIRST = `a%3A1%25:${BIG}`;
const SECOND = 'a%3A1%25:2';

let stream: Stream;
const follow = async (...args: Parameters<typeof followOne>) => {
  stream = await followOne(...args);
};
const toldOf = async (...statements: string[]) => {
  await database.script(statements.join(';\n'));
  const data = await stream.next();
  return told(data.folderChanges ?? data.userChanges ?? data.orderChanges ?? data.taxChanges);
};
afterEach(async () => {
  stream.stop();
  await subscribed(0);
});

describe('a tree', () => {
  const DOWN = `subscription { folderChanges(where: { path: { eq: "/" } }) { changes { kind op key } related { children { ${SCOPE} related {
    parent { ${SCOPE} } children { ${SCOPE} related { children { ${SCOPE} } } } } } } } }`;

  test('is followed to the depth that is selected, and no deeper', async () => {
    await follow(ANN, DOWN);
    expect(
      await toldOf(`insert into ${TREE} values ('/y', '/', 'a:1%', 'y'), ('/y/z', '/y', 'a:1%', 'z')`),
    ).toEqual({
      children: {
        changes: ['ENTER INSERT /y'],
        links: ['ENTER />/y'],
        parent: { links: ['ENTER /y>/'] },
        children: { changes: ['ENTER INSERT /y/z'], links: ['ENTER /y>/y/z'] },
      },
    });
    await database.script(
      `insert into ${TREE} values ('/y/z/1', '/y/z', 'a:1%', '1'), ('/y/z/1/2', '/y/z/1', 'a:1%', '2')`,
    );
    expect(await stream.next().then(({ folderChanges }) => told(folderChanges))).toEqual({
      children: {
        children: { children: { changes: ['ENTER INSERT /y/z/1'], links: ['ENTER /y/z>/y/z/1'] } },
      },
    });
    // One level up: what was too deep comes into sight.
    expect(await toldOf(`update ${TREE} set "Parent Path" = '/y' where "Path" = '/y/z/1'`)).toEqual({
      children: {
        children: {
          changes: ['ENTER UPDATE /y/z/1'],
          links: ['ENTER /y>/y/z/1'],
          children: {
            changes: ['ENTER null /y/z/1/2', 'LEAVE null /y/z/1'],
            links: ['ENTER /y/z/1>/y/z/1/2', 'LEAVE /y/z>/y/z/1'],
          },
        },
      },
    });
    expect(await toldOf(`delete from ${TREE} where "Path" = '/y'`)).toEqual({
      children: {
        changes: ['LEAVE DELETE /y'],
        links: ['LEAVE />/y'],
        parent: { links: ['LEAVE /y>/'] },
        children: {
          changes: ['LEAVE DELETE /y/z', 'LEAVE DELETE /y/z/1'],
          links: ['LEAVE /y>/y/z', 'LEAVE /y>/y/z/1'],
          children: { changes: ['LEAVE DELETE /y/z/1/2'], links: ['LEAVE /y/z/1>/y/z/1/2'] },
        },
      },
    });
  });

  test('a branch that hangs itself elsewhere, and a row that is its own parent, are links like others', async () => {
    await follow(ANN, DOWN);
    expect(await toldOf(`update ${TREE} set "Parent Path" = '/' where "Path" = '/:x/50%'`)).toEqual({
      children: {
        changes: ['ENTER UPDATE /:x/50%'],
        links: ['ENTER />/:x/50%'],
        parent: { links: ['ENTER /:x/50%>/'] },
        children: { changes: ['LEAVE null /:x/50%'], links: ['LEAVE /:x>/:x/50%'] },
      },
    });
    const looped = await toldOf(`update ${TREE} set "Parent Path" = '/' where "Path" = '/'`);
    expect(looped).toMatchObject({
      changes: ['UPDATE UPDATE /'],
      children: {
        changes: ['ENTER UPDATE /'],
        links: ['ENTER />/'],
        parent: { links: ['ENTER />/'] },
        children: { links: ['ENTER />/', 'ENTER />/:x', 'ENTER />/:x/50%'] },
      },
    });
    const straight = await toldOf(`update ${TREE} set "Parent Path" = null where "Path" = '/'`);
    expect(straight).toMatchObject({
      changes: ['UPDATE UPDATE /'],
      children: { changes: ['LEAVE null /'], links: ['LEAVE />/'] },
    });
    await toldOf(`update ${TREE} set "Parent Path" = '/:x' where "Path" = '/:x/50%'`);
  });

  test('a row whose key changes leaves as one row and enters as another, with its links', async () => {
    await follow(ANN, DOWN);
    expect(await toldOf(`update ${TREE} set "Path" = '/:x/%%3A' where "Path" = '/:x/50%'`)).toEqual({
      children: {
        children: {
          changes: ['ENTER INSERT /:x/%%3A', 'LEAVE DELETE /:x/50%'],
          links: ['ENTER /:x>/:x/%%3A', 'LEAVE /:x>/:x/50%'],
        },
      },
    });
    await toldOf(`update ${TREE} set "Path" = '/:x/50%' where "Path" = '/:x/%%3A'`);
  });

  test('a child of another group is not in it', async () => {
    await follow(ANN, DOWN);
    await database.script(
      `insert into ${TREE} values ('/theirs', '/', 'c', 'theirs'), ('/theirs/1', '/theirs', 'a:1%', 'mine')`,
    );
    expect(await toldOf(`update ${TREE} set "group" = 'b' where "Path" = '/theirs'`)).toMatchObject({
      children: { changes: ['ENTER UPDATE /theirs'], children: { changes: ['ENTER null /theirs/1'] } },
    });
    expect(await toldOf(`delete from ${TREE} where "Path" = '/theirs'`)).toMatchObject({
      children: { changes: ['LEAVE DELETE /theirs'], children: { changes: ['LEAVE DELETE /theirs/1'] } },
    });
    expect(stream.count).toBe(2);
  });
});

describe('users of users', () => {
  test('are followed in circles, as far as the junction rows are theirs to see', async () => {
    await follow(
      ANN,
      `subscription { userChanges(where: { name: { eq: "Ann" } }) { changes { kind op key } related {
        friends { ${SCOPE} related { befriendedBy { ${SCOPE} } friends { ${SCOPE} } } } } } }`,
    );
    await database.script(`insert into "friend""ship" values ('${CAT}', '${BOB}')`);
    await database.script(`delete from "friend""ship" where "from" = '${CAT}' and "to" = '${BOB}'`);
    expect(await toldOf(`insert into "friend""ship" values ('${ANN}', '${CAT}')`)).toEqual({
      friends: {
        changes: [`ENTER null ${CAT}`],
        links: [`ENTER ${ANN}>${CAT}`],
        befriendedBy: { links: [`ENTER ${CAT}>${ANN}`] },
        friends: { changes: [`ENTER null ${ANN}`], links: [`ENTER ${CAT}>${ANN}`] },
      },
    });
    // The junction row turns to one that is not Ann's: both ends are changed, and it is hidden.
    expect(
      await toldOf(
        `update "friend""ship" set "from" = '${CAT}', "to" = '${BOB}' where "from" = '${ANN}' and "to" = '${CAT}'`,
      ),
    ).toEqual({
      friends: {
        changes: [`LEAVE null ${CAT}`],
        links: [`LEAVE ${ANN}>${CAT}`],
        befriendedBy: { links: [`LEAVE ${CAT}>${ANN}`] },
        friends: { changes: [`LEAVE null ${ANN}`], links: [`LEAVE ${CAT}>${ANN}`] },
      },
    });
    expect(
      await toldOf(
        `update "friend""ship" set "from" = '${BOB}', "to" = '${ANN}' where "from" = '${CAT}' and "to" = '${BOB}'`,
      ),
    ).toEqual({
      friends: { friends: { changes: [`ENTER null ${ANN}`], links: [`ENTER ${BOB}>${ANN}`] } },
    });
    expect(await toldOf(`delete from "friend""ship" where "from" = '${BOB}' and "to" = '${ANN}'`)).toEqual({
      friends: { friends: { changes: [`LEAVE null ${ANN}`], links: [`LEAVE ${BOB}>${ANN}`] } },
    });
    expect(stream.count).toBe(4);
  });

  test('two relations to one table by different keys, and one with a where, are three scopes', async () => {
    await follow(
      ANN,
      `subscription { userChanges(where: { name: { eq: "Ann" } }) { changes { kind op key } related {
        bought { ${SCOPE} } sold { ${SCOPE} } pending { ${SCOPE} } } } }`,
    );
    expect(await toldOf(`update ${ORDER} set "State" = 'done' where "select" = 'first'`)).toEqual({
      bought: { changes: [`UPDATE UPDATE ${FIRST}`] },
      pending: { changes: [`LEAVE null ${FIRST}`], links: [`LEAVE ${ANN}>${FIRST}`] },
    });
    expect(
      await toldOf(
        `update ${ORDER} set "Buyer" = "Seller", "Seller" = "Buyer", "State" = 'in progress' where "select" = 'first'`,
      ),
    ).toEqual({
      bought: { changes: [`LEAVE null ${FIRST}`], links: [`LEAVE ${ANN}>${FIRST}`] },
      sold: { changes: [`ENTER UPDATE ${FIRST}`], links: [`ENTER ${ANN}>${FIRST}`] },
    });
    expect(
      await toldOf(`update ${ORDER} set "Buyer" = "Seller", "Seller" = "Buyer" where "select" = 'first'`),
    ).toEqual({
      bought: { changes: [`ENTER UPDATE ${FIRST}`], links: [`ENTER ${ANN}>${FIRST}`] },
      sold: { changes: [`LEAVE null ${FIRST}`], links: [`LEAVE ${ANN}>${FIRST}`] },
      pending: { changes: [`ENTER UPDATE ${FIRST}`], links: [`ENTER ${ANN}>${FIRST}`] },
    });
  });
});

test('a number links to an equal number, however either is written', async () => {
  await database.script(`insert into taxes values (19.0, 'full'), (7, 'reduced')`);
  await follow(
    ANN,
    `subscription { taxChanges { changes { kind op key } related { products { ${SCOPE} related { tax { ${SCOPE} } } } } } }`,
  );
  expect(await toldOf(`update products set tax = 19.00 where name = 'pen'`)).toEqual({
    products: {
      changes: [`ENTER UPDATE ${BIG}`],
      links: [`ENTER 19.0>${BIG}`],
      tax: { changes: ['ENTER null 19.0'], links: [`ENTER ${BIG}>19.0`] },
    },
  });
  expect(await toldOf(`update products set tax = 7.000 where name = 'pen'`)).toEqual({
    products: {
      changes: [`UPDATE UPDATE ${BIG}`],
      links: [`LEAVE 19.0>${BIG}`, `ENTER 7>${BIG}`].toSorted(),
      tax: {
        changes: ['ENTER null 7', 'LEAVE null 19.0'],
        links: [`ENTER ${BIG}>7`, `LEAVE ${BIG}>19.0`],
      },
    },
  });
  expect(await toldOf(`update taxes set name = 'low' where rate = 7.0`)).toEqual({
    changes: ['UPDATE UPDATE 7'],
    products: { tax: { changes: ['UPDATE UPDATE 7'] } },
  });
  expect(await toldOf('delete from taxes where rate = 7')).toMatchObject({
    changes: ['LEAVE DELETE 7'],
    products: { changes: [`LEAVE null ${BIG}`], links: [`LEAVE 7>${BIG}`] },
  });
});

describe('orders', () => {
  const GRAPH = `subscription { orderChanges(where: { groupCode: { eq: "a:1%" } }) { changes { kind op key } related {
    buyer { ${SCOPE} } pendingFor { ${SCOPE} } seller { ${SCOPE} } group { ${SCOPE} }
    lines { ${SCOPE} related { product { ${SCOPE} } } } products { ${SCOPE} } } } }`;

  test('a where that the relation borrowed links by what the row above is', async () => {
    await follow(ANN, GRAPH);
    expect(await toldOf(`update ${ORDER} set "State" = 'in progress' where "select" = 'second'`)).toEqual({
      changes: [`UPDATE UPDATE ${SECOND}`],
      pendingFor: { links: [`ENTER ${SECOND}>${ANN}`] },
    });
    expect(await toldOf(`update ${ORDER} set "State" = 'done' where "Group" = 'a:1%'`)).toEqual({
      changes: [`UPDATE UPDATE ${SECOND}`, `UPDATE UPDATE ${FIRST}`],
      pendingFor: {
        changes: [`LEAVE null ${ANN}`],
        links: [`LEAVE ${SECOND}>${ANN}`, `LEAVE ${FIRST}>${ANN}`],
      },
    });
    expect(
      await toldOf(
        `update ${ORDER} set "State" = 'in progress', "Buyer" = '${CAT}' where "select" = 'first'`,
      ),
    ).toEqual({
      changes: [`UPDATE UPDATE ${FIRST}`],
      buyer: { changes: [`ENTER null ${CAT}`], links: [`ENTER ${FIRST}>${CAT}`, `LEAVE ${FIRST}>${ANN}`] },
      pendingFor: { changes: [`ENTER null ${CAT}`], links: [`ENTER ${FIRST}>${CAT}`] },
    });
    expect(await toldOf(`update ${USER} set "Full Name" = 'Kat' where id = '${CAT}'`)).toEqual({
      buyer: { changes: [`UPDATE UPDATE ${CAT}`] },
      pendingFor: { changes: [`UPDATE UPDATE ${CAT}`] },
    });
    await toldOf(
      `update ${USER} set "Full Name" = 'Cat' where id = '${CAT}'`,
      `update ${ORDER} set "Buyer" = '${ANN}' where "select" = 'first'`,
      `update ${ORDER} set "State" = '2nd try' where "select" = 'second'`,
    );
  });

  test('junction rows with composite keys link products, once however many there are', async () => {
    await follow(ANN, GRAPH);
    const insert = (position: number, product: string, number = '2') =>
      `insert into archive.line ("Group", "No.", position, product) values ('a:1%', ${number}, ${position}, ${product})`;
    const INK = '9007199254740992';
    expect(await toldOf(insert(5, INK))).toEqual({
      lines: {
        changes: [`ENTER INSERT ${SECOND}:5`],
        links: [`ENTER ${SECOND}>${SECOND}:5`],
        product: { links: [`ENTER ${SECOND}:5>${INK}`] },
      },
      products: { links: [`ENTER ${SECOND}>${INK}`] },
    });
    expect(await toldOf(insert(6, INK))).toEqual({
      lines: {
        changes: [`ENTER INSERT ${SECOND}:6`],
        links: [`ENTER ${SECOND}>${SECOND}:6`],
        product: { links: [`ENTER ${SECOND}:6>${INK}`] },
      },
    });
    expect(await toldOf('delete from archive.line where position = 5')).toEqual({
      lines: {
        changes: [`LEAVE DELETE ${SECOND}:5`],
        links: [`LEAVE ${SECOND}>${SECOND}:5`],
        product: { links: [`LEAVE ${SECOND}:5>${INK}`] },
      },
    });
    expect(await toldOf(`update archive.line set product = 3, quantity = 2 where position = 6`)).toEqual({
      lines: { changes: [`UPDATE UPDATE ${SECOND}:6`], product: { links: [`LEAVE ${SECOND}:6>${INK}`] } },
      products: { links: [`LEAVE ${SECOND}>${INK}`] },
    });
    // A hidden product is shown: it hangs from both orders.
    expect(await toldOf('update products set withdrawn = false where "ID" = 3')).toEqual({
      lines: {
        product: {
          changes: ['ENTER UPDATE 3'],
          links: [`ENTER ${FIRST}:3>3`, `ENTER ${SECOND}:6>3`].toSorted(),
        },
      },
      products: { changes: ['ENTER UPDATE 3'], links: [`ENTER ${FIRST}>3`, `ENTER ${SECOND}>3`].toSorted() },
    });
    expect(
      await toldOf(
        'update products set withdrawn = true where "ID" = 3',
        'delete from archive.line where position = 6',
      ),
    ).toEqual({
      lines: {
        changes: [`LEAVE DELETE ${SECOND}:6`],
        links: [`LEAVE ${SECOND}>${SECOND}:6`],
        product: {
          changes: ['LEAVE null 3'],
          links: [`LEAVE ${FIRST}:3>3`, `LEAVE ${SECOND}:6>3`].toSorted(),
        },
      },
      products: { changes: ['LEAVE null 3'], links: [`LEAVE ${FIRST}>3`, `LEAVE ${SECOND}>3`].toSorted() },
    });
    // A line moves to an order outside of the scope: its product goes with it.
    await database.script(`update archive.line set position = 7 where "No." = 2 and position = 1`);
    expect(told((await stream.next()).orderChanges)).toMatchObject({
      lines: { changes: [`ENTER INSERT ${SECOND}:7`, `LEAVE DELETE ${SECOND}:1`] },
    });
    expect(await toldOf(`update archive.line set "Group" = 'c', "No." = 1 where position = 7`)).toMatchObject(
      {
        lines: { changes: [`LEAVE DELETE ${SECOND}:7`] },
        products: { links: [`LEAVE ${SECOND}>${BIG}`] },
      },
    );
  });
});
