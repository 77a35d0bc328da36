import { expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';

const { database, token, client, subscribed } = await serveExample();

const DOCUMENT = `subscription Board {
  taskChanges(where: { project: { id: { eq: "1" } } }) {
    changes { kind op key node { title status } changedColumns }
    related {
      comments {
        changes { kind key node { body } }
        links { kind parent child }
      }
      labels {
        changes { kind key node { name } }
        links { kind parent child }
      }
    }
  }
}`;

/** What is done to the database, and what it shows. */
const STEPS: readonly (readonly [string, string])[] = [
  ['A task of the project changes: one UPDATE.', "update tasks set status = 'done' where id = 1"],
  [
    'A comment is written: it enters, with the link to its task.',
    "insert into comments (task_id, author_id, body) values (1, 3, 'It runs.')",
  ],
  [
    'A comment moves to another task of the project. It stays in the set, so it is one UPDATE; the old link leaves, the new one enters.',
    "update comments set task_id = 2 where body = 'It runs.'",
  ],
  [
    'A label is made and put on the task: it enters with its link. The junction row itself is never seen.',
    `with made as (insert into labels (project_id, name, color) values (1, 'urgent', 'red') returning id)
insert into task_labels (task_id, label_id) select 1, id from made`,
  ],
  [
    'The task moves to a project outside the filter: it leaves, and so does what nothing else in the set holds.',
    'update tasks set project_id = 2 where id = 1',
  ],
  [
    'It comes back, and everything that hangs from it comes with it.',
    'update tasks set project_id = 1 where id = 1',
  ],
  [
    'Everything in one transaction is one message: the task goes, its comments and labels with it.',
    'delete from tasks where id = 1',
  ],
];

/** `npx vitest run tests/docs -u` writes the page anew, from a run like this one. */
test('the page on graph subscriptions shows what a real run sends', async () => {
  const stream = client(await token(1)).iterate({ query: DOCUMENT });
  let message = stream.next();
  await subscribed(1);
  const sections: string[] = [];
  for (const [text, sql] of STEPS) {
    await database.script(sql);
    const { value } = await message;
    message = stream.next();
    const changes = (value as { data: { taskChanges: object } }).data.taskChanges;
    sections.push(`## ${text}\n\n\`\`\`sql\n${sql};\n\`\`\`\n\n\`\`\`json\n${compact(changes)}\n\`\`\`\n`);
  }
  await stream.return?.();
  const page = [
    '# One subscription for a whole graph',
    '',
    'A change stream follows what hangs from its rows: the relations that you select under `related` are watched too, to any depth. Rows enter and',
    'leave with the rows that hold them; `links` say who holds whom, so a client applies membership and never has to work it out.',
    '',
    'This page is made from a real run: `npm start`, the subscription in GraphiQL (as ada, with her token in the headers), and the SQL below in',
    'another terminal. Each message is one database transaction.',
    '',
    '```graphql',
    DOCUMENT,
    '```',
    '',
    ...sections,
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/graph-subscription.md');
});

/** Two levels of lines are enough to read a message. */
function compact(value: object): string {
  return JSON.stringify(value, null, 2).replaceAll(/\{\n\s+("[^{}[\]]*?)\n\s+\}/g, (_all, inner: string) => {
    return `{ ${inner.replaceAll(/\n\s+/g, ' ')} }`;
  });
}
