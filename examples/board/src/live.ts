import { cacheExchange } from '@urql/exchange-graphcache';
import type { Client as SocketClient } from 'graphql-ws';
import { useMemo } from 'react';
import { type Manifest, rivuletCache, rivuletExchange } from 'rivulet/client/urql';
import {
  type AnyVariables,
  type CombinedError,
  type Exchange,
  fetchExchange,
  subscriptionExchange,
  type TypedDocumentNode,
  useQuery,
} from 'urql';
import manifestJson from '../../../client/generated/manifest.json';

/** TypeScript widens the words of a JSON file to strings. */
const manifest = manifestJson as unknown as Manifest;

/** Queries and mutations by HTTP; change streams, and subscriptions of the page's own, over the WebSocket. */
export function liveExchanges(socket: SocketClient): Exchange[] {
  return [
    rivuletExchange({ manifest, client: socket, cache: cacheExchange(rivuletCache({ manifest })) }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({
          unsubscribe: socket.subscribe({ query: request.query ?? '', variables: request.variables }, sink),
        }),
      }),
    }),
  ];
}

export interface Live<TData> {
  /** `undefined` until the first answer. */
  readonly data: TData | undefined;
  readonly error: CombinedError | undefined;
}

/** A query's answer, kept true by the changes of the rows in it. */
export function useLive<TData, TVariables extends AnyVariables>(
  query: TypedDocumentNode<TData, TVariables>,
  variables: TVariables,
): Live<TData> {
  const context = useMemo(() => ({ live: true }), []);
  const [{ data, error }] = useQuery<TData, AnyVariables>({ query, variables, context });
  return { data, error };
}
