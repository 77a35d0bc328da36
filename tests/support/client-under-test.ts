import { createClient, type Client as SocketClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { StreamSink } from '../../client/core/live/index.js';
import type { ClientServer } from './client-server.js';

/** A GraphQL client with the plugin, as a component of a page uses it. */
export interface ClientUnderTest {
  /** Shows a query until it is stopped. */
  watch(query: string, variables?: Readonly<Record<string, unknown>>, live?: boolean): WatchedQuery;
  mutate(mutation: string, variables?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Breaks the connection of the streams. */
  cut(): void;
  /** What was reported besides the results. */
  readonly problems: readonly unknown[];
  close(): Promise<void>;
}

export interface WatchedQuery {
  /** What is shown now. */
  readonly data: unknown;
  readonly error: unknown;
  readonly stale: boolean;
  /** Everything that was shown, in order. */
  readonly shown: readonly unknown[];
  stop(): void;
}

export interface OpenOptions {
  readonly server: ClientServer;
  readonly token: string;
  /** What `updateTask`, asked for with `set: { title }`, is expected to answer; shown until it does. */
  readonly optimistic?: boolean;
  /** What comes over the streams goes through this first. */
  readonly meddle?: (sink: StreamSink) => StreamSink;
}

export interface ClientKind {
  readonly name: string;
  /** Whether results say that they may be old. */
  readonly showsStale: boolean;
  open(options: OpenOptions): ClientUnderTest;
}

export interface TestSocket {
  readonly client: SocketClient;
  cut(): void;
}

export function openSocket({ server, token, meddle }: OpenOptions): TestSocket {
  let socket: WebSocket | undefined;
  const client = createClient({
    url: server.webSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 100,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    on: { opened: (opened) => (socket = opened as WebSocket) },
  });
  const meddled: SocketClient = {
    ...client,
    subscribe: (request, sink) =>
      client.subscribe(request, (meddle ? meddle(sink as unknown as StreamSink) : sink) as typeof sink),
  };
  return { client: meddled, cut: () => socket?.terminate() };
}

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
