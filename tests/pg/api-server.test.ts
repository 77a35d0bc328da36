import { expect, test } from 'vitest';
import type { relations } from '../../schema/relations.js';
import { tasks } from '../../schema/tasks.js';
import type { RivuletApi } from '../../src/api/types.js';
import { serveExample } from '../support/example-server.js';

const { server, database, post, token, client } = await serveExample();
const api = server as unknown as RivuletApi<typeof relations>;

test('a server tells its own code what it tells clients', async () => {
  const stream = api.changes(tasks, { as: { userId: 1 }, with: { project: true } });
  const messages = client(await token(1)).iterate({
    query: `subscription {
      taskChanges {
        cursor reset transaction { xid loggedAt mutationId }
        changes { kind op key node { title status project { name } } previous { title } changedColumns }
      }
    }`,
  });
  const told = messages.next();
  const [row] = await database.query('select min(id)::text from tasks where project_id = 1');
  await expect.poll(() => server.scopes.status().subscribers).toBe(2);
  await database.query(
    "update tasks set title = 'told', priority = 9 where id = $1::text::integer",
    row![0]!,
  );
  const { value } = await told;
  const { taskChanges } = (value as { data: { taskChanges: Record<string, unknown> } }).data;
  const { value: mine } = await stream.next();
  expect(mine).toMatchObject({ ...taskChanges, cursor: expect.any(String) });
  await Promise.all([stream.return?.(), messages.return?.()]);
});

test("the cursor of a client's query is one for server code", async () => {
  const { body } = await post('{ tasks(limit: 1) { id } }', { token: await token(1) });
  const { cursor } = (body as { extensions: { rivulet: { cursor: string } } }).extensions.rivulet;
  await database.query("insert into tasks (project_id, title) values (1, 'after the query')");
  const stream = api.changes(tasks, { after: cursor });
  expect((await stream.next()).value.changes).toMatchObject([
    { kind: 'ENTER', node: { title: 'after the query' } },
  ]);
  await stream.return?.();
});
