import type { IncomingMessage } from 'node:http';
import { STREAM_TOKEN_HEADER } from './streamed-results.js';

/**
 * Headers that a page cannot send to another origin unless the server allows it first, and that no
 * browser and no usual proxy adds by itself.
 */
export const PREFLIGHTED_HEADERS = [
  'x-requested-with',
  'graphql-require-preflight',
  'apollo-require-preflight',
  'x-apollo-operation-name',
  STREAM_TOKEN_HEADER,
] as const;

/**
 * True for a GET that a page of any site could have made with the cookies of this one. Its answer
 * cannot be read there, but what it costs, how long it takes and how large it is can be found out.
 *
 * A request is sure if it has a token of its own instead of cookies, an `Origin` (which was checked
 * before), `Sec-Fetch-Site: same-origin`, a type (GETs have none, so that one is asked for first),
 * or a header of `PREFLIGHTED_HEADERS`.
 */
export function isPossiblyCrossSite({
  method,
  headers,
}: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  if (headers.cookie === undefined || headers.authorization !== undefined) return false;
  return (
    headers.origin === undefined &&
    headers['content-type'] === undefined &&
    headers['sec-fetch-site'] !== 'same-origin' &&
    PREFLIGHTED_HEADERS.every((name) => headers[name] === undefined)
  );
}
