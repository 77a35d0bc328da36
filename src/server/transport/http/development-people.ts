import type { IncomingMessage } from 'node:http';
import { isDirectLoopback } from '../../auth/client-address.js';
import { isAllowedOrigin, isLoopbackHost } from './origin.js';

/** A user that a page of the development server may sign in as. */
export interface DevelopmentPerson {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

/**
 * True for a request that may be handed tokens without a password: only of a page of this server,
 * in a browser on this very machine, under a loopback name. A foreign page, also one whose name was
 * made to point here, gets nothing, and nothing goes through a proxy.
 */
export function mayReceivePeople(request: IncomingMessage): boolean {
  const { headers } = request;
  const site = headers['sec-fetch-site'];
  return (
    isDirectLoopback(request) &&
    isLoopbackHost(headers.host) &&
    isAllowedOrigin(headers, [], 'request') &&
    (site === undefined || site === 'same-origin' || site === 'none')
  );
}
