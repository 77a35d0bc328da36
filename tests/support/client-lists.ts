import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, Observable } from '@apollo/client';
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { print } from 'graphql';
import { pipe, subscribe } from 'wonka';
import { rivuletCacheConfig, rivuletLink } from '../../client/apollo/index.js';
import type { StreamClient, StreamSink, VerifyOptions } from '../../client/core/live/index.js';
import { rivuletCache, rivuletExchange } from '../../client/urql/index.js';
import type { ClientServer } from './client-server.js';
import { openStreams, QUICK, type Transport } from './client-under-test.js';
import { waitFor } from './wait-for.js';

type Variables = Readonly<Record<string, unknown>>;

/** A GraphQL client whose cache is looked at: what it shows, what it asks for. */
export interface ListClient {
  /** Shows a query, from the cache first. */
  watch(query: string, how?: { readonly live?: boolean; readonly variables?: Variables }): Shown;
  /** As a page does with its own change stream. */
  follow(
    subscription: string,
    variables?: Variables,
  ): { readonly messages: readonly unknown[]; stop(): void };
  mutate(mutation: string, variables?: Variables): Promise<unknown>;
  /** Writes something untrue into the cache. */
  spoil?(row: string, column: string, value: string): void;
  /** The documents that were sent over HTTP, without mutations. */
  readonly requests: readonly string[];
  readonly problems: readonly unknown[];
  close(): Promise<void>;
}

export interface Shown {
  readonly data: unknown;
  readonly shown: readonly unknown[];
  stop(): void;
}

export interface ListOptions {
  readonly server: ClientServer;
  readonly token: string;
  /** Called before the answer of a request is handed on. */
  readonly beforeAnswer?: (query: string) => Promise<void>;
  /** Of all streams. Default: WebSocket. */
  readonly transport?: Transport;
  /** Live queries are compared with the network. */
  readonly verify?: VerifyOptions;
  /** What comes over the streams of live queries goes through this first; `stream` counts them. */
  readonly meddle?: (sink: StreamSink, stream: number) => StreamSink;
  /** Shown until `createTask` and `updateTask` are answered. */
  readonly optimistic?: boolean;
}

export interface ListKind {
  readonly name: string;
  open(options: ListOptions): ListClient;
}

/** Pages send `extensions`, too. */
interface OwnStreams extends StreamClient {
  subscribe(
    request: Parameters<StreamClient['subscribe']>[0] & { readonly extensions?: unknown },
    sink: StreamSink,
  ): () => void;
}

function transports({ server, token, beforeAnswer, transport }: ListOptions) {
  const requests: string[] = [];
  const streams = openStreams({ server, token, ...(transport ? { transport } : {}) });
  const counted: typeof fetch = async (input, init) => {
    const { query } = JSON.parse(String(init?.body)) as { query: string };
    if (!query.trimStart().startsWith('mutation')) requests.push(query);
    const response = await fetch(input, init);
    const text = await response.text();
    await beforeAnswer?.(query);
    return new Response(text, response);
  };
  return { requests, streams, socket: streams.client as OwnStreams, fetch: counted };
}

function meddled(socket: StreamClient, { meddle }: ListOptions): StreamClient {
  let stream = 0;
  return {
    ...socket,
    subscribe: (request, sink) => socket.subscribe(request, meddle ? meddle(sink, ++stream) : sink),
  };
}

const newShown = () => ({ data: undefined as unknown, shown: [] as unknown[], stop: () => {} });

