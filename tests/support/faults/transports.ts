import type { ExecutionResult } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import WebSocket from 'ws';

export interface StreamOptions {
  /** `http://…/graphql`, whatever the transport. */
  readonly url: string;
  readonly token: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Asks the other side for a sign of life so often, where the protocol can. */
  readonly askEveryMs?: number;
  /** Something came, be it only a sign of life. */
  readonly onAlive: () => void;
  readonly onNext: (result: ExecutionResult) => void;
  /** Once, however it ended: an error, a closed socket, or `undefined` where the server said that it is complete. */
  readonly onEnd: (error: unknown) => void;
}

/** One subscription on a connection of its own. */
export interface Stream {
  /** Cuts the connection; `onEnd` may still be told. */
  cut(): void;
  /** Reads nothing until it is told otherwise. */
  pause(): void;
  resume(): void;
}

export type Transport = (options: StreamOptions) => Stream;

/** A stock graphql-ws client that does not retry by itself: it would begin where it began before. */
export const overWebSocket: Transport = (options) => {
  const { url, token, query, variables, onNext, onEnd } = options;
  let socket: WebSocket | undefined;
  class KeptSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { handshakeTimeout: 10_000 });
      socket = this;
    }
  }
  const client = createWebSocketClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: KeptSocket,
    retryAttempts: 0,
    connectionAckWaitTimeout: 10_000,
    keepAlive: options.askEveryMs ?? 0,
    on: { message: options.onAlive },
    connectionParams: { authorization: `Bearer ${token}` },
  });
  client.subscribe(
    { query, variables },
    { next: (result) => onNext(result as ExecutionResult), error: onEnd, complete: () => onEnd(undefined) },
  );
  return {
    cut: () => {
      socket?.terminate();
      // It rejects where the socket broke, of which `onEnd` was told.
      Promise.resolve(client.dispose()).catch(() => {});
    },
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
  };
};

/** A stock graphql-sse client, one request for the subscription, that does not retry by itself either. */
export const overEventStream: Transport = (options) => {
  const { url, token, query, variables, onAlive, onNext, onEnd } = options;
  const client = createSseClient({
    url,
    retryAttempts: 0,
    headers: { authorization: `Bearer ${token}` },
    fetchFn: async (...args: Parameters<typeof fetch>) => {
      const response = await fetch(...args);
      // The server's comments, which say that it is there, are told to nobody by the client.
      const heard = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          onAlive();
          controller.enqueue(chunk);
        },
      });
      return new Response(response.body?.pipeThrough(heard) ?? null, response);
    },
  });
  client.subscribe(
    { query, variables },
    { next: (result) => onNext(result as ExecutionResult), error: onEnd, complete: () => onEnd(undefined) },
  );
  return { cut: () => client.dispose(), pause: () => {}, resume: () => {} };
};
