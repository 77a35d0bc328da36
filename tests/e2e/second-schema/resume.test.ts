import { afterEach, expect, test } from 'vitest';
import { told } from '../graph-stream.js';
import { ANN, BIG, BOB, serveSecond } from './serve.js';
import { Stream } from './stream.js';

const { client, database, server, subscribed, token, url } = await serveSecond();
const ORDER = '"Head ""Quarters"""."Order"';
const SCOPE = 'changes { kind op key } links { kind parent child }';
const CHANGES = `subscription ($after: String, $where: OrderFilter) { orderChanges(after: $after, where: $where) {
  cursor reset changes { kind op key node { note lines { position } } } } }`;
const GRAPH = `subscription ($after: String) { orderChanges(after: $after, where: { groupCode: { in: ["a:1%", "b"] } }) {
  cursor reset changes { kind op key } related { lines { ${SCOPE} related { product { ${SCOPE} } } } products { ${SCOPE} } buyer { ${SCOPE} } } } }`;

/** Cursors are encrypted: no two are the same text. */
const withoutCursor = ({ cursor: _, ...rest }: { cursor: string }) => rest;

async function query(user: string, document: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await token(user)}` },
    body: JSON.stringify({ query: document }),
  });
  const { data, extensions } = (await response.json()) as {
    data: Record<string, unknown>;
    extensions: { rivulet: { cursor: string } };
  };
  return { data, cursor: extensions.rivulet.cursor };
}

const ours = new Map([
  [ANN, await client(ANN)],
  [BOB, await client(BOB)],
]);
const open: Stream[] = [];
const resume = (user: string, document: string, after: string) => {
  const stream = new Stream(ours.get(user)!, document, { after });
  open.push(stream);
  return stream;
};
afterEach(async () => {
  for (const stream of open.splice(0)) stream.stop();
  await subscribed(0);
});

test('what was committed between a query and its stream is told once, in order, whatever the key', async () => {
  const { data, cursor } = await query(
    ANN,
    '{ orders(orderBy: [{ number: ASC }]) { id } users { id } products { id } }',
  );
  expect(data.orders).toHaveLength(3);
  await database.script(
    `insert into ${ORDER} ("Group", "No.", "select") values ('b', ${BIG}1, 'one'), ('c', ${BIG}1, 'theirs')`,
  );
  await database.script(`update ${ORDER} set "select" = 'two' where "No." = ${BIG}1`);
  const stream = resume(ANN, CHANGES, cursor);
  const lines = { lines: [] };
  expect((await stream.next()).orderChanges).toMatchObject({
    reset: null,
    changes: [{ kind: 'ENTER', op: 'INSERT', key: `b:${BIG}1`, node: { note: 'one', ...lines } }],
  });
  const second = (await stream.next()).orderChanges;
  expect(second.changes).toEqual([
    { kind: 'UPDATE', op: 'UPDATE', key: `b:${BIG}1`, node: { note: 'two', ...lines } },
  ]);
  await database.script(`delete from ${ORDER} where "No." = ${BIG}1`);
  const third = (await stream.next()).orderChanges;
  expect(third.changes).toMatchObject([{ kind: 'LEAVE', op: 'DELETE', key: `b:${BIG}1` }]);
  expect(stream.count).toBe(3);
  stream.stop();
  // From the cursor of a message the stream goes on after that message.
  const again = resume(ANN, CHANGES, second.cursor);
  expect(withoutCursor((await again.next()).orderChanges)).toEqual(withoutCursor(third));
  again.stop();
});

test('a graph whose rows and links all still hold resumes as one that was never interrupted', async () => {
  const { cursor } = await query(ANN, '{ orders { id } }');
  const steady = resume(ANN, GRAPH, cursor);
  const steps = [
    `insert into ${ORDER} ("Group", "No.", "Buyer") values ('b', 10, '${BOB}')`,
    `insert into archive.line ("Group", "No.", position, product) values ('b', 10, 1, ${BIG}), ('b', 10, 2, 3)`,
    'update products set withdrawn = false where "ID" = 3',
    `update products set name = 'gone no more' where "ID" = 3`,
    `update ${ORDER} set "select" = 'again' where "Group" = 'b' and "No." = 10`,
  ];
  const messages: { cursor: string }[] = [];
  for (const step of steps) await database.script(step);
  await database.script(`update ${ORDER} set "select" = 'end' where "Group" = 'b'`);
  const isEnd = (message: object) =>
    JSON.stringify(told(message as never)).includes('"UPDATE UPDATE b:9007199254740993"');
  do messages.push((await steady.next()).orderChanges);
  while (!isEnd(messages.at(-1)!));
  expect(messages.length).toBeGreaterThan(5);
  steady.stop();
  for (const [at, { cursor: after }] of [{ cursor }, ...messages].entries()) {
    const stream = resume(ANN, GRAPH, after);
    for (const expected of messages.slice(at))
      expect([at, withoutCursor((await stream.next()).orderChanges)]).toEqual([at, withoutCursor(expected)]);
    stream.stop();
  }
  await database.script(`delete from ${ORDER} where "No." = 10`);
  await database.script(`update products set withdrawn = true, name = 'gone' where "ID" = 3`);
});

test('rows that were deleted meanwhile are not in a graph that resumes, which ends as one that was never interrupted', async () => {
  const { cursor } = await query(ANN, '{ orders { id } }');
  await database.script(`insert into ${ORDER} ("Group", "No.", "select") values ('b', 11, 'gone by now')`);
  await database.script(
    `insert into archive.line ("Group", "No.", position, product) values ('b', 11, 1, ${BIG})`,
  );
  await database.script(`delete from ${ORDER} where "No." = 11`);
  await database.script(`update ${ORDER} set "select" = 'last' where "Group" = 'b' and "No." = ${BIG}`);
  const stream = resume(ANN, GRAPH, cursor);
  const heard: string[] = [];
  do heard.push(JSON.stringify((await stream.next()).orderChanges));
  while (!heard.at(-1)!.includes(`b:${BIG}`));
  expect(heard.join()).not.toMatch(/gone by now|b:11/);
  stream.stop();
});

test('who lost a group meanwhile is told that its rows left, and nothing of what happened in it', async () => {
  const { cursor } = await query(BOB, '{ orders { id } }');
  await database.script(`update ${ORDER} set "select" = 'seen by nobody' where "Group" = 'b'`);
  await database.script(`delete from "grant" where "user" = '${BOB}'`);
  await database.script(`update ${ORDER} set "select" = 'secret' where "Group" = 'b'`);
  const stream = resume(BOB, CHANGES, cursor);
  const heard: string[] = [];
  for (;;) {
    const message = (await stream.next()).orderChanges;
    heard.push(JSON.stringify(message.changes));
    if (message.changes[0]?.kind === 'LEAVE') break;
  }
  expect(heard.join()).not.toContain('secret');
  await database.script(`insert into "grant" values ('b', '${BOB}')`);
  expect((await stream.next()).orderChanges.changes).toMatchObject([{ kind: 'ENTER', op: null }]);
  stream.stop();
});

test('a cursor that somebody made up is refused', async () => {
  const { cursor } = await query(ANN, '{ orders { id } }');
  for (const after of ['', 'nonsense', `${cursor.slice(0, -2)}AA`, `${cursor}A`])
    expect([after, await resume(ANN, CHANGES, after).refused()]).toEqual([after, ['CURSOR_INVALID']]);
  expect(server.scopes.status().subscribers).toBe(0);
});
