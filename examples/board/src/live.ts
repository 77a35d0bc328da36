import { type DocumentNode, Kind, OperationTypeNode } from 'graphql';
import type { Client as SocketClient } from 'graphql-ws';
import { useMemo } from 'react';
import {
  type AnyVariables,
  type CombinedError,
  type Exchange,
  fetchExchange,
  subscriptionExchange,
  type TypedDocumentNode,
  useSubscription,
} from 'urql';

/** How this page talks to the server: queries and mutations by HTTP, what is live over the WebSocket. */
export function liveExchanges(socket: SocketClient): Exchange[] {
  return [
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

/** A query's answer, and every later one as soon as it is another. */
export function useLive<TData, TVariables extends AnyVariables>(
  query: TypedDocumentNode<TData, TVariables>,
  variables: TVariables,
): Live<TData> {
  const subscription = useMemo(() => asSubscription(query), [query]);
  const [{ data, error }] = useSubscription<TData, TData, AnyVariables>({ query: subscription, variables });
  return { data, error };
}

/** Each of the server's query fields is a subscription field as well. */
function asSubscription(document: DocumentNode): DocumentNode {
  return {
    ...document,
    definitions: document.definitions.map((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION
        ? { ...definition, operation: OperationTypeNode.SUBSCRIPTION }
        : definition,
    ),
  };
}
