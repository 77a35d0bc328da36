import { afterEach, expect, test } from 'vitest';
import { projects } from '../../schema/projects.js';
import { tasks } from '../../schema/tasks.js';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

/**
 * T36 and T10: a cursor from before a revocation. Whatever way a stream is resumed, nothing that was written since is sent of rows that
 * today's rights do not show. Ada sees the projects 1 and 2; the words with SECRET are never for her.
 */
const example = await serveExample();
const { url, database, token, subscribed, server } = example;
const ada = await token(1);
const authorization = `Bearer ${ada}`;

const TASKS = `subscription ($after: String) { taskChanges(after: $after) {
  cursor reset
  changes { kind op key node { title project { name } comments { body } } previous { title } changedColumns }
} }`;
const GRAPH = `subscription ($after: String) { projectChanges(after: $after) {
  cursor reset changes { kind key node { name } }
  related { tasks { changes { kind key node { title } previous { title } } links { kind parent child }
    related { comments { changes { kind key node { body } previous { body } } links { kind parent child } } } } }
} }`;

const closers: (() => void)[] = [];

/** What came, as one text of all bytes. */
type Received = () => string;

/** Every way to come back. */
const WAYS: readonly (readonly [string, (query: string, after: string) => Promise<Received>])[] = [
  [
    'Last-Event-ID',
    async (query, after) => {
      const stream = await RawEventStream.open(`${url}?query=${encodeURIComponent(query)}`, {
        headers: { authorization, 'last-event-id': after },
      });
      closers.push(() => stream.close());
      return () => stream.text;
    },
  ],
  ['`after` over a WebSocket', (query, after) => overSocket(query, { variables: { after } })],
  [
    '`rivulet.after` over a WebSocket',
    (query, after) => overSocket(query, { extensions: { rivulet: { after } } }),
  ],
  [
    'the server API, for a context',
    async (query, after) => {
      const target = query.includes('projectChanges') ? projects : tasks;
      const below =
        target === projects ? { tasks: { with: { comments: true } } } : { project: true, comments: true };
      const stream = server.changes(target as never, { after, as: { userId: 1 }, with: below } as never);
      const received: string[] = [];
      const reading = (async () => {
        for await (const message of stream as AsyncIterable<object>) {
          received.push(
            JSON.stringify(message, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)),
          );
        }
      })();
      closers.push(() => void Promise.all([stream.return?.(), reading]));
      return () => received.join('\n');
    },
  ],
];

async function overSocket(query: string, payload: object): Promise<Received> {
  const socket = await new RawSocket(example.socket()).init({ token: ada });
  socket.send({ type: 'subscribe', id: '1', payload: { query, ...payload } });
  closers.push(() => socket.socket.terminate());
  return () => JSON.stringify(socket.received);
}

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await subscribed(0);
  await database.script(`
    delete from members where user_id = 1;
    insert into members (project_id, user_id, role) values (1, 1, 'owner'), (2, 1, 'editor');
    delete from tasks where id >= 900;
    delete from comments where body like '%SECRET%';
    update tasks set title = 'plain ' || id, project_id = case id when 1 then 1 else project_id end;
    update projects set name = 'project ' || id;`);
});

async function cursorOfNow(): Promise<string> {
  const response = await fetch(`${url}?query=${encodeURIComponent('{ task(id: 1) { id } }')}`, {
    headers: { authorization },
  });
  return ((await response.json()) as { extensions: { rivulet: { cursor: string } } }).extensions.rivulet
    .cursor;
}

/** What happens while ada is away; each must not leave a trace of its secret. */
const AWAY: readonly (readonly [string, string])[] = [
  [
    'rights withdrawn, then the rows written',
    `delete from members where project_id = 1 and user_id = 1;
     update tasks set title = 'SECRET' where project_id = 1;
     update projects set name = 'SECRET' where id = 1;
     insert into comments (task_id, author_id, body) values (1, 3, 'SECRET');`,
  ],
  [
    'the rows written, then rights withdrawn',
    `update tasks set title = 'SECRET' where project_id = 1;
     insert into comments (task_id, author_id, body) values (1, 3, 'SECRET');
     update projects set name = 'SECRET' where id = 1;
     delete from members where project_id = 1 and user_id = 1;`,
  ],
  [
    'a row that was in reach for a moment',
    `insert into tasks (id, project_id, title) overriding system value values (987001, 3, 'SECRET');
     update tasks set project_id = 1 where id = 987001;
     update tasks set title = 'SECRET too' where id = 987001;
     update tasks set project_id = 3 where id = 987001;`,
  ],
  [
    'a row that came and was deleted',
    `insert into tasks (id, project_id, title) overriding system value values (987002, 1, 'SECRET');
     insert into comments (task_id, author_id, body) values (987002, 3, 'SECRET');
     delete from tasks where id = 987002;`,
  ],
  [
    'a row that was written and then deleted',
    `insert into comments (task_id, author_id, body) values (1, 3, 'SECRET');
     delete from comments where body = 'SECRET';`,
  ],
  [
    'rights given for a moment',
    `insert into members (project_id, user_id, role) values (3, 1, 'viewer');
     update tasks set title = 'SECRET' where project_id = 3;
     update projects set name = 'SECRET' where id = 3;
     delete from members where project_id = 3 and user_id = 1;`,
  ],
  [
    'a row in a project that is out of reach now, which moved to one that is in reach',
    `update tasks set title = 'SECRET' where id = 1;
     delete from members where project_id = 1 and user_id = 1;
     update tasks set title = 'for ada', project_id = 2 where id = 1;`,
  ],
];

