import { parse } from 'graphql';
import { afterEach, describe, expect, test } from 'vitest';
import config from '../../rivulet.config.js';
import { trustedDocuments } from '../../src/codegen/trusted-documents.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { describeConfig } from '../../src/server/engine/describe-config.js';
import { apolloClient } from '../support/client-apollo.js';
import { serveForClients } from '../support/client-server.js';
import type { ClientUnderTest } from '../support/client-under-test.js';
import { urqlClient } from '../support/client-urql.js';
import { waitFor } from '../support/wait-for.js';

/** What an application's client would have in its files, with the variables that it sends. */
const LIVE: readonly (readonly [document: string, variables: object, other?: object])[] = [
  ['query Titles @live { tasks { title } }', {}],
  ['query One($id: ID!) @live { task(id: $id) { title project { name } } }', { id: '1' }],
  [
    'query Board($where: TaskFilter, $by: [TaskOrder!]) @live { tasks(where: $where, orderBy: $by) { id title } }',
    {},
    { where: { priority: { gte: 0 } }, by: [{ priority: 'DESC' }, { title: 'ASC' }] },
  ],
  [
    `query Projects($done: CommentFilter, $withTasks: Boolean!, $short: Boolean!) @live {
      projects(orderBy: [{ name: ASC }]) { ...P tasks @include(if: $withTasks) { title @skip(if: $short) comments(where: $done) { body } } }
    }
    fragment P on Project { name owner { name } }`,
    { withTasks: true, short: false },
    { withTasks: true, short: true, done: { body: { like: '%' } } },
  ],
  [
    'query Page($after: String) @live { tasksConnection(first: 3, after: $after) { nodes { title } totalCount } }',
    {},
  ],
];
const RENAME =
  'mutation Rename($id: ID!, $title: String!) { updateTask(id: $id, set: { title: $title }) { title status } }';

const { manifest } = describeConfig(config as RivuletConfig);
const documents = trustedDocuments(
  manifest,
  [...LIVE.map(([document]) => document), RENAME].map((text) => parse(text)),
);
const server = await serveForClients(undefined, { trustedDocuments: { mode: 'only', documents } });

const opened: ClientUnderTest[] = [];
afterEach(async () => {
  for (const client of opened.splice(0)) await client.close();
  await waitFor('everybody has left', () => server.subscriptions() === 0);
});

describe.each([urqlClient, apolloClient])('$name, where only trusted documents are executed', (kind) => {
  describe.each(['websocket', 'single'] as const)('over %s', (transport) => {
    const open = async () => {
      const client = kind.open({ server, token: await server.token(1), transport });
      opened.push(client);
      return client;
    };

    test.each(
      LIVE.flatMap(([document, ...all]) =>
        all.flatMap((variables) => (variables ? [[document, variables] as const] : [])),
      ),
    )('a live query is followed: %s with %j', async (document, variables) => {
      const client = await open();
      const watched = client.watch(document, variables as Readonly<Record<string, unknown>>);
      await waitFor('an answer', () => watched.data !== undefined && !watched.stale);
      await waitFor('its streams', () => client.running > 0 && server.subscriptions() === client.running);
      await server.database.script(
        "update tasks set title = title || '.', priority = priority + 1; update projects set name = name || '.'",
      );
      const expected = await server.fresh(1, document, variables);
      await waitFor('the query shows the truth', () => {
        expect(JSON.parse(JSON.stringify(watched.data, withoutTypename))).toEqual(expected);
        return true;
      });
      expect([watched.error, client.problems]).toEqual([undefined, []]);
    });

    test('a mutation is sent, and what is not listed is refused', async () => {
      const client = await open();
      expect(await client.mutate(RENAME, { id: '1', title: 'Renamed' })).toMatchObject({
        updateTask: { title: 'Renamed' },
      });
      await expect(
        client.mutate(RENAME.replace('status', 'priority'), { id: '1', title: 'x' }),
      ).rejects.toThrow('not one of those');
      const refused = client.watch('{ users { id name } }', {}, { live: false, policy: 'network-only' });
      await waitFor('its refusal', () => refused.error !== undefined);
    });
  });
});

function withoutTypename(name: string, value: unknown): unknown {
  return name === '__typename' ? undefined : value;
}
