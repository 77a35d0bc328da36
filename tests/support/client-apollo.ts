import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { rivuletCacheConfig, rivuletLink } from '../../client/apollo/index.js';
import { type ClientKind, openSocket, QUICK } from './client-under-test.js';

/** Apollo Client with its own cache. */
export const apolloClient: ClientKind = {
  name: 'apollo',
  showsStale: false,
  open: (options) => {
    const { server, token, optimistic } = options;
    const problems: unknown[] = [];
    const stops: (() => void)[] = [];
    const socket = openSocket(options);
    const client = new ApolloClient({
      cache: new InMemoryCache(rivuletCacheConfig(server.manifest)),
      link: rivuletLink({
        manifest: server.manifest,
        client: socket.client,
        times: QUICK,
        checkMs: 20,
        onError: (error) => problems.push(error),
      }).concat(new HttpLink({ uri: server.url, headers: { authorization: `Bearer ${token}` } })),
    });
    return {
      problems,
      cut: socket.cut,
      watch: (query, variables = {}, live = true) => {
        const watched = {
          data: undefined as unknown,
          error: undefined as unknown,
          stale: false,
          shown: [] as unknown[],
          stop: () => {},
        };
        const subscription = client
          .watchQuery({
            query: gql(query),
            variables,
            fetchPolicy: 'cache-and-network',
            nextFetchPolicy: 'cache-first',
            context: live ? { live: true } : {},
          })
          .subscribe(({ data, error, loading }) => {
            watched.stale = loading;
            watched.error = error;
            if (data === undefined) return;
            watched.data = data;
            watched.shown.push(data);
          });
        watched.stop = () => subscription.unsubscribe();
        stops.push(watched.stop);
        return watched;
      },
      mutate: async (mutation, variables = {}) => {
        const { id, set } = variables as { id?: string; set?: object };
        const expected = { updateTask: { __typename: 'Task', id, ...set } };
        const { data } = await client.mutate({
          mutation: gql(mutation),
          variables,
          ...(optimistic && id !== undefined ? { optimisticResponse: expected as never } : {}),
        });
        return data;
      },
      close: async () => {
        for (const stop of stops) stop();
        await new Promise((resolve) => setTimeout(resolve, 50));
        client.stop();
        await socket.client.dispose();
      },
    };
  },
};
