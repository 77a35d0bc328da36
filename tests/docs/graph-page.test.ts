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

/** A title and the SQL of each step. */
const STEPS: readonly (readonly [string, string])[] = [
  ['A task of the project changes: one UPDATE', "update tasks set status = 'done' where id = 1"],
  [
    'Somebody writes a comment: it enters with the link to its task',
    "insert into comments (task_id, author_id, body) values (1, 3, 'It runs.')",
  ],
  [
    'A comment moves to another task of the project: one UPDATE, because it stays in the set; the old link leaves and the new one enters',
    "update comments set task_id = 2 where body = 'It runs.'",
  ],
  [
    'Somebody creates a label and puts it on the task: it enters with its link; the junction row itself is never shown',
    `with made as (insert into labels (project_id, name, color) values (1, 'urgent', 'red') returning id)
insert into task_labels (task_id, label_id) select 1, id from made`,
  ],
  [
    'The task moves to a project outside the filter: it leaves with the related rows that no other row in the set has',
    'update tasks set project_id = 2 where id = 1',
  ],
  [
    'The task returns, and all its related rows enter with it',
    'update tasks set project_id = 1 where id = 1',
  ],
  [
    'One transaction is one message: the task leaves together with its comments and labels',
    'delete from tasks where id = 1',
  ],
];

/** `npx vitest run tests/docs -u` regenerates the page from a run like this one. */
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
    'A change stream also follows related rows: you select relations under `related`, to any depth, and receive their changes. Related rows enter and',
    'leave together with the rows to which they are related. `links` name the pairs of parent and child, so that a client applies them and decides',
    'no membership itself.',
    '',
    'This page is generated from a real run. To repeat it, run `npm start`, execute the subscription in GraphiQL (as ada, with her token in the headers),',
    'and run the SQL below in another terminal with `npx rivulet sql`. Each message is one database transaction.',
    '',
    '```graphql',
    DOCUMENT,
    '```',
    '',
    ...sections,
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/graph-subscription.md');
});

/** JSON with at most two levels of lines. */
function compact(value: object): string {
  return JSON.stringify(value, null, 2).replaceAll(/\{\n\s+("[^{}[\]]*?)\n\s+\}/g, (_all, inner: string) => {
    return `{ ${inner.replaceAll(/\n\s+/g, ' ')} }`;
  });
}
