import { afterEach, describe, expect, test } from 'vitest';
import { ANN, BIG, BOB, CAT, serveSecond } from './serve.js';
import type { Stream } from './stream.js';

const { database, follow: followOne, subscribed } = await serveSecond();
const open: Stream[] = [];
const follow: typeof followOne = async (...args) => {
  const stream = await followOne(...args);
  open.push(stream);
  return stream;
};
afterEach(async () => {
  for (const stream of open.splice(0)) stream.stop();
  await subscribed(0);
});

const ORDER = '"Head ""Quarters"""."Order"';
const TREE = '"Head ""Quarters""".tree';
const ORDERS = `subscription ($where: OrderFilter, $ops: [ChangeOp!], $columns: [OrderColumn!]) {
  orderChanges(where: $where, ops: $ops, columns: $columns) {
    reset changes { kind op key node { number state note buyer { name } } previous { note state } changedColumns }
  }
}`;
const insertOrder = (group: string, number: number | string, note: string) =>
  database.query(
    `insert into ${ORDER} ("Group", "No.", "select") values ($1::text, $2::text::bigint, $3::text)`,
    group,
    String(number),
    note,
  );

/** Kind, op and key of each change of the next message. */
async function outline(stream: Stream, field = 'orderChanges'): Promise<readonly string[]> {
  const message = (await stream.next())[field];
  return message.changes.map(({ kind, op, key }: Record<string, string>) => `${kind} ${op} ${key}`);
}