for (const [stream, query] of [
  ['rows that carry relations', TASKS],
  ['scopes below', GRAPH],
] as const) {
  for (const [way, resume] of WAYS) {
    test.each(AWAY)(`T36: ${stream}, by ${way}: %s, and no byte of it is sent`, async (_what, script) => {
      const after = await cursorOfNow();
      // Each statement a transaction of its own.
      for (const statement of script.split(';')) if (statement.trim()) await database.script(statement);
      const received = await resume(query, after);
      await subscribed(1);
      await database.script(
        query === GRAPH
          ? `update projects set name = 'the end' where id = 2`
          : `update tasks set title = 'the end' where id = (select min(id) from tasks where project_id = 2 and id > 1)`,
      );
      await waitFor('what was written last', () => received().includes('the end'));
      expect(received()).not.toContain('SECRET');
      // Neither is the key of a row that ada never had.
      expect(received()).not.toMatch(/98700[12]/);
      expect(received()).not.toContain('RIGHTS_CHANGED');
    });
  }
}

test('T10: what a client had of a row that it may not see any more is a key, once', async () => {
  const after = await cursorOfNow();
  await database.script(`update tasks set title = 'SECRET' where id = 1`);
  await database.script(`update tasks set project_id = 3 where id = 1`);
  await database.script(`update tasks set title = 'seen' where id = 2`);
  const socket = await new RawSocket(example.socket()).init({ token: ada });
  closers.push(() => socket.socket.terminate());
  const query = `subscription ($after: String) { taskChanges(after: $after) { changes { kind op key node { title } previous { title } } } }`;
  socket.send({ type: 'subscribe', id: '1', payload: { query, variables: { after } } });
  await waitFor('the replay', () => JSON.stringify(socket.received).includes('seen'));
  const changes = socket.received
    .filter(({ type }) => type === 'next')
    .flatMap(
      ({ payload }) => (payload as { data: { taskChanges: { changes: object[] } } }).data.taskChanges.changes,
    );
  expect(changes).toMatchObject([
    { kind: 'LEAVE', op: null, key: '1', node: null, previous: null },
    { kind: 'UPDATE', op: 'UPDATE', key: '2', node: { title: 'seen' } },
  ]);
});

test("a replay of what today's rights show comes transaction by transaction", async () => {
  const after = await cursorOfNow();
  for (const title of ['one', 'two', 'three']) {
    await database.query('update tasks set title = $1 where id = 1', title);
  }
  const socket = await new RawSocket(example.socket()).init({ token: ada });
  closers.push(() => socket.socket.terminate());
  const query = `subscription ($after: String) { taskChanges(after: $after) { changes { node { title } previous { title } } } }`;
  socket.send({ type: 'subscribe', id: '1', payload: { query, variables: { after } } });
  await waitFor('the replay', () => socket.received.filter(({ type }) => type === 'next').length === 3);
  expect(JSON.stringify(socket.received)).toMatch(/one.*two.*three/);
});

const NEVER_SECRET = 'HARMLESS';
const ofUsers = (where: string) =>
  `subscription ($after: String) { userChanges(after: $after, where: { OR: [{ id: { eq: 1 } }, ${where}] }) {
    cursor reset transaction { loggedAt } changes { kind op key node { name } changedColumns } } }`;
const ofPeople = (where: string) =>
  `subscription ($after: String) { projectChanges(after: $after, where: { id: { eq: 2 } }) {
    cursor reset transaction { loggedAt } changes { kind op key node { name } changedColumns }
    related { people(where: ${where}) { changes { kind op key node { name } } links { kind parent child } } } } }`;

