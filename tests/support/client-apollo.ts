import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { rivuletCacheConfig, rivuletLink } from '../../client/apollo/index.js';
import {
  type ClientKind,
  type ClientUnderTest,
  type OpenOptions,
  openStreams,
  QUICK,
} from './client-under-test.js';

/** Apollo Client with its own cache. */
export const apolloClient: ClientKind = {
  name: 'apollo',
  hidesStale: "Apollo Client's results have no field for it",
  open: (options) => openApollo(options),
};

export interface ApolloUnderTest extends ClientUnderTest {
  /** Apollo's own, for what only it can do. */
  readonly apollo: ApolloClient;
}

export function openApollo(options: OpenOptions): ApolloUnderTest {
  const { server, token, optimistic } = options;
  const problems: unknown[] = [];
  const stops: (() => void)[] = [];
  const streams = openStreams(options);
  const client = new ApolloClient({
    cache: new InMemoryCache(rivuletCacheConfig(server.manifest)),
    link: rivuletLink({
      manifest: server.manifest,
      client: streams.client,
      times: { ...QUICK, ...options.times },
      checkMs: 20,
      onError: (error) => problems.push(error),
    }).concat(new HttpLink({ uri: server.url, headers: { authorization: `Bearer ${token}` } })),
  });
  return {
    apollo: client,
    problems,
    cut: streams.cut,
    get streams() {
      return streams.asked;
    },
    get running() {
      return streams.running;
    },
    watch: (query, variables = {}, { live = true, policy = 'cache-and-network' } = {}) => {
      const watched = {
        data: undefined as unknown,
        error: undefined as unknown,
        stale: false,
        shown: [] as unknown[],
        refetch: async () => {
          await observable.refetch();
        },
        stop: () => {},
      };
      const observable = client.watchQuery({
        query: gql(query),
        variables,
        fetchPolicy: policy,
        nextFetchPolicy: policy === 'cache-only' ? policy : 'cache-first',
        context: live ? { live: true } : {},
      });
      const subscription = observable.subscribe(({ data, error, loading }) => {
        watched.stale = loading;
        watched.error = error;
        if (data === undefined) return;
        watched.data = data;
        watched.shown.push(data);
        options.onShown?.();
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
      await streams.dispose();
    },
  };
}
