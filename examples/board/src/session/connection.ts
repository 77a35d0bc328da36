import type { Client } from 'graphql-ws';
import { useSyncExternalStore } from 'react';
import type { SseClient } from 'rivulet-client';

/** State of the streams' connection. `roundTripMs` is that of the last answered ping. */
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
export function followSocket(client: Client): ConnectionStore {
  const { store, set } = createStore();
  let pingedAt = 0;
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
  return store;
}

/** Follows a client's event stream from now on: it goes one way, so there are no round trips. */
export function followStream(client: SseClient): ConnectionStore {
  const { store, set } = createStore();
  client.on('connected', () => set({ state: 'live' }));
  client.on('closed', () => set({ state: 'lost' }));
  return store;
}

function createStore() {
  let connection: Connection = { state: 'connecting', roundTripMs: null };
  const listeners = new Set<() => void>();
  const set = (next: Partial<Connection>) => {
    connection = { ...connection, ...next };
    for (const listener of listeners) listener();
  };
  const store: ConnectionStore = {
    get: () => connection,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return { store, set };
}

export function useConnection(store: ConnectionStore): Connection {
  return useSyncExternalStore(store.subscribe, store.get);
}
