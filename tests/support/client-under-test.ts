import { createClient as createSseClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { LiveTimes, StreamClient, StreamSink } from '../../client/core/live/index.js';
import type { ClientServer } from './client-server.js';
import { overSingleConnection } from './single-connection.js';

/** A GraphQL client with the plugin, as a component of a page uses it. */
export interface ClientUnderTest {
  /** Shows a query until it is stopped. */
  watch(query: string, variables?: Readonly<Record<string, unknown>>, how?: WatchHow): WatchedQuery;
  mutate(mutation: string, variables?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Breaks the connection of the streams. */
  cut(): void;
  /** How many streams were asked for so far. */
  readonly streams: number;
  /** How many of them run, or are about to. */
  readonly running: number;
  /** What was reported besides the results. */
  readonly problems: readonly unknown[];
  close(): Promise<void>;
}

export interface WatchHow {
  /** False: as any other query. Default: true. */
  readonly live?: boolean;
  /** Both clients call these the same. Default: `cache-first` for urql, `cache-and-network` for Apollo. */
  readonly policy?: 'cache-first' | 'cache-and-network' | 'network-only' | 'cache-only';
}

export interface WatchedQuery {
  /** What is shown now. */
  readonly data: unknown;
  readonly error: unknown;
  readonly stale: boolean;
  /** Everything that was shown, in order. */
  readonly shown: readonly unknown[];
  /** Asks the network, as the client's own way to do so does; resolves when that was answered. */
  refetch(): Promise<void>;
  stop(): void;
}

/** `sse`: a stream for each operation, by the stock client. `single`: one for all, by ours. */
export type Transport = 'websocket' | 'sse' | 'single';

export interface OpenOptions {
  readonly server: ClientServer;
  readonly token: string;
  /** What carries the streams. Default: `websocket`. */
  readonly transport?: Transport;
  /** Called with the method of each request of the streams; `single` only. */
  readonly onRequest?: (method: string) => void;
  /** Besides `QUICK`. */
  readonly times?: Partial<LiveTimes>;
  /** Called with each result of any query. */
  readonly onShown?: () => void;
  /** What `updateTask`, asked for with `set: { title }`, is expected to answer; shown until it does. */
  readonly optimistic?: boolean;
  /** What comes over the streams goes through this first; `stream` counts them. */
  readonly meddle?: (sink: StreamSink, stream: number) => StreamSink;
}

export interface ClientKind {
  readonly name: string;
  /** Why results do not say that they may be old; absent where they do. */
  readonly hidesStale?: string;
  open(options: OpenOptions): ClientUnderTest;
}

export interface TestStreams {
  readonly client: StreamClient;
  /** How many were asked for so far. */
  readonly asked: number;
  /** How many of them were not ended by either side. */
  readonly running: number;
  /** Breaks their connections. */
  cut(): void;
  dispose(): Promise<void>;
}

export function openStreams(options: OpenOptions): TestStreams {
  const { client, cut, dispose } = OVER[options.transport ?? 'websocket'](options);
  let asked = 0;
  const running = new Set<number>();
  return {
    client: {
      ...client,
      subscribe: (request, sink) => {
        const number = ++asked;
        running.add(number);
        const ending: StreamSink = {
          next: (result) => sink.next(result),
          error: (error) => {
            running.delete(number);
            sink.error(error);
          },
          complete: () => {
            running.delete(number);
            sink.complete();
          },
        };
        const close = client.subscribe(request, options.meddle?.(ending, number) ?? ending);
        return () => {
          running.delete(number);
          close();
        };
      },
    },
    get asked() {
      return asked;
    },
    get running() {
      return running.size;
    },
    cut,
    dispose,
  };
}

const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

function overWebSocket({ server, token }: OpenOptions): Omit<TestStreams, 'asked' | 'running'> {
  let socket: WebSocket | undefined;
  const client = createClient({
    url: server.webSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 1_000,
    retryWait: soon,
    on: { opened: (opened) => (socket = opened as WebSocket) },
  });
  const dispose = async () => client.dispose();
  return { client: client as unknown as StreamClient, cut: () => socket?.terminate(), dispose };
}

function overSse({ server, token }: OpenOptions): Omit<TestStreams, 'asked' | 'running'> {
  let network = new AbortController();
  const client = createSseClient({
    url: server.url,
    headers: { authorization: `Bearer ${token}` },
    retryAttempts: 1_000,
    retry: soon,
    fetchFn: (url: string, init: RequestInit) =>
      fetch(url, {
        ...init,
        signal: AbortSignal.any([network.signal, ...(init.signal ? [init.signal] : [])]),
      }),
  });
  const cut = () => {
    network.abort(new TypeError('the network is gone'));
    network = new AbortController();
  };
  return { client: client as unknown as StreamClient, cut, dispose: async () => client.dispose() };
}

const OVER = { websocket: overWebSocket, sse: overSse, single: overSingleConnection };

/** Times that do not make tests wait. */
export const QUICK = {
  refetchGapMs: 5,
  resetSpreadMs: 10,
  retryFirstMs: 10,
  retryMostMs: 100,
  catchUpMs: 50,
  settleMs: 50,
  echoMs: 300,
};

/** Without `__typename`, which some clients show. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (name === '__typename' ? [] : [[name, plain(inner)]])),
  );
}
