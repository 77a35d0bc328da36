import { afterEach, describe, expect, test } from 'vitest';
import { apolloClient } from '../support/client-apollo.js';
import { serveForClients } from '../support/client-server.js';
import { type ClientUnderTest, plain } from '../support/client-under-test.js';
import { urqlClient } from '../support/client-urql.js';
import { waitFor } from '../support/wait-for.js';

const server = await serveForClients();
const QUERIES = Array.from({ length: 10 }, (_, n) => `{ task(id: ${n + 1}) { title comments { body } } }`);

describe.each([urqlClient, apolloClient])('$name', (kind) => {
  let client: ClientUnderTest | undefined;

  afterEach(async () => {
    await client?.close();
    await waitFor('no stream is left', () => server.subscriptions() === 0);
  });

  test('ten live queries take one connection, and one again after a cut', async () => {
    const requests: string[] = [];
    const count = (method: string) => requests.filter((each) => each === method).length;
    const opened = kind.open({
      server,
      token: await server.token(1),
      transport: 'single',
      onRequest: (method) => requests.push(method),
    });
    client = opened;
    const watched = QUERIES.map((query) => opened.watch(query));
    await waitFor('their streams', () => server.subscriptions() === 10);
    expect([count('PUT'), count('GET'), count('POST')]).toEqual([1, 1, 10]);
    opened.cut();
    await server.database.script("update tasks set title = 'while away ' || id");
    const expected = await Promise.all(QUERIES.map((query) => server.fresh(1, query)));
    await waitFor('all show what happened', () => {
      expect(watched.map(({ data }) => plain(data))).toEqual(expected);
      expect(server.subscriptions()).toBe(10);
      return true;
    });
    expect([count('PUT'), count('GET'), count('POST')]).toEqual([2, 2, 20]);
    for (const each of watched.slice(1)) each.stop();
    await waitFor('one is left', () => server.subscriptions() === 1);
    // One that ended before the server said that it has it is ended once more then.
    expect(count('DELETE')).toBeGreaterThanOrEqual(9);
    expect(opened.problems).toEqual([]);
  });
});
