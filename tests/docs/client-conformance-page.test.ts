import { expect, test } from 'vitest';
import { apolloClient } from '../support/client-apollo.js';
import { apolloSuite } from '../support/client-apollo-suite.js';
import { type Listed, listingBook } from '../support/client-book.js';
import type { ClientServer } from '../support/client-server.js';
import { clientSuite } from '../support/client-suite.js';
import type { Transport } from '../support/client-under-test.js';
import { urqlClient } from '../support/client-urql.js';

/** The suite only lists its scenarios here. */
const NO_SERVER = {} as ClientServer;

const TRANSPORTS: readonly (readonly [Transport, string])[] = [
  ['websocket', 'WebSocket'],
  ['sse', 'SSE'],
  ['single', 'one event stream'],
];

const COLUMNS = [urqlClient, apolloClient].flatMap((kind) =>
  TRANSPORTS.map(([transport, called]) => {
    const book = listingBook();
    clientSuite(kind, NO_SERVER, transport, book);
    return { title: `${kind.name}, ${called}`, scenarios: book.scenarios };
  }),
);

/** `npx vitest run tests/docs -u` regenerates the page. */
test('the page of client scenarios is what the suite runs', async () => {
  const reasons: string[] = [];
  const cell = ({ notHere }: Listed): string => {
    if (notHere === undefined) return 'yes';
    if (!reasons.includes(notHere)) reasons.push(notHere);
    return `no (${reasons.indexOf(notHere) + 1})`;
  };
  const rows = COLUMNS[0]!.scenarios.map(({ group, name }, at) => {
    const cells = COLUMNS.map(({ scenarios }) => cell(scenarios[at]!));
    return `| ${group} | ${name} | ${cells.join(' | ')} |`;
  });
  const apolloBook = listingBook();
  apolloSuite(NO_SERVER, apolloBook);
  const titles = COLUMNS.map(({ title }) => title);
  const page = [
    '# Conformance of the client plugins',
    '',
    'One suite of scenarios runs in CI against the real server, with the real `@urql/core` and Graphcache, and with the real `@apollo/client`. In each',
    'scenario a live query must become equal to the answer that the same query gets without any client. This page is generated from the suite.',
    'The number after a `no` refers to its reason below the table.',
    '',
    `| group | scenario | ${titles.join(' | ')} |`,
    `| --- | --- | ${titles.map(() => '---').join(' | ')} |`,
    ...rows,
    '',
    ...reasons.map((reason, at) => `${at + 1}. ${reason}`),
    '',
    '## Only Apollo Client, over WebSocket',
    '',
    ...apolloBook.scenarios.map(({ name }) => `- ${name}`),
    '',
    '## Random histories',
    '',
    'A test follows nine live queries at once, with every kind of list, relation and window, while two writers commit random transactions: moves,',
    'cascades, key changes, junction rows, granted and revoked rights, bulk updates, TRUNCATE and rollbacks. Meanwhile the test cuts connections, unmounts',
    'and mounts queries, fetches them again, changes them optimistically, and delays or repeats messages. After each round all nine must equal fresh',
    'answers. CI runs 50 rounds for each client, over WebSocket only.',
    '`RIVULET_RUNS=1000 npx vitest run tests/conformance/client-urql-random.test.ts` runs more, and `RIVULET_SEED` repeats a run.',
    '',
    '## Not covered',
    '',
    '- Browsers, except for the board, which is tested in Chromium with urql.',
    '- Random histories over SSE. Only the scenarios above run over SSE.',
    '- React hooks. The scenarios use the clients themselves, as the hooks do.',
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/client-conformance.md');
});

test('every column lists the same scenarios in the same order', () => {
  const names = COLUMNS.map(({ scenarios }) => scenarios.map(({ group, name }) => `${group}: ${name}`));
  for (const each of names) expect(each).toEqual(names[0]);
  expect(names[0]!.length).toBeGreaterThan(40);
});