export const urqlLists: ListKind = {
  name: 'urql',
  open: (options) => {
    const { server, token } = options;
    const { requests, streams, socket, fetch: counted } = transports(options);
    const problems: unknown[] = [];
    const stops: (() => void)[] = [];
    const client = new Client({
      url: server.url,
      fetch: counted,
      fetchOptions: { headers: { authorization: `Bearer ${token}` } },
      preferGetMethod: false,
      exchanges: [
        rivuletExchange({
          manifest: server.manifest,
          client: meddled(socket, options),
          ...(options.verify ? { verify: options.verify } : {}),
          times: QUICK,
          onError: (error) => problems.push(error),
          cache: cacheExchange({
            ...rivuletCache(server),
            logger: (severity, message) => {
              if (severity !== 'debug') problems.push(`${severity}: ${message}`);
            },
            ...(options.optimistic && {
              optimistic: {
                updateTask: ({ id, set }) => ({ __typename: 'Task', id, ...(set as object) }),
              },
            }),
          }),
        }),
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: ({ query, variables, extensions }) => ({
            subscribe: (sink) => ({
              unsubscribe: socket.subscribe(
                { query: query!, variables: variables ?? {}, extensions },
                sink as never,
              ),
            }),
          }),
        }),
      ],
    });
    return {
      requests,
      problems,
      watch: (query, { live = false, variables = {} } = {}) => {
        const watched = newShown();
        const { unsubscribe } = pipe(
          client.query(query, variables, live ? { live: true } : {}),
          subscribe(({ data, error }) => {
            if (error) problems.push(error);
            watched.data = data;
            watched.shown.push(data);
          }),
        );
        watched.stop = unsubscribe;
        stops.push(unsubscribe);
        return watched;
      },
      follow: (subscription, variables = {}) => {
        const messages: unknown[] = [];
        const { unsubscribe } = pipe(
          client.subscription(subscription, variables),
          subscribe(({ data, error }) => {
            if (error) problems.push(error);
            messages.push(data);
          }),
        );
        stops.push(unsubscribe);
        return { messages, stop: unsubscribe };
      },
      mutate: async (mutation, variables = {}) => {
        const { data, error } = await client.mutation(mutation, variables).toPromise();
        if (error) throw error;
        return data;
      },
      close: async () => {
        for (const stop of stops) stop();
        await waitFor('its streams end', () => server.subscriptions() === 0);
        await streams.dispose();
      },
    };
  },
};

export const apolloLists: ListKind = {
  name: 'apollo',
  open: (options) => {
    const { server, token } = options;
    const { requests, streams, socket, fetch: counted } = transports(options);
    const problems: unknown[] = [];
    const stops: (() => void)[] = [];
    const http = new HttpLink({
      uri: server.url,
      fetch: counted,
      headers: { authorization: `Bearer ${token}` },
    });
    const subscribing = new ApolloLink(
      ({ query, variables, extensions }) =>
        new Observable((observer) =>
          socket.subscribe({ query: print(query), variables, extensions }, observer as never),
        ),
    );
    const client = new ApolloClient({
      cache: new InMemoryCache(rivuletCacheConfig(server.manifest)),
      link: ApolloLink.from([
        rivuletLink({
          manifest: server.manifest,
          client: meddled(socket, options),
          ...(options.verify ? { verify: options.verify } : {}),
          times: QUICK,
          checkMs: 20,
          onError: (error) => problems.push(error),
        }),
        ApolloLink.split(({ operationType }) => operationType === 'subscription', subscribing, http),
      ]),
    });
    return {
      requests,
      problems,
      spoil: (row, column, value) => {
        client.cache.modify({ id: row, fields: { [column]: () => value } });
      },
      watch: (query, { live = false, variables = {} } = {}) => {
        const watched = newShown();
        const subscription = client
          .watchQuery({ query: gql(query), variables, context: live ? { live: true } : {} })
          .subscribe(({ data, error }) => {
            if (error) problems.push(error);
            watched.data = data;
            watched.shown.push(data);
          });
        watched.stop = () => subscription.unsubscribe();
        stops.push(watched.stop);
        return watched;
      },
      follow: (subscription, variables = {}) => {
        const messages: unknown[] = [];
        const following = client
          .subscribe({ query: gql(subscription), variables })
          .subscribe(({ data, error }) => {
            if (error) problems.push(error);
            messages.push(data);
          });
        const stop = () => following.unsubscribe();
        stops.push(stop);
        return { messages, stop };
      },
      mutate: async (mutation, variables = {}) => {
        const { id, set } = variables as { id?: string; set?: object };
        const expected = { updateTask: { __typename: 'Task', id, ...set } };
        const { data } = await client.mutate({
          mutation: gql(mutation),
          variables,
          ...(options.optimistic && id !== undefined ? { optimisticResponse: expected as never } : {}),
        });
        return data;
      },
      close: async () => {
        for (const stop of stops) stop();
        // Apollo tells nobody that a query is not watched any more.
        await waitFor('its streams end', () => server.subscriptions() === 0);
        client.stop();
        await streams.dispose();
      },
    };
  },
};