/** What a `where` may ask about rows that were in reach, and what happens to them while ada is away. */
const SOUGHT: readonly (readonly [string, string, (word: string) => string])[] = [
  [
    'a word in a row below, then hidden',
    ofUsers('{ assignedTasks: { title: { eq: "SECRET" } } }'),
    (word) =>
      `update tasks set title = '${word}' where id = 1; delete from members where project_id = 1 and user_id = 1`,
  ],
  [
    'a word that is not in a row below, then hidden',
    ofUsers('{ assignedTasks: { AND: [{ id: { eq: 1 } }, { title: { ne: "SECRET" } }] } }'),
    (word) =>
      `update tasks set title = '${word}' where id = 1; delete from members where project_id = 1 and user_id = 1`,
  ],
  [
    'a word in a row below that was in reach for a moment',
    ofUsers('{ assignedTasks: { title: { eq: "SECRET" } } }'),
    (word) => `insert into members (project_id, user_id, role) values (3, 1, 'viewer');
     update tasks set title = '${word}', assignee_id = 2 where project_id = 3;
     delete from members where project_id = 3 and user_id = 1`,
  ],
  [
    'a word in a row below that is found by another in the end',
    ofUsers('{ assignedTasks: { title: { in: ["SECRET", "the same"] } } }'),
    (word) => `update tasks set title = '${word}' where id = 1;
     delete from members where project_id = 1 and user_id = 1;
     update tasks set title = 'the same', assignee_id = 2 where project_id = 2`,
  ],
  [
    'a word in rows below rows below',
    ofPeople('{ assignedTasks: { AND: [{ id: { eq: 1 } }, { title: { ne: "SECRET" } }] } }'),
    (word) =>
      `update tasks set title = '${word}' where id = 1; delete from members where project_id = 1 and user_id = 1`,
  ],
  [
    'rows that were away for a while',
    ofUsers('{ assignedTasks: { title: { ne: "SECRET" } } }'),
    (word) => `delete from tasks where assignee_id = 2 and id <> 1;
     update tasks set title = '${word}' where id = 1;
     insert into tasks (project_id, title, assignee_id) values (2, 'another', 2);
     delete from members where project_id = 1 and user_id = 1`,
  ],
  [
    'a row that was deleted in the end',
    ofUsers('{ assignedTasks: { title: { ne: "SECRET" } } }'),
    (word) => `update tasks set title = '${word}' where assignee_id = 98;
     delete from users where id = 98;
     delete from members where project_id = 1 and user_id = 1`,
  ],
];

/** As `loggedAt` is written. */
const CLOCK = `to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Everything that is told, cursors apart, and of which of the statements each message is. */
async function toldOf(query: string, statements: readonly string[]): Promise<unknown> {
  await database.script(
    'update tasks set assignee_id = case id when 1 then 2 else 1 end where assignee_id is distinct from 98',
  );
  const after = await cursorOfNow();
  const now = async () => (await database.query(`select ${CLOCK}`))[0]![0]!;
  const times: string[] = [];
  for (const statement of [...statements, ENDS[/userChanges|projectChanges/.exec(query)![0]]!]) {
    await database.script(statement);
    times.push(await now());
  }
  const received = await overSocket(query, { variables: { after } });
  await waitFor('the end', () => received().includes('the end'));
  for (const close of closers.splice(0)) close();
  await subscribed(0);
  const messages = (JSON.parse(received()) as { type: string; payload?: unknown }[]).filter(
    ({ type }) => type === 'next',
  );
  return JSON.parse(JSON.stringify(messages), (key, value) => {
    if (key === 'cursor') return undefined;
    return key === 'loggedAt' ? times.findIndex((time) => value <= time) : value;
  });
}

const ENDS: Readonly<Record<string, string>> = {
  userChanges: "update users set name = 'the end' where id = 1",
  projectChanges: "update projects set name = 'the end' where id = 2",
};

test.each(SOUGHT)(
  'T36: a `where` learns nothing of what was written since and is hidden now: %s',
  async (_what, query, away) => {
    const told: unknown[] = [];
    for (const word of ['SECRET', NEVER_SECRET]) {
      await database.script(`
        insert into members (project_id, user_id, role) values (1, 1, 'owner') on conflict do nothing;
        delete from members where project_id = 3 and user_id = 1;
        update tasks set title = 'plain ' || id, project_id = case id when 1 then 1 else project_id end;
        insert into users (id, name, email) overriding system value values (98, '', '98@example.com') on conflict do nothing;
        insert into tasks (project_id, title, assignee_id) values (1, 'of a user who goes', 98);
        update users set name = 'someone ' || id;
        update projects set name = 'project ' || id`);
      told.push(await toldOf(query, away(word).split(';')));
    }
    expect(told[0]).toEqual(told[1]);
  },
);
