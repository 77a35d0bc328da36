import { afterEach, describe, expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { followGraph, told } from './graph-stream.js';
import type { Stream } from './second-schema/stream.js';

const example = await serveExample();
const { database, post } = example;
const ada = await example.token(1);
const adas = example.client(ada);

const SCOPE = 'changes { kind op key } links { kind parent child }';
const GRAPH = `subscription ($where: TaskFilter, $comments: CommentFilter) {
  taskChanges(where: $where) {
    changes { kind op key changedColumns node { title project { name } } }
    related {
      comments(where: $comments) { changes { kind op key changedColumns node { body author { name } } } links { kind parent child }
        related { author { ${SCOPE} } } }
      labels { changes { kind op key node { name } } links { kind parent child } }
      project { changes { kind op key node { name } } links { kind parent child } related { openTasks { ${SCOPE} } } }
      assignee { ${SCOPE} }
    }
  }
}`;
const SMALL = `subscription ($where: TaskFilter, $comments: CommentFilter) {
  taskChanges(where: $where) {
    changes { kind op key }
    related { comments(where: $comments) { ${SCOPE} } labels { ${SCOPE} } project { ${SCOPE} } assignee { ${SCOPE} } }
  }
}`;

let stream: Stream;
const follow = async (variables: Record<string, unknown> = {}, document = SMALL) => {
  stream = await followGraph(example, adas, document, variables);
};
const toldOf = async (...statements: string[]) => {
  await database.script(statements.join(';\n'));
  return told((await stream.next()).taskChanges);
};
/** The rows that these tests change, as they were. */
const snapshot = 'select * from';
const TABLES = ['tasks', 'comments', 'labels', 'task_labels', 'members', 'users'];
for (const table of TABLES) await database.script(`create table kept_${table} as ${snapshot} ${table}`);
afterEach(async () => {
  stream.stop();
  await example.subscribed(0);
  await database.script(`
    delete from tasks; delete from labels; delete from members; delete from users where id not in (select id from kept_users);
    ${TABLES.filter((table) => table !== 'users')
      .map((table) => `insert into ${table} overriding system value select * from kept_${table}`)
      .join(';')}`);
});

describe('a task that moves between two projects', () => {
  test('stays in a scope that has both: an UPDATE, a LEAVE link and an ENTER link', async () => {
    await follow();
    expect(await toldOf('update tasks set project_id = 2 where id = 1')).toEqual({
      changes: ['UPDATE UPDATE 1'],
      project: { links: ['ENTER 1>2', 'LEAVE 1>1'] },
    });
  });

  test('takes its project along where no other task of the scope is in it', async () => {
    await follow({ where: { id: { in: ['1', '5'] } } });
    expect(await toldOf('update tasks set project_id = 2 where id = 1')).toEqual({
      changes: ['UPDATE UPDATE 1'],
      project: { changes: ['LEAVE null 1'], links: ['ENTER 1>2', 'LEAVE 1>1'] },
    });
    expect(await toldOf('update tasks set project_id = 1 where id = 1')).toEqual({
      changes: ['UPDATE UPDATE 1'],
      project: { changes: ['ENTER null 1'], links: ['ENTER 1>1', 'LEAVE 1>2'] },
    });
  });

  test('leaves with all that hangs from it where the other project is not in the scope, and comes back with it', async () => {
    await follow({ where: { projectId: { eq: '1' } } });
    expect(await toldOf('update tasks set project_id = 2 where id = 1')).toEqual({
      changes: ['LEAVE null 1'],
      comments: { changes: ['LEAVE null 1', 'LEAVE null 2'], links: ['LEAVE 1>1', 'LEAVE 1>2'] },
      labels: { links: ['LEAVE 1>1'] },
      project: { links: ['LEAVE 1>1'] },
      assignee: { links: ['LEAVE 1>1'] },
    });
    // Out of the scope nothing of it is told, nor of what hangs from it.
    await database.script(`update comments set body = 'unheard' where task_id = 1`);
    await database.script(`insert into comments (task_id, author_id, body) values (1, 1, 'unheard')`);
    const back = await toldOf('update tasks set project_id = 1 where id = 1');
    expect(back).toMatchObject({
      changes: ['ENTER UPDATE 1'],
      comments: { changes: [/./, /./, /./].map(() => expect.stringMatching(/^ENTER null /)) },
      labels: { links: ['ENTER 1>1'] },
      project: { links: ['ENTER 1>1'] },
      assignee: { links: ['ENTER 1>1'] },
    });
    expect(stream.count).toBe(2);
  });

  test('to a project that the subscriber may not see leaves by policy in the same way', async () => {
    await follow({ where: { id: { lte: '4' } } });
    expect(await toldOf('update tasks set project_id = 3, assignee_id = null where id = 1')).toEqual({
      changes: ['LEAVE null 1'],
      comments: { changes: ['LEAVE null 1', 'LEAVE null 2'], links: ['LEAVE 1>1', 'LEAVE 1>2'] },
      labels: { links: ['LEAVE 1>1'] },
      project: { links: ['LEAVE 1>1'] },
      assignee: { links: ['LEAVE 1>1'] },
    });
  });
});

describe('a comment', () => {
  test('that moves between two tasks of the scope is one UPDATE, a LEAVE link and an ENTER link', async () => {
    await follow();
    expect(await toldOf('update comments set task_id = 2 where id = 1')).toEqual({
      comments: { changes: ['UPDATE UPDATE 1'], links: ['ENTER 2>1', 'LEAVE 1>1'] },
    });
  });

  test('enters and leaves between a task of the scope and one outside', async () => {
    await follow({ where: { projectId: { eq: '1' } } });
    expect(await toldOf('update comments set task_id = 5 where id = 1')).toEqual({
      comments: { changes: ['LEAVE null 1'], links: ['LEAVE 1>1'] },
    });
    await database.script(`update comments set body = 'unheard' where id = 1`);
    expect(await toldOf(`update comments set task_id = 3, body = 'heard' where id = 1`)).toEqual({
      comments: { changes: ['ENTER UPDATE 1'], links: ['ENTER 3>1'] },
    });
    expect(stream.count).toBe(2);
  });

  test('is inserted, changed and deleted below its task, with its node and its author', async () => {
    await follow({}, GRAPH);
    await database.script(
      `insert into comments (task_id, author_id, body) overriding system value values (3, 3, 'new')`,
    );
    const { comments } = (await stream.next()).taskChanges.related;
    const key = comments.changes[0].key;
    expect(comments).toEqual({
      changes: [
        {
          kind: 'ENTER',
          op: 'INSERT',
          key,
          changedColumns: [],
          node: { body: 'new', author: { name: 'alan' } },
        },
      ],
      links: [{ kind: 'ENTER', parent: '3', child: key }],
      related: { author: { changes: [], links: [{ kind: 'ENTER', parent: key, child: '3' }] } },
    });
    await database.script(`update comments set body = 'newer', author_id = 2 where id = ${key}`);
    const updated = (await stream.next()).taskChanges.related.comments;
    expect(updated).toEqual({
      changes: [
        {
          kind: 'UPDATE',
          op: 'UPDATE',
          key,
          changedColumns: ['authorId', 'body'],
          node: { body: 'newer', author: { name: 'grace' } },
        },
      ],
      links: [],
      related: {
        author: {
          changes: [],
          links: [
            { kind: 'LEAVE', parent: key, child: '3' },
            { kind: 'ENTER', parent: key, child: '2' },
          ],
        },
      },
    });
    expect(await toldOf(`delete from comments where id = ${key}`)).toEqual({
      comments: {
        changes: [`LEAVE DELETE ${key}`],
        links: [`LEAVE 3>${key}`],
        author: { links: [`LEAVE ${key}>2`] },
      },
    });
  });

  test('links and unlinks as it matches the where of its scope', async () => {
    await follow({ comments: { body: { like: '%!' } } });
    await database.script(`update comments set body = 'no' where id = 2`);
    expect(await toldOf(`update comments set body = 'yes!' where id = 1`)).toEqual({
      comments: { changes: ['ENTER UPDATE 1'], links: ['ENTER 1>1'] },
    });
    expect(await toldOf(`update comments set task_id = 2, body = 'more!' where id = 1`)).toEqual({
      comments: { changes: ['UPDATE UPDATE 1'], links: ['ENTER 2>1', 'LEAVE 1>1'] },
    });
    expect(await toldOf(`update comments set body = 'calm' where id = 1`)).toEqual({
      comments: { changes: ['LEAVE null 1'], links: ['LEAVE 2>1'] },
    });
  });

  test('that moves while its old task leaves the scope, in one transaction, stays', async () => {
    await follow({ where: { projectId: { eq: '1' } } });
    expect(
      await toldOf(
        'update comments set task_id = 3 where id = 1',
        'update tasks set project_id = 2 where id = 1',
      ),
    ).toMatchObject({
      changes: ['LEAVE null 1'],
      comments: {
        changes: ['LEAVE null 2', 'UPDATE UPDATE 1'],
        links: ['ENTER 3>1', 'LEAVE 1>1', 'LEAVE 1>2'],
      },
    });
  });
});

describe('junction rows', () => {
  test('are links: inserted, deleted, and changed at either end', async () => {
    await follow();
    expect(await toldOf('insert into task_labels values (1, 2)')).toEqual({
      labels: { links: ['ENTER 1>2'] },
    });
    expect(await toldOf('update task_labels set label_id = 1 where task_id = 2')).toEqual({
      labels: { links: ['ENTER 2>1', 'LEAVE 2>2'] },
    });
    expect(await toldOf('update task_labels set task_id = 3 where task_id = 1 and label_id = 2')).toEqual({
      labels: { links: ['ENTER 3>2', 'LEAVE 1>2'] },
    });
    expect(await toldOf('delete from task_labels where task_id = 3 and label_id = 2')).toEqual({
      labels: { links: ['LEAVE 3>2'] },
    });
  });

  test('bring the label where it is the first that holds it, and take it with the last', async () => {
    await follow({ where: { id: { in: ['1', '2'] } } });
    expect(await toldOf('insert into task_labels values (1, 4)')).toEqual({
      labels: { changes: ['ENTER null 4'], links: ['ENTER 1>4'] },
    });
    expect(await toldOf('insert into task_labels values (2, 4)')).toEqual({
      labels: { links: ['ENTER 2>4'] },
    });
    expect(await toldOf(`update labels set color = 'red' where id = 4`)).toEqual({
      labels: { changes: ['UPDATE UPDATE 4'] },
    });
    expect(await toldOf('delete from task_labels where label_id = 4 and task_id = 1')).toEqual({
      labels: { links: ['LEAVE 1>4'] },
    });
    expect(await toldOf('delete from task_labels where label_id = 4 and task_id = 2')).toEqual({
      labels: { changes: ['LEAVE null 4'], links: ['LEAVE 2>4'] },
    });
    // Outside of the scope: its label, its link, its task.
    await database.script(
      `update labels set color = 'blue' where id = 4; insert into task_labels values (3, 4)`,
    );
    expect(await toldOf('update tasks set priority = 9 where id = 1')).toEqual({
      changes: ['UPDATE UPDATE 1'],
    });
  });

  test('of a label that is deleted leave with it', async () => {
    await follow();
    expect(await toldOf('delete from labels where id = 1')).toEqual({
      labels: { changes: ['LEAVE DELETE 1'], links: ['LEAVE 1>1', 'LEAVE 3>1'] },
    });
  });

  test('of a task that is deleted leave with it, and so do its comments', async () => {
    await follow();
    expect(await toldOf('delete from tasks where id = 2')).toEqual({
      changes: ['LEAVE DELETE 2'],
      comments: { changes: ['LEAVE DELETE 3'], links: ['LEAVE 2>3'] },
      labels: { links: ['LEAVE 2>2'] },
      project: { links: ['LEAVE 2>1'] },
      assignee: { links: ['LEAVE 2>1'] },
    });
  });
});

describe('other relations', () => {
  test('a task made with everything below it is one message, of what a query finds', async () => {
    await follow({}, GRAPH);
    await database.script(`
      with task as (insert into tasks (id, project_id, title, assignee_id) overriding system value values (100, 2, 'whole', 2) returning id),
        comment as (insert into comments (id, task_id, author_id, body) overriding system value values (100, 100, 1, 'a'), (101, 100, 2, 'b'))
      insert into labels (id, project_id, name, color) overriding system value values (100, 2, 'fresh', 'c');
      insert into task_labels values (100, 100), (100, 3)`);
    const message = (await stream.next()).taskChanges;
    expect(told(message)).toEqual({
      changes: ['ENTER INSERT 100'],
      comments: {
        changes: ['ENTER INSERT 100', 'ENTER INSERT 101'],
        links: ['ENTER 100>100', 'ENTER 100>101'],
        author: { links: ['ENTER 100>1', 'ENTER 101>2'] },
      },
      labels: { changes: ['ENTER INSERT 100'], links: ['ENTER 100>100', 'ENTER 100>3'] },
      project: {
        links: ['ENTER 100>2'],
        openTasks: { changes: ['ENTER INSERT 100'], links: ['ENTER 2>100'] },
      },
      assignee: { links: ['ENTER 100>2'] },
    });
    expect(message.changes[0].node).toEqual({ title: 'whole', project: { name: 'Compiler' } });
    const { body } = await post(
      '{ task(id: 100) { comments(orderBy: [{ id: ASC }]) { body author { name } } } }',
      { token: ada },
    );
    const nodes = message.related.comments.changes.map(({ node }: { node: unknown }) => node);
    expect(nodes).toEqual((body.data!.task as { comments: unknown }).comments);
  });

  test('an update that makes a row match a relation’s own where links it, and the other way round', async () => {
    await follow({ where: { id: { eq: '1' } } }, GRAPH);
    expect(await toldOf(`update tasks set status = 'done' where id = 2`)).toEqual({
      project: { openTasks: { changes: ['LEAVE null 2'], links: ['LEAVE 1>2'] } },
    });
    expect(await toldOf(`update tasks set status = 'todo' where id in (2, 4)`)).toEqual({
      project: {
        openTasks: { changes: ['ENTER UPDATE 2', 'ENTER UPDATE 4'], links: ['ENTER 1>2', 'ENTER 1>4'] },
      },
    });
    // The root is a row of the inner scope too.
    expect(await toldOf(`update tasks set status = 'done' where id = 1`)).toEqual({
      changes: ['UPDATE UPDATE 1'],
      project: { openTasks: { changes: ['LEAVE null 1'], links: ['LEAVE 1>1'] } },
    });
    expect(await toldOf('update tasks set project_id = 2 where id = 1')).toEqual({
      changes: ['UPDATE UPDATE 1'],
      project: {
        changes: ['ENTER null 2', 'LEAVE null 1'],
        links: ['ENTER 1>2', 'LEAVE 1>1'],
        openTasks: {
          changes: [
            'ENTER null 5',
            'ENTER null 6',
            'ENTER null 8',
            'LEAVE null 2',
            'LEAVE null 3',
            'LEAVE null 4',
          ],
          links: ['ENTER 2>5', 'ENTER 2>6', 'ENTER 2>8', 'LEAVE 1>2', 'LEAVE 1>3', 'LEAVE 1>4'],
        },
      },
    });
  });

  test('a shared row that changes is told once, wherever and however often it hangs', async () => {
    await follow();
    expect(await toldOf(`update users set name = 'Ada' where id = 1`)).toEqual({
      assignee: { changes: ['UPDATE UPDATE 1'] },
    });
    await toldOf(`update users set name = 'ada' where id = 1`);
  });

  test('an assignee that is set, changed, unset, or gone is linked so', async () => {
    await follow({ where: { id: { eq: '4' } } });
    expect(await toldOf('update tasks set assignee_id = 2 where id = 4')).toEqual({
      changes: ['UPDATE UPDATE 4'],
      assignee: { changes: ['ENTER null 2'], links: ['ENTER 4>2'] },
    });
    expect(
      await toldOf(
        `insert into users (id, name, email) overriding system value values (50, 'eve', 'eve@example.com')`,
        'update tasks set assignee_id = 50 where id = 4',
      ),
    ).toEqual({
      changes: ['UPDATE UPDATE 4'],
      assignee: { changes: ['ENTER INSERT 50', 'LEAVE null 2'], links: ['ENTER 4>50', 'LEAVE 4>2'] },
    });
    expect(await toldOf('delete from users where id = 50')).toEqual({
      changes: ['UPDATE UPDATE 4'],
      assignee: { changes: ['LEAVE DELETE 50'], links: ['LEAVE 4>50'] },
    });
  });

  test('one relation under two names is two scopes', async () => {
    await follow(
      {},
      `subscription { taskChanges { changes { kind op key } related {
        loud: comments(where: { body: { like: "%!" } }) { ${SCOPE} } mine: comments(where: { authorId: { eq: "1" } }) { ${SCOPE} } } } }`,
    );
    expect(await toldOf(`update comments set body = 'hey!' where id = 1`)).toEqual({
      loud: { changes: ['ENTER UPDATE 1'], links: ['ENTER 1>1'] },
      mine: { changes: ['UPDATE UPDATE 1'] },
    });
  });

  test('TRUNCATE of what hangs below is a LEAVE for each row and link', async () => {
    await follow({ where: { id: { in: ['1', '2'] } } });
    // Rows that a TRUNCATE took before the scope was loaded are in no log.
    expect(await toldOf('update tasks set priority = 5 where id = 1')).toEqual({
      changes: ['UPDATE UPDATE 1'],
    });
    expect(await toldOf('truncate task_labels')).toEqual({
      labels: { changes: ['LEAVE null 1', 'LEAVE null 2'], links: ['LEAVE 1>1', 'LEAVE 2>2'] },
    });
    expect(await toldOf('truncate comments')).toEqual({
      comments: {
        changes: ['LEAVE null 1', 'LEAVE null 2', 'LEAVE null 3'],
        links: ['LEAVE 1>1', 'LEAVE 1>2', 'LEAVE 2>3'],
      },
    });
  });
});
