import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { pipe, subscribe } from 'wonka';
import { rivuletCache, rivuletExchange } from '../../client/urql/index.js';
import { type ClientKind, openStreams, QUICK } from './client-under-test.js';

/** urql with Graphcache. */
export const urqlClient: ClientKind = {
  name: 'urql',
  open: (options) => {
    const { server, token, optimistic } = options;
    const problems: unknown[] = [];
    const stops: (() => void)[] = [];
    const streams = openStreams(options);
    const client = new Client({
      url: server.url,
      fetchOptions: { headers: { authorization: `Bearer ${token}` } },
      preferGetMethod: false,
      exchanges: [
        rivuletExchange({
          manifest: server.manifest,
          client: streams.client,
          times: { ...QUICK, ...options.times },
          onError: (error) => problems.push(error),
          cache: cacheExchange({
            ...rivuletCache(server),
            ...(optimistic && {
              optimistic: {
                updateTask: ({ id, set }) => ({ __typename: 'Task', id, ...(set as object) }),
              },
            }),
          }),
        }),
        fetchExchange,
      ],
    });
    return {
      problems,
      cut: streams.cut,
      get streams() {
        return streams.asked;
      },
      get running() {
        return streams.running;
      },
      watch: (query, variables = {}, { live = true, policy = 'cache-first' } = {}) => {
        const context = { requestPolicy: policy, ...(live ? { live } : {}) };
        const watched = {
          data: undefined as unknown,
          error: undefined as unknown,
          stale: false,
          shown: [] as unknown[],
          refetch: async () => {
            await client.query(query, variables, { ...context, requestPolicy: 'network-only' }).toPromise();
          },
          stop: () => {},
        };
        const { unsubscribe } = pipe(
          client.query(query, variables, context),
          subscribe(({ data, error, stale }) => {
            watched.data = data;
            watched.error = error;
            watched.stale = stale;
            watched.shown.push(data);
            options.onShown?.();
          }),
        );
        watched.stop = unsubscribe;
        stops.push(unsubscribe);
        return watched;
      },
      mutate: async (mutation, variables = {}) => {
        const { data, error } = await client.mutation(mutation, variables).toPromise();
        if (error) throw error;
        return data;
      },
      close: async () => {
        for (const stop of stops) stop();
        await streams.dispose();
      },
    };
  },
};