describe('by where', () => {
  test('a row enters, changes and leaves, by its images', async () => {
    const stream = await follow(ANN, ORDERS, {
      where: { state: { in: ['_2nd_try', 'EMPTY'] }, note: { like: 'w%' } },
    });
    await insertOrder('b', 10, 'w1');
    await database.script(`update ${ORDER} set "State" = '' where "No." = 10`);
    expect((await stream.next()).orderChanges.changes).toEqual([
      {
        kind: 'ENTER',
        op: 'UPDATE',
        key: 'b:10',
        node: { number: '10', state: 'EMPTY', note: 'w1', buyer: null },
        previous: null,
        changedColumns: [],
      },
    ]);
    await database.script(
      `update ${ORDER} set "State" = '2nd try', "Buyer" = '${BOB}', "select" = 'w2' where "No." = 10`,
    );
    expect((await stream.next()).orderChanges.changes).toEqual([
      {
        kind: 'UPDATE',
        op: 'UPDATE',
        key: 'b:10',
        node: { number: '10', state: '_2nd_try', note: 'w2', buyer: { name: 'Bob' } },
        previous: { note: 'w1', state: 'EMPTY' },
        changedColumns: ['state', 'buyerId', 'note'],
      },
    ]);
    await database.script(`update ${ORDER} set "State" = 'true' where "No." = 10`);
    const left = { kind: 'LEAVE', op: null, key: 'b:10', node: null, previous: null, changedColumns: [] };
    expect((await stream.next()).orderChanges.changes).toEqual([left]);
    await database.script(`delete from ${ORDER} where "No." = 10`);
    await insertOrder('b', 11, 'w3');
    await database.script(
      `update ${ORDER} set "State" = '' where "No." = 11; delete from ${ORDER} where "No." = 11`,
    );
    // Both statements of the script are one transaction: the row did not match before it and is gone after it.
    await database.script(
      `insert into ${ORDER} ("Group", "No.", "State", "select") values ('b', 12, '', 'w4')`,
    );
    expect(await outline(stream)).toEqual(['ENTER INSERT b:12']);
    await database.script(`delete from ${ORDER} where "No." = 12`);
    expect((await stream.next()).orderChanges.changes).toEqual([
      { ...left, op: 'DELETE', key: 'b:12', previous: { note: 'w4', state: 'EMPTY' } },
    ]);
    expect(stream.count).toBe(5);
  });

  test('a change of the key is a LEAVE and an ENTER in one message', async () => {
    await insertOrder('b', 20, 'moves');
    const stream = await follow(ANN, ORDERS);
    await database.script(`update ${ORDER} set "No." = ${BIG}, "Group" = 'a:1%', "select" = 'taken' where "No." = 20
      and not exists (select from ${ORDER} where "Group" = 'a:1%' and "No." = ${BIG});
      update ${ORDER} set "No." = 9007199254740995 where "No." = 20`);
    expect((await outline(stream)).toSorted()).toEqual([
      'ENTER INSERT b:9007199254740995',
      'LEAVE DELETE b:20',
    ]);
    await database.script(`delete from ${ORDER} where "No." = 9007199254740995`);
    expect(await outline(stream)).toEqual(['LEAVE DELETE b:9007199254740995']);
  });

  test('ops and columns narrow what is told', async () => {
    const deletes = await follow(ANN, ORDERS, { ops: ['DELETE'] });
    const writes = await follow(ANN, ORDERS, { ops: ['INSERT', 'UPDATE'], columns: ['state', 'sellerId'] });
    await insertOrder('b', 30, 'n');
    await database.script(`update ${ORDER} set "select" = 'other' where "No." = 30`);
    await database.script(`update ${ORDER} set "select" = 'third', "Seller" = '${ANN}' where "No." = 30`);
    await database.script(`delete from ${ORDER} where "No." = 30`);
    await insertOrder('b', 31, 'sentinel');
    await database.script(`delete from ${ORDER} where "No." = 31`);
    expect(await outline(deletes)).toEqual(['LEAVE DELETE b:30']);
    expect(await outline(deletes)).toEqual(['LEAVE DELETE b:31']);
    expect(await outline(writes)).toEqual(['ENTER INSERT b:30']);
    const { changes } = (await writes.next()).orderChanges;
    expect(changes).toMatchObject([{ kind: 'UPDATE', changedColumns: ['sellerId', 'note'] }]);
    expect(await outline(writes)).toEqual(['ENTER INSERT b:31']);
    expect([deletes.count, writes.count]).toEqual([2, 3]);
  });

  test('a where through relations follows rows that never changed themselves', async () => {
    const where = { products: { name: { eq: 'brush' } } };
    const stream = await follow(ANN, ORDERS, { where });
    await database.script(`insert into products ("ID", name) values (50, 'broom')`);
    await database.script(
      `insert into archive.line ("Group", "No.", position, product) values ('a:1%', 2, 9, 50)`,
    );
    await database.script(`update products set name = 'brush' where "ID" = 50`);
    expect(await outline(stream)).toEqual(['ENTER null a%3A1%25:2']);
    // A second line to the same product adds nothing; without the first it still holds.
    await database.script(
      `insert into archive.line ("Group", "No.", position, product) values ('a:1%', 2, 10, 50)`,
    );
    await database.script(`delete from archive.line where position = 9`);
    await database.script(`update products set withdrawn = true where "ID" = 50`);
    expect(await outline(stream)).toEqual(['LEAVE null a%3A1%25:2']);
    await database.script(`update products set withdrawn = false where "ID" = 50`);
    expect(await outline(stream)).toEqual(['ENTER null a%3A1%25:2']);
    await database.script(`update archive.line set "No." = ${BIG} where position = 10`);
    expect((await outline(stream)).toSorted()).toEqual([
      'ENTER null a%3A1%25:9007199254740993',
      'LEAVE null a%3A1%25:2',
    ]);
    await database.script(`delete from archive.line where position = 10`);
    expect(await outline(stream)).toEqual(['LEAVE null a%3A1%25:9007199254740993']);
    expect(stream.count).toBe(5);
  });

  test('a where that the relation borrowed from the other side follows both of its sides', async () => {
    const stream = await follow(ANN, ORDERS, { where: { pendingFor: { name: { eq: 'Kim' } } } });
    await database.script(
      `insert into ${ORDER} ("Group", "No.", "State", "Buyer") values ('b', 60, 'done', '${CAT}')`,
    );
    await database.script(`update "Head ""Quarters"""."User" set "Full Name" = 'Kim' where id = '${CAT}'`);
    await database.script(`update ${ORDER} set "State" = 'in progress' where "No." = 60`);
    expect(await outline(stream)).toEqual(['ENTER UPDATE b:60']);
    await database.script(`update "Head ""Quarters"""."User" set "Full Name" = 'Cat' where id = '${CAT}'`);
    expect(await outline(stream)).toEqual(['LEAVE null b:60']);
    await database.script(`update "Head ""Quarters"""."User" set "Full Name" = 'Kim' where id = '${CAT}'`);
    expect(await outline(stream)).toEqual(['ENTER null b:60']);
    await database.script(`update ${ORDER} set "State" = 'done' where "No." = 60`);
    expect(await outline(stream)).toEqual(['LEAVE null b:60']);
    await database.script(`delete from ${ORDER} where "No." = 60;
      update "Head ""Quarters"""."User" set "Full Name" = 'Cat' where id = '${CAT}'`);
    expect(stream.count).toBe(4);
  });
});

