import { cacheExchange } from '@urql/exchange-graphcache';
import { useMemo } from 'react';
import { type Manifest, rivuletCache, rivuletExchange, type StreamClient } from 'rivulet-client/urql';
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

/**
 * Queries and mutations by HTTP; change streams, and subscriptions of the page's own, over what
 * carries the streams.
 */
export function liveExchanges(streams: StreamClient): Exchange[] {
  return [
    rivuletExchange({ manifest, client: streams, cache: cacheExchange(rivuletCache({ manifest })) }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({
          unsubscribe: streams.subscribe(
            { query: request.query ?? '', variables: (request.variables ?? {}) as Record<string, unknown> },
            sink,
          ),
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
