import { afterEach, expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { followGraph, told } from './graph-stream.js';
import type { Stream } from './second-schema/stream.js';

const example = await serveExample();
const { database } = example;
const [ADA, GRACE, ALAN] = [1, 2, 3];
const clients = new Map(
  await Promise.all(
    [ADA, GRACE, ALAN].map(async (user) => [user, example.client(await example.token(user))] as const),
  ),
);

const SCOPE = 'changes { kind op key } links { kind parent child }';
const PERSON = `subscription ($id: ID!) { userChanges(where: { id: { eq: $id } }) {
  changes { kind op key }
  related {
    assignedTasks { ${SCOPE} related { comments { ${SCOPE} } } }
    projects { ${SCOPE} related { labels { ${SCOPE} } } }
    memberships { ${SCOPE} }
  }
} }`;
const TASKS = `subscription ($where: TaskFilter) { taskChanges(where: $where) {
  changes { kind op key }
  related { comments { ${SCOPE} } labels { ${SCOPE} related { project { ${SCOPE} } } } project { ${SCOPE} } assignee { ${SCOPE} related { projects { ${SCOPE} } } } }
} }`;

let streams: Stream[] = [];
const follow = async (user: number, document: string, variables: Record<string, unknown> = {}) => {
  const stream = await followGraph(example, clients.get(user)!, document, variables);
  streams.push(stream);
  return stream;
};
const next = async (stream: Stream) => {
  const data = await stream.next();
  return told(data.taskChanges ?? data.userChanges ?? data.projectChanges);
};
afterEach(async () => {
  for (const stream of streams) stream.stop();
  streams = [];
  await example.subscribed(0);
});

test('a related row that a policy hides is not there, enters when it becomes visible, and leaves with its key', async () => {
  const stream = await follow(ALAN, PERSON, { id: '1' });
  // Ada's task in a project that is not Alan's.
  await database.script(
    'update tasks set priority = 7 where id = 6; update comments set body = body || body where task_id = 6',
  );
  await database.script('update tasks set project_id = 1 where id = 6');
  expect(await next(stream)).toEqual({
    assignedTasks: {
      changes: ['ENTER UPDATE 6'],
      links: ['ENTER 1>6'],
      comments: { changes: ['ENTER null 5'], links: ['ENTER 6>5'] },
    },
  });
  await database.script('update tasks set project_id = 2, priority = 0 where id = 6');
  expect(await next(stream)).toEqual({
    assignedTasks: {
      changes: ['LEAVE null 6'],
      links: ['LEAVE 1>6'],
      comments: { changes: ['LEAVE null 5'], links: ['LEAVE 6>5'] },
    },
  });
  expect(stream.count).toBe(2);
});

test('a membership shows what it opens, through every relation, and hides it again', async () => {
  const stream = await follow(ALAN, PERSON, { id: '1' });
  await database.script(`insert into members (project_id, user_id, role) values (2, ${ALAN}, 'viewer')`);
  const opened = (kind: 'ENTER' | 'LEAVE') => ({
    assignedTasks: {
      changes: [`${kind} null 6`],
      links: [`${kind} 1>6`],
      comments: { changes: [`${kind} null 5`], links: [`${kind} 6>5`] },
    },
    projects: {
      changes: [`${kind} null 2`],
      links: [`${kind} 1>2`],
      labels: { changes: [`${kind} null 3`, `${kind} null 4`], links: [`${kind} 2>3`, `${kind} 2>4`] },
    },
    memberships: { changes: [`${kind} null 2:1`], links: [`${kind} 1>2:1`] },
  });
  expect(await next(stream)).toEqual(opened('ENTER'));
  await database.script(`delete from members where project_id = 2 and user_id = ${ALAN}`);
  expect(await next(stream)).toEqual(opened('LEAVE'));
  expect(stream.count).toBe(2);
});

test('who is removed from a project loses its tasks and all that hangs from them in one message', async () => {
  const grace = await follow(GRACE, TASKS, { where: { projectId: { eq: '2' } } });
  const ada = await follow(ADA, TASKS, { where: { projectId: { eq: '2' } } });
  await database.script(`delete from members where project_id = 2 and user_id = ${GRACE}`);
  expect(await next(grace)).toEqual({
    changes: [5, 6, 7, 8].map((id) => `LEAVE null ${id}`),
    comments: {
      changes: [4, 5, 6].map((id) => `LEAVE null ${id}`),
      links: ['LEAVE 5>4', 'LEAVE 6>5', 'LEAVE 7>6'],
    },
    labels: {
      changes: ['LEAVE null 3', 'LEAVE null 4'],
      links: ['LEAVE 5>3', 'LEAVE 7>4', 'LEAVE 8>3'],
      project: { changes: ['LEAVE null 2'], links: ['LEAVE 3>2', 'LEAVE 4>2'] },
    },
    project: { changes: ['LEAVE null 2'], links: [5, 6, 7, 8].map((id) => `LEAVE ${id}>2`) },
    assignee: {
      changes: ['LEAVE null 1', 'LEAVE null 2'],
      links: ['LEAVE 5>2', 'LEAVE 6>1'],
      // Ada's project 2 was all that Grace saw of Ada's; Grace's own 3 leaves with Grace, who is in the scope only as an assignee.
      projects: { changes: ['LEAVE null 2', 'LEAVE null 3'], links: ['LEAVE 1>2', 'LEAVE 2>2', 'LEAVE 2>3'] },
    },
  });
  // Ada hears only that Grace, an assignee, is no longer in the project.
  expect(await next(ada)).toEqual({ assignee: { projects: { links: ['LEAVE 2>2'] } } });
  await database.script(`update tasks set priority = priority + 1 where project_id = 2;
    insert into comments (task_id, author_id, body) values (5, 1, 'unheard by Grace')`);
  expect(await next(ada)).toMatchObject({ changes: [5, 6, 7, 8].map((id) => `UPDATE UPDATE ${id}`) });
  await database.script(`insert into members (project_id, user_id, role) values (2, ${GRACE}, 'owner')`);
  expect(await next(grace)).toMatchObject({ changes: [5, 6, 7, 8].map((id) => `ENTER null ${id}`) });
  expect(grace.count).toBe(2);
});

test('a label of a project that is not theirs hangs on a task unseen until they may read it', async () => {
  const stream = await follow(ADA, TASKS, { where: { id: { eq: '1' } } });
  await database.script('insert into task_labels values (1, 5)');
  await database.script(`update labels set color = 'unseen' where id = 5`);
  await database.script('update labels set project_id = 2 where id = 5');
  expect(await next(stream)).toEqual({
    labels: {
      changes: ['ENTER UPDATE 5'],
      links: ['ENTER 1>5'],
      project: { changes: ['ENTER null 2'], links: ['ENTER 5>2'] },
    },
  });
  await database.script('update labels set project_id = 3 where id = 5');
  expect(await next(stream)).toEqual({
    labels: {
      changes: ['LEAVE null 5'],
      links: ['LEAVE 1>5'],
      project: { changes: ['LEAVE null 2'], links: ['LEAVE 5>2'] },
    },
  });
  await database.script('delete from task_labels where task_id = 1 and label_id = 5');
  await database.script('update tasks set priority = 3 where id = 1');
  expect(await next(stream)).toEqual({ changes: ['UPDATE UPDATE 1'] });
  expect(stream.count).toBe(3);
});

test('what happens in a project that is not theirs sends nothing, whatever is watched', async () => {
  const stream = await follow(ADA, TASKS);
  const everything = await follow(
    ADA,
    `subscription { projectChanges { changes { kind op key } related {
      members { ${SCOPE} } people { ${SCOPE} } tasks { ${SCOPE} related { comments { ${SCOPE} } labels { ${SCOPE} } } } openTasks { ${SCOPE} } labels { ${SCOPE} } owner { ${SCOPE} } } } }`,
  );
  const foreign = [
    `insert into tasks (id, project_id, title, assignee_id) overriding system value values (300, 3, 'secret', 1)`,
    `insert into comments (id, task_id, author_id, body) overriding system value values (300, 300, 1, 'secret')`,
    `insert into labels (id, project_id, name, color) overriding system value values (300, 3, 'secret', 'x')`,
    'insert into task_labels values (300, 300)',
    `update tasks set status = 'done' where id = 300`,
    `update projects set name = 'secret' where id = 3`,
    'update comments set task_id = 9 where id = 300',
    'delete from comments where id = 300',
    'delete from task_labels where task_id = 300',
    'delete from tasks where id = 300',
    'delete from labels where id = 300',
    `update members set role = 'editor' where project_id = 3 and user_id = ${GRACE}`,
    'delete from tasks where id = 12',
  ];
  for (const statement of foreign) await database.script(statement);
  await database.script('update tasks set priority = 8 where id = 2');
  expect(await next(stream)).toEqual({ changes: ['UPDATE UPDATE 2'] });
  expect(await next(everything)).toEqual({
    tasks: { changes: ['UPDATE UPDATE 2'] },
    openTasks: { changes: ['UPDATE UPDATE 2'] },
  });
  expect([stream.count, everything.count]).toEqual([1, 1]);
});

test('each of several subscribers of one document is told their own part of one transaction', async () => {
  const [ada, grace, alan] = [
    await follow(ADA, TASKS),
    await follow(GRACE, TASKS),
    await follow(ALAN, TASKS),
  ];
  await database.script(
    `update comments set task_id = 5 where id = 3; update tasks set assignee_id = 3 where id in (5, 9)`,
  );
  expect(await next(ada)).toEqual({
    changes: ['UPDATE UPDATE 5'],
    comments: { changes: ['UPDATE UPDATE 3'], links: ['ENTER 5>3', 'LEAVE 2>3'] },
    assignee: expect.objectContaining({ links: ['ENTER 5>3', 'LEAVE 5>2'] }),
  });
  expect(await next(grace)).toMatchObject({
    changes: ['UPDATE UPDATE 5'],
    comments: { changes: ['ENTER UPDATE 3'], links: ['ENTER 5>3'] },
  });
  expect(await next(alan)).toEqual({ comments: { changes: ['LEAVE null 3'], links: ['LEAVE 2>3'] } });
});

test('a deleted project takes its whole graph along in one message', async () => {
  const stream = await follow(
    GRACE,
    `subscription { projectChanges { changes { kind op key } related { people { ${SCOPE} } labels { ${SCOPE} } tasks { ${SCOPE} related { comments { ${SCOPE} } labels { ${SCOPE} } } } } } }`,
  );
  await database.script('delete from projects where id = 3');
  const message = await next(stream);
  expect(message).toMatchObject({
    changes: ['LEAVE DELETE 3'],
    // Grace stays: she is in project 2.
    people: { changes: ['LEAVE null 3'], links: ['LEAVE 3>2', 'LEAVE 3>3'] },
    labels: { links: ['LEAVE 3>5', 'LEAVE 3>6'] },
    tasks: {
      changes: ['LEAVE DELETE 10', 'LEAVE DELETE 11', 'LEAVE DELETE 9'],
      links: ['LEAVE 3>10', 'LEAVE 3>11', 'LEAVE 3>9'],
      comments: { changes: ['LEAVE DELETE 7', 'LEAVE DELETE 8'] },
      labels: { links: ['LEAVE 10>6', 'LEAVE 11>6', 'LEAVE 9>5'] },
    },
  });
  expect(stream.count).toBe(1);
});

test('TRUNCATE of the root and all below it leaves nothing behind', async () => {
  const stream = await follow(ADA, TASKS, { where: { projectId: { eq: '1' } } });
  // TRUNCATE locks its tables one by one, as a reading does: once the scope is loaded nothing reads them.
  await database.script('update tasks set priority = 6 where id = 3');
  expect(await next(stream)).toEqual({ changes: ['UPDATE UPDATE 3'] });
  await database.script('truncate tasks cascade');
  const message = (await stream.next()).taskChanges;
  expect(told(message)).toMatchObject({
    changes: [1, 2, 3, 4].map((id) => `LEAVE null ${id}`),
    labels: { changes: ['LEAVE null 1', 'LEAVE null 2'] },
    project: { changes: ['LEAVE null 1'] },
  });
  await database.script(
    `insert into tasks (id, project_id, title) overriding system value values (400, 1, 'again')`,
  );
  expect(await next(stream)).toEqual({
    changes: ['ENTER INSERT 400'],
    project: { changes: ['ENTER null 1'], links: ['ENTER 400>1'] },
  });
});
