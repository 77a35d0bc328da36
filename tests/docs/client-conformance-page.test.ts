import { expect, test } from 'vitest';
import { apolloClient } from '../support/client-apollo.js';
import { apolloSuite } from '../support/client-apollo-suite.js';
import { type Listed, listingBook } from '../support/client-book.js';
import type { ClientServer } from '../support/client-server.js';
import { clientSuite } from '../support/client-suite.js';
import type { Transport } from '../support/client-under-test.js';
import { urqlClient } from '../support/client-urql.js';

/** The scenarios are only listed. */
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

/** `npx vitest run tests/docs -u` writes the page anew. */
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
    '# What the client plugins are held to',
    '',
    'One suite of scenarios, run in CI against the real server with the real `@urql/core` and Graphcache, and the real `@apollo/client`: in each,',
    'what a live query shows must become equal to what the same query answers without any client. Made from the suite itself; a `no` has its reason below.',
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
    'Nine live queries with every kind of list, relation and window are watched at once, while two writers commit random transactions: moves, cascades,',
    'key changes, junction rows, rights given and revoked, bulk updates, TRUNCATE, rollbacks. Meanwhile connections are cut, queries are unmounted',
    'and mounted, fetched again, changed optimistically, and messages come late or twice. After each round all nine must equal fresh answers. 50 rounds',
    'for each client in CI, over WebSocket only; `RIVULET_RUNS=1000 npx vitest run tests/conformance/client-urql-random.test.ts` runs more,',
    '`RIVULET_SEED` repeats a run.',
    '',
    '## Not covered',
    '',
    '- Browsers other than through the board, which is tested in Chromium with urql.',
    '- Random histories over SSE: only the scenarios above.',
    '- React hooks: scenarios use the clients themselves, as the hooks do.',
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/client-conformance.md');
});

test('every column lists the same scenarios in the same order', () => {
  const names = COLUMNS.map(({ scenarios }) => scenarios.map(({ group, name }) => `${group}: ${name}`));
  for (const each of names) expect(each).toEqual(names[0]);
  expect(names[0]!.length).toBeGreaterThan(40);
});