describe('by policy', () => {
  test('what happens in a group that the subscriber is not in sends nothing at all', async () => {
    const streams = await Promise.all([
      follow(ANN, ORDERS),
      follow(ANN, ORDERS, { ops: ['DELETE'] }),
      follow(ANN, ORDERS, { where: { note: { ilike: '%' } } }),
    ]);
    await insertOrder('c', 70, 'theirs');
    await database.script(`update ${ORDER} set "select" = 'still theirs' where "No." = 70`);
    await database.script(`delete from ${ORDER} where "No." = 70`);
    await database.script(
      `insert into "grant" values ('c', '${BOB}'); delete from "grant" where "user" = '${BOB}' and "table" = 'c'`,
    );
    await insertOrder('b', 71, 'sentinel');
    await database.script(`delete from ${ORDER} where "No." = 71`);
    for (const [at, stream] of streams.entries()) {
      if (at !== 1) expect(await outline(stream)).toEqual(['ENTER INSERT b:71']);
      expect(await outline(stream)).toEqual(['LEAVE DELETE b:71']);
      expect(stream.count).toBe(at === 1 ? 1 : 2);
    }
  });

  test('a row that moves to another group leaves some and enters others, with its key only', async () => {
    await insertOrder('b', 80, 'mine');
    await insertOrder('b', 81, 'mine too');
    const folders = `subscription { folderChanges { changes { kind op key node { title } previous { title } } } }`;
    await database.script(`insert into ${TREE} values ('/move', null, 'b', 'moving')`);
    const [ann, bob, cat] = await Promise.all([
      follow(ANN, folders),
      follow(BOB, folders),
      follow(CAT, folders),
    ]);
    await database.script(`update ${TREE} set "group" = 'c', title = 'for Cat' where "Path" = '/move'`);
    const left = { kind: 'LEAVE', op: null, key: '/move', node: null, previous: null };
    expect((await ann.next()).folderChanges.changes).toEqual([left]);
    expect((await bob.next()).folderChanges.changes).toEqual([left]);
    const entered = { kind: 'ENTER', op: 'UPDATE', key: '/move', node: { title: 'for Cat' }, previous: null };
    expect((await cat.next()).folderChanges.changes).toEqual([entered]);
    await database.script(`update ${TREE} set "group" = 'a:1%', title = 'for Ann' where "Path" = '/move'`);
    expect((await ann.next()).folderChanges.changes).toEqual([{ ...entered, node: { title: 'for Ann' } }]);
    expect((await cat.next()).folderChanges.changes).toEqual([left]);
    await database.script(`delete from ${TREE} where "Path" = '/move'`);
    expect((await ann.next()).folderChanges.changes).toEqual([
      { ...left, op: 'DELETE', previous: { title: 'for Ann' } },
    ]);
    await database.script(
      `delete from ${ORDER} where "No." in (80, 81); insert into ${TREE} values ('/end', null, 'b', 'end')`,
    );
    expect(await outline(bob, 'folderChanges')).toEqual(['ENTER INSERT /end']);
    await database.script(`delete from ${TREE} where "Path" = '/end'`);
    expect([ann.count, bob.count, cat.count].map((count) => count >= 2)).toEqual([true, true, true]);
  });

  test('a membership row that comes, moves and goes sends ENTER and LEAVE for what it shows', async () => {
    const stream = await follow(BOB, ORDERS);
    const ofA = ['a%3A1%25:2', 'a%3A1%25:9007199254740993'];
    await database.script(`insert into "grant" values ('a:1%', '${BOB}')`);
    expect((await outline(stream)).toSorted()).toEqual(ofA.map((key) => `ENTER null ${key}`));
    await database.script(`update "grant" set "table" = 'c' where "table" = 'a:1%' and "user" = '${BOB}'`);
    expect((await outline(stream)).toSorted()).toEqual([
      'ENTER null c:1',
      ...ofA.map((key) => `LEAVE null ${key}`),
    ]);
    // The grant and a row that it shows, in one transaction.
    await database.script(`delete from "grant" where "table" = 'c' and "user" = '${BOB}';
      insert into ${ORDER} ("Group", "No.") values ('c', 90)`);
    expect(await outline(stream)).toEqual(['LEAVE null c:1']);
    await database.script(
      `insert into "grant" values ('c', '${BOB}'); update ${ORDER} set "select" = 'x' where "No." = 90`,
    );
    expect((await outline(stream)).toSorted()).toEqual(['ENTER UPDATE c:90', 'ENTER null c:1']);
    await database.script(
      `delete from "grant" where "table" = 'c' and "user" = '${BOB}'; delete from ${ORDER} where "No." = 90`,
    );
    const { changes } = (await stream.next()).orderChanges;
    expect(changes.map(({ kind, key }: Record<string, string>) => `${kind} ${key}`).toSorted()).toEqual([
      'LEAVE c:1',
      'LEAVE c:90',
    ]);
    expect(stream.count).toBe(5);
  });

  test('a deleted group takes everything with it, in one message', async () => {
    await database.script(`insert into "Head ""Quarters"""."group" values ('tmp', 'T'); insert into "grant" values ('tmp', '${ANN}');
      insert into ${ORDER} ("Group", "No.") select 'tmp', n from generate_series(1, 3) n`);
    const stream = await follow(ANN, ORDERS);
    await database.script(`delete from "Head ""Quarters"""."group" where "order" = 'T'`);
    expect((await outline(stream)).toSorted()).toEqual([
      'LEAVE DELETE tmp:1',
      'LEAVE DELETE tmp:2',
      'LEAVE DELETE tmp:3',
    ]);
    expect(stream.count).toBe(1);
  });
});

