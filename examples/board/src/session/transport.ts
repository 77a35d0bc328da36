import { createClient } from 'graphql-ws';
import { createSseClient } from 'rivulet-client';
import type { StreamClient } from 'rivulet-client/urql';
import { type ConnectionStore, followSocket, followStream } from './connection.js';

/** The transport of the streams. */
export interface Transport {
  readonly streams: StreamClient;
  readonly connection: ConnectionStore;
  close(): void;
}

const PING_EVERY_MS = 10_000;
const LONGEST_PAUSE_MS = 5_000;

/** A WebSocket; with `?over=sse` in the page's address, one event stream. */
export function openTransport(authorization: string): Transport {
  return new URLSearchParams(location.search).get('over') === 'sse'
    ? overEventStream(authorization)
    : overWebSocket(authorization);
}

function overEventStream(authorization: string): Transport {
  const client = createSseClient({
    url: '/graphql',
    headers: { authorization },
    retryMostMs: LONGEST_PAUSE_MS,
  });
  return { streams: client as StreamClient, connection: followStream(client), close: client.dispose };
}

function overWebSocket(authorization: string): Transport {
  const socket = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { authorization },
    keepAlive: PING_EVERY_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    // Half of the pause is chance, so that not everybody comes back at the same moment.
    retryWait: (retries) => {
      const pause = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** retries) * (0.5 + Math.random() / 2);
      return new Promise((resolve) => setTimeout(resolve, pause));
    },
  });
  return {
    streams: socket as StreamClient,
    connection: followSocket(socket),
    close: () => void socket.dispose(),
  };
}
