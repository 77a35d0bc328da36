import type { Client } from 'graphql-ws';
import { useSyncExternalStore } from 'react';

/** How the WebSocket is. `roundTripMs` is of the last ping that was answered. */
export interface Connection {
  readonly state: 'connecting' | 'live' | 'lost';
  readonly roundTripMs: number | null;
}

export interface ConnectionStore {
  readonly get: () => Connection;
  /** Returns what stops it. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** Follows a client's socket from now on. */
export function followConnection(client: Client): ConnectionStore {
  let connection: Connection = { state: 'connecting', roundTripMs: null };
  let pingedAt = 0;
  const listeners = new Set<() => void>();
  const set = (next: Partial<Connection>) => {
    connection = { ...connection, ...next };
    for (const listener of listeners) listener();
  };
  client.on('connecting', (isRetry) => {
    if (!isRetry) set({ state: 'connecting' });
  });
  client.on('connected', () => set({ state: 'live' }));
  client.on('closed', () => set({ state: 'lost', roundTripMs: null }));
  client.on('ping', (received) => {
    if (!received) pingedAt = performance.now();
  });
  client.on('pong', (received) => {
    if (received && pingedAt > 0) set({ roundTripMs: Math.max(1, Math.round(performance.now() - pingedAt)) });
  });
  return {
    get: () => connection,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useConnection(store: ConnectionStore): Connection {
  return useSyncExternalStore(store.subscribe, store.get);
}
