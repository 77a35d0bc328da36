import type { IncomingMessage } from 'node:http';
import { isAllowedOrigin, isLoopbackHost } from './origin.js';

/** Somebody whom a page of the development server may sign in as. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

/**
 * Who may be handed tokens without a password: only a page of this server, asked for under a loopback name. A foreign page,
 * also one whose name was made to point here, gets nothing.
 */
export function mayChoosePerson(request: IncomingMessage): boolean {
  const { headers } = request;
  const site = headers['sec-fetch-site'];
  return (
    isLoopbackHost(headers.host) &&
    isAllowedOrigin(headers, [], 'request') &&
    (site === undefined || site === 'same-origin' || site === 'none')
  );
}
