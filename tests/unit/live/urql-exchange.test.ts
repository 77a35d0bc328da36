import { Client, type Exchange, type Operation, type OperationResult } from '@urql/core';
import { describe, expect, test } from 'vitest';
import { filter, map, pipe, subscribe, tap } from 'wonka';
import { rivuletExchange } from '../../../client/urql/index.js';
import { waitFor } from '../../support/wait-for.js';
import { manifest } from '../client/blog.js';

const QUERY = '{ posts { id name } }';

/** Answers every query, and counts. */
function answering(asked: Operation[]): Exchange {
  return () => (operations$) =>
    pipe(
      operations$,
      filter(({ kind }) => kind === 'query'),
      tap((operation) => asked.push(operation)),
      map(
        (operation): OperationResult => ({
          operation,
          data: { posts: [{ id: '1', name: 'a' }] },
          extensions: { rivulet: { cursor: 'c' } },
          stale: false,
          hasNext: false,
        }),
      ),
    );
}

/** Keeps what may come from the cache to itself, as Graphcache does where two queries would ask because of each other. */
const keeping: Exchange =
  ({ forward }) =>
  (operations$) =>
    forward(
      pipe(
        operations$,
        filter(({ kind, context }) => kind !== 'query' || context.requestPolicy === 'network-only'),
      ),
    );

function clientWith(cache: Exchange | undefined, asked: Operation[]): Client {
  return new Client({
    url: 'http://nowhere.invalid/',
    exchanges: [
      rivuletExchange({ manifest, client: { subscribe: () => () => {} }, ...(cache ? { cache } : {}) }),
      answering(asked),
    ],
  });
}

describe('the exchange', () => {
  test('asks the network for a live query that the cache keeps to itself', async () => {
    const asked: Operation[] = [];
    const shown: unknown[] = [];
    const { unsubscribe } = pipe(
      clientWith(keeping, asked).query(QUERY, {}, { live: true }),
      subscribe(({ data }) => shown.push(data)),
    );
    await waitFor('an answer', () => shown.length > 0);
    expect(shown).toEqual([{ posts: [{ id: '1', name: 'a' }] }]);
    expect(asked).toHaveLength(1);
    unsubscribe();
  });

  test('asks once for a live query that the cache hands on', async () => {
    const asked: Operation[] = [];
    const shown: unknown[] = [];
    const client = clientWith(undefined, asked);
    const watch = () =>
      pipe(
        client.query(QUERY, {}, { live: true }),
        subscribe(({ data }) => shown.push(data)),
      );
    const first = watch();
    const second = watch();
    await waitFor('an answer for both', () => shown.length >= 2);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked).toHaveLength(1);
    first.unsubscribe();
    second.unsubscribe();
  });
});
