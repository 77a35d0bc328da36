import { Client } from 'urql';
import { liveExchanges } from '../live.js';
import type { ConnectionStore } from './connection.js';
import type { Person } from './people.js';
import { openTransport } from './transport.js';

/** All that one signed-in person talks to the server with. */
export interface Session {
  readonly person: Person;
  readonly client: Client;
  readonly connection: ConnectionStore;
  close(): void;
}

export function openSession(person: Person): Session {
  const authorization = `Bearer ${person.token}`;
  const transport = openTransport(authorization);
  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: liveExchanges(transport.streams),
  });
  return {
    person,
    client,
    connection: transport.connection,
    close: transport.close,
  };
}
