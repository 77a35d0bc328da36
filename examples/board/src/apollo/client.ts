import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { createClient } from 'graphql-ws';
import { type Manifest, rivuletCacheConfig, rivuletLink } from 'rivulet-client/apollo';
import manifestJson from '../../../../client/generated/manifest.json';

/** TypeScript widens the words of a JSON file to strings. */
const manifest = manifestJson as unknown as Manifest;

/** Apollo Client, whose queries with `context: { live: true }` keep themselves true. */
export function createApollo(token: string): ApolloClient {
  const authorization = `Bearer ${token}`;
  const socket = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { authorization },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
  });
  return new ApolloClient({
    cache: new InMemoryCache(rivuletCacheConfig(manifest)),
    link: ApolloLink.from([
      rivuletLink({ manifest, client: socket }),
      new HttpLink({ uri: '/graphql', headers: { authorization } }),
    ]),
  });
}
