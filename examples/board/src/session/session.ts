import { createClient as createSocketClient } from 'graphql-ws';
import { Client } from 'urql';
import { liveExchanges } from '../live.js';
import { type ConnectionStore, followConnection } from './connection.js';
import type { Person } from './people.js';

/** All that one signed-in person talks to the server with. */
export interface Session {
  readonly person: Person;
  readonly client: Client;
  readonly connection: ConnectionStore;
  close(): void;
}

const PING_EVERY_MS = 10_000;
const LONGEST_PAUSE_MS = 5_000;

export function openSession(person: Person): Session {
  const authorization = `Bearer ${person.token}`;
  const socket = createSocketClient({
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
  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: liveExchanges(socket),
  });
  return {
    person,
    client,
    connection: followConnection(socket),
    close: () => void socket.dispose(),
  };
}
