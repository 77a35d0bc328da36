import { gql, NetworkStatus } from '@apollo/client';
import { expect } from 'vitest';
import { type ApolloUnderTest, openApollo } from './client-apollo.js';
import { type Book, vitestBook } from './client-book.js';
import type { ClientServer } from './client-server.js';
import { plain } from './client-under-test.js';
import { waitFor } from './wait-for.js';

const ADA = 1;
const TASKS = '{ tasks { id title } }';
const LABELS = '{ labels { id name } }';

/** What only Apollo Client has; to be called at the top level of a test file. */
export function apolloSuite(
  server: ClientServer,
  { describe, test, afterEach }: Book = vitestBook('apollo over websocket'),
): void {
  const opened: ApolloUnderTest[] = [];
  const open = async (): Promise<ApolloUnderTest> => {
    const client = openApollo({ server, token: await server.token(ADA) });
    opened.push(client);
    return client;
  };
  const sql = (text: string) => server.database.script(text);
  const fresh = (query: string) => server.fresh(ADA, query);
  /** It had its stream, which ended. */
  const letGo = (client: ApolloUnderTest) =>
    waitFor('it is not followed', () => client.streams === 1 && client.running === 0);
  const streams = (count: number) => waitFor(`${count} streams`, () => server.subscriptions() === count);

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((client) => client.close()));
    await streams(0);
  });

  describe('only Apollo Client', () => {
    test('a query that is not cached is answered and not followed', async () => {
      const client = await open();
      const shown: unknown[] = [];
      const subscription = client.apollo
        .watchQuery({ query: gql(TASKS), fetchPolicy: 'no-cache', context: { live: true } })
        .subscribe(({ data }) => data && shown.push(data));
      await waitFor('an answer', () => shown.length > 0);
      expect(plain(shown[0])).toEqual(await fresh(TASKS));
      await letGo(client);
      await streams(0);
      subscription.unsubscribe();
    });

    test('a query that is executed once is answered and not followed', async () => {
      const client = await open();
      const { data } = await client.apollo.query({ query: gql(TASKS), context: { live: true } });
      expect(plain(data)).toEqual(await fresh(TASKS));
      await letGo(client);
      await streams(0);
    });

    test('a query for which the cache has everything is still followed', async () => {
      const client = await open();
      await client.apollo.query({ query: gql(TASKS) });
      const watched = client.watch(TASKS, {}, { policy: 'cache-first' });
      await streams(1);
      await sql("update tasks set title = 'found in the cache' where id = 1");
      const expected = await fresh(TASKS);
      await waitFor('the truth', () => {
        expect(plain(watched.data)).toEqual(expected);
        return true;
      });
    });

    test('after clearStore nothing is written until a query executes, and then it is followed again', async () => {
      const client = await open();
      const watched = client.watch(TASKS);
      await streams(1);
      await client.apollo.clearStore();
      await streams(0);
      await sql("update tasks set title = 'after the store was cleared' where id = 1");
      expect(client.apollo.cache.extract()).toEqual({});
      await watched.refetch();
      await streams(1);
      await sql("update tasks set title = 'and followed again' where id = 1");
      const expected = await fresh(TASKS);
      await waitFor('the truth', () => {
        expect(plain(client.apollo.readQuery({ query: gql(TASKS) }))).toEqual(expected);
        return true;
      });
    });

    test('after resetStore every query executes again and is followed', async () => {
      const client = await open();
      const watched = new Map([TASKS, LABELS].map((query) => [query, client.watch(query)]));
      await streams(2);
      await client.apollo.resetStore();
      await streams(2);
      await sql(
        "update tasks set title = 'after a reset' where id = 1; update labels set name = 'reset' where id = 1",
      );
      for (const [query, { data }] of watched) expect(data, query).toBeDefined();
      for (const [query, each] of watched) {
        const expected = await fresh(query);
        await waitFor('the truth', () => {
          expect(plain(each.data), query).toEqual(expected);
          return true;
        });
      }
    });

    test('a store that is reset between changes and answers becomes correct', async () => {
      const client = await open();
      const watched = new Map([TASKS, LABELS].map((query) => [query, client.watch(query)]));
      for (let round = 0; round < 10; round++) {
        const writing = sql(`update tasks set title = 'round ${round}' where id <= 3`);
        await client.apollo.resetStore();
        await writing;
      }
      for (const [query, each] of watched) {
        const expected = await fresh(query);
        await waitFor('the truth', () => {
          expect(plain(each.data), query).toEqual(expected);
          return true;
        });
      }
    });

    test('a row that was evicted from the cache is shown again', async () => {
      const client = await open();
      const watched = client.watch(TASKS);
      await streams(1);
      client.apollo.cache.evict({ id: 'Task:1' });
      client.apollo.cache.modify({ fields: { tasks: (_tasks, { DELETE }) => DELETE } });
      await sql("update tasks set title = 'evicted' where id = 2");
      const expected = await fresh(TASKS);
      await waitFor('the truth', () => {
        expect(plain(watched.data)).toEqual(expected);
        return true;
      });
    });

    test('a polled query stays current and keeps its streams', async () => {
      const client = await open();
      const observable = client.apollo.watchQuery({
        query: gql(TASKS),
        fetchPolicy: 'cache-and-network',
        nextFetchPolicy: 'cache-first',
        context: { live: true },
        pollInterval: 20,
      });
      let statuses = 0;
      let shown: unknown;
      const subscription = observable.subscribe(({ data, networkStatus }) => {
        if (networkStatus === NetworkStatus.poll) statuses++;
        if (data) shown = data;
      });
      await waitFor('some polls', () => statuses > 5);
      await sql("update tasks set title = 'polled' where id = 1");
      const expected = await fresh(TASKS);
      await waitFor('the truth', () => {
        expect(plain(shown)).toEqual(expected);
        return true;
      });
      subscription.unsubscribe();
    });
  });
}
