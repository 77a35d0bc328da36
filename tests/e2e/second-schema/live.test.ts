import { createClient as createSseClient } from 'graphql-sse';
import { afterEach, expect, test } from 'vitest';
import { ANN, BIG, BOB, CAT, serveSecond } from './serve.js';
import type { Stream } from './stream.js';

const { ask, database, follow: followOne, server, subscribed, token, url } = await serveSecond();
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

const USER = '"Head ""Quarters"""."User"';
const ORDER = '"Head ""Quarters"""."Order"';

test('a live query answers now, again when anything below it changed, and not otherwise', async () => {
  const document = `{ users(orderBy: [{ name: ASC }]) {
    name friends { name } bought(where: { note: { ne: "hidden" } }, orderBy: [{ number: ASC }], limit: 2) { id note products(orderBy: [{ name: ASC }]) { name } }
  } }`;
  const live = await follow(ANN, `subscription ${document}`);
  let count = 0;
  const isTrue = async () => {
    expect(await live.next()).toEqual((await ask(ANN, document)).data);
    count++;
  };
  await isTrue();
  const steps = [
    `update ${USER} set "Full Name" = 'Zoe' where id = '${ANN}'`,
    `insert into "friend""ship" values ('${ANN}', '${CAT}')`,
    `delete from "friend""ship" where "from" = '${ANN}' and "to" = '${CAT}'`,
    `update ${ORDER} set "select" = 'hidden' where "Group" = 'a:1%' and "No." = 2`,
    `update ${ORDER} set "select" = 'second' where "Group" = 'a:1%' and "No." = 2`,
    `update products set withdrawn = true where "ID" = ${BIG}`,
    `update products set withdrawn = false where "ID" = ${BIG}`,
    `insert into archive.line ("Group", "No.", position, product) values ('a:1%', 2, 2, 9007199254740992)`,
    `delete from "grant" where "table" = 'a:1%' and "user" = '${ANN}'`,
    `insert into "grant" values ('a:1%', '${ANN}')`,
    `update ${USER} set "Full Name" = 'Ann' where id = '${ANN}'`,
  ];
  for (const step of steps) {
    await database.script(step);
    await isTrue();
  }
  const unseen = [
    `update ${USER} set password = 'x', "E-mail" = 'x'`,
    `insert into ${ORDER} ("Group", "No.", "Buyer") values ('c', 900, '${ANN}')`,
    `update archive.line set quantity = 5`,
    `insert into audits values (9, '${ANN}', 'x')`,
  ];
  for (const step of unseen) {
    await database.script(step);
    // Answers that nobody has read yet are replaced by newer ones: each step must have had its chance to make one.
    await server.feed.catchUp();
  }
  await database.script(`update ${USER} set "Full Name" = 'Anna' where id = '${ANN}'`);
  await isTrue();
  expect(live.count).toBe(count);
});

test('windows of a live query follow order, limit and offset', async () => {
  const document = `{ orders(orderBy: [{ state: DESC }, { note: ASC }], offset: 1, limit: 2) { id state note } }`;
  const live = await follow(BOB, `subscription ${document}`);
  const isTrue = async () => expect(await live.next()).toEqual((await ask(BOB, document)).data);
  await isTrue();
  await database.script(
    `insert into ${ORDER} ("Group", "No.", "State", "select") select 'b', n, 'done', 'n' || n from generate_series(200, 204) n`,
  );
  await isTrue();
  await database.script(`update ${ORDER} set "State" = 'true' where "No." = 201`);
  await isTrue();
  await database.script(`delete from ${ORDER} where "No." between 200 and 204`);
  await isTrue();
  expect(live.count).toBe(4);
});

test('one row by its key is null until it is there, while it may not be seen, and after it is gone', async () => {
  const live = await follow(BOB, 'subscription { folder(id: "/q:%") { id title parent { title } } }');
  expect(await live.next()).toEqual({ folder: null });
  const TREE = '"Head ""Quarters""".tree';
  await database.script(`insert into ${TREE} values ('/q:%', '/', 'b', 'q')`);
  // Its parent is of a group that Bob is not in.
  expect(await live.next()).toEqual({ folder: { id: '/q:%', title: 'q', parent: null } });
  await database.script(`update ${TREE} set "group" = 'c', title = 'theirs' where "Path" = '/q:%'`);
  expect(await live.next()).toEqual({ folder: null });
  await database.script(`update ${TREE} set title = 'still theirs' where "Path" = '/q:%'`);
  await database.script(`insert into "grant" values ('c', '${BOB}')`);
  expect(await live.next()).toMatchObject({ folder: { title: 'still theirs' } });
  await database.script(`delete from "Head ""Quarters"""."group" where "the ""Key"": %" = 'c'`);
  expect(await live.next()).toEqual({ folder: null });
  expect(live.count).toBe(5);
});

test('a stock graphql-sse client is told the same as a graphql-ws client', async () => {
  const query = `subscription { orderChanges { cursor changes { kind op key node { number note group { title } } } related { lines { changes { kind key } } } } }`;
  const ws = await follow(ANN, query);
  const sse = createSseClient({
    url,
    headers: { authorization: `Bearer ${await token(ANN)}` },
    retryAttempts: 0,
  });
  const events = sse.iterate<Record<string, unknown>>({ query });
  let next = events.next();
  await subscribed(2);
  const steps = [
    `insert into ${ORDER} ("Group", "No.", "select") values ('b', ${BIG}0, 'n'), ('a:1%', 301, 'ü')`,
    `insert into archive.line ("Group", "No.", position, product) values ('b', ${BIG}0, 1, 3)`,
    `delete from ${ORDER} where "No." = ${BIG}0`,
  ];
  for (const step of steps) {
    await database.script(step);
    const { value } = await next;
    next = events.next();
    const { cursor: _, ...told } = value.data.orderChanges;
    const { cursor: _other, ...same } = (await ws.next()).orderChanges;
    expect(told).toEqual(same);
  }
  await events.return?.();
  sse.dispose();
});

test('somebody without a token is told of nothing but what is everybody’s', async () => {
  expect(await ask('', '{ users { id } orders { id } folders { id } products { name } }')).toEqual({
    data: { users: [], orders: [], folders: [], products: [{ name: 'ink' }, { name: 'pen' }] },
  });
  const stream = await follow('', 'subscription { userChanges { changes { key } } }');
  const old = await follow('', 'subscription { oldOrderChanges { changes { key } } }');
  await database.script(
    `update ${USER} set "Full Name" = 'Cath' where id = '${CAT}'; insert into archive."Order" values (1, 'x')`,
  );
  expect(await old.next()).toEqual({ oldOrderChanges: { changes: [{ key: '1' }] } });
  expect(stream.count).toBe(0);
});