describe('transactions', () => {
  test('one transaction is one message with one net change a row', async () => {
    const stream = await follow(
      ANN,
      `subscription { orderChanges { transaction { xid mutationId } changes { kind op key node { note } previous { note } } } }`,
    );
    const number = await database.db.transaction(async (tx) => {
      const run = (text: string) => tx.query({ text, params: [] });
      await run(`insert into ${ORDER} ("Group", "No.", "select") values ('b', 100, '1'), ('b', 101, '1')`);
      await run(`update ${ORDER} set "select" = '2' where "No." in (100, 101)`);
      await run(`delete from ${ORDER} where "No." = 101`);
      await run(`update ${ORDER} set "select" = 'x' where "No." = 2`);
      await run(`update ${ORDER} set "select" = 'second!' where "No." = 2`);
      return (await run('select pg_current_xact_id()::text'))[0]![0];
    });
    const { transaction, changes } = (await stream.next()).orderChanges;
    expect(transaction).toEqual({ xid: expect.stringMatching(/^[\w-]{22}$/), mutationId: null });
    expect(JSON.stringify(transaction)).not.toContain(`"${number}"`);
    expect(changes).toEqual([
      { kind: 'ENTER', op: 'INSERT', key: 'b:100', node: { note: '2' }, previous: null },
      {
        kind: 'UPDATE',
        op: 'UPDATE',
        key: 'a%3A1%25:2',
        node: { note: 'second!' },
        previous: { note: 'second' },
      },
    ]);
    await database.script(
      `update ${ORDER} set "select" = 'second' where "No." = 2; delete from ${ORDER} where "No." = 100`,
    );
    expect(await outline(stream)).toHaveLength(2);
    expect(stream.count).toBe(2);
  });

  test('a transaction that is rolled back, or changes nothing, is not told', async () => {
    const stream = await follow(ANN, ORDERS);
    await expect(database.script(`update ${ORDER} set "select" = 'never'; select 1 / 0`)).rejects.toThrow();
    await database.script(`update ${ORDER} set "select" = "select"`);
    await database.script(
      `update ${ORDER} set "select" = 'x' where "No." = 2; update ${ORDER} set "select" = 'second' where "No." = 2`,
    );
    await insertOrder('b', 110, 'sentinel');
    expect(await outline(stream)).toEqual(['ENTER INSERT b:110']);
    await database.script(`delete from ${ORDER} where "No." = 110`);
    expect(await outline(stream)).toEqual(['LEAVE DELETE b:110']);
    expect(stream.count).toBe(2);
  });

  test('tables of one name in two schemas are two tables', async () => {
    const orders = await follow(ANN, ORDERS);
    const old = await follow(
      ANN,
      'subscription { oldOrderChanges { changes { kind op key node { note } } } }',
    );
    await database.script(`insert into archive."Order" values (${BIG}, 'old')`);
    await insertOrder('b', 120, 'new');
    expect((await old.next()).oldOrderChanges.changes).toEqual([
      { kind: 'ENTER', op: 'INSERT', key: BIG, node: { note: 'old' } },
    ]);
    expect(await outline(orders)).toEqual(['ENTER INSERT b:120']);
    expect([orders.count, old.count]).toEqual([1, 1]);
  });

  test('TRUNCATE is a reset, with a LEAVE for each row where they are known one by one', async () => {
    const old = await follow(
      ANN,
      'subscription { oldOrderChanges { reset transaction { xid } changes { kind op key node { note } } } }',
    );
    await database.script(`truncate archive."Order"; insert into archive."Order" values (7, 'after')`);
    expect((await old.next()).oldOrderChanges).toMatchObject({
      reset: 'TRUNCATED',
      transaction: { xid: expect.any(String) },
      changes: [{ kind: 'ENTER', op: 'INSERT', key: '7', node: { note: 'after' } }],
    });
    const lines = await follow(ANN, 'subscription { lineChanges { reset changes { kind op key } } }');
    const orders = await follow(ANN, ORDERS, { where: { lines: {}, number: { eq: '2' } } });
    const byLine = await follow(ANN, ORDERS, { where: { products: { name: { eq: 'pen' } } } });
    // Rows that a TRUNCATE took before a scope was loaded are in no log.
    await database.script(`update archive.line set quantity = 3 where "No." = 2;
      update ${ORDER} set "select" = 'start' where "No." = 2`);
    expect((await lines.next()).lineChanges.changes).toHaveLength(1);
    for (const stream of [orders, byLine])
      expect(await outline(stream)).toEqual(['UPDATE UPDATE a%3A1%25:2']);
    await database.script('truncate archive.line');
    const message = (await lines.next()).lineChanges;
    const keys = message.changes.map(({ kind, key }: Record<string, string>) => `${kind} ${key}`).toSorted();
    expect([message.reset, keys]).toEqual([
      'TRUNCATED',
      ['LEAVE a%3A1%25:2:1', ...[1, 2, 3].map((position) => `LEAVE a%3A1%25:${BIG}:${position}`)],
    ]);
    expect((await outline(byLine)).toSorted()).toEqual([
      'LEAVE null a%3A1%25:2',
      `LEAVE null a%3A1%25:${BIG}`,
    ]);
    await database.script(`update ${ORDER} set "select" = 'end' where "No." = 2`);
    expect(await outline(orders)).toEqual(['UPDATE UPDATE a%3A1%25:2']);
  });
});
