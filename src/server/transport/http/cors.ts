import type { IncomingMessage, ServerResponse } from 'node:http';
import { PREFLIGHTED_HEADERS } from './cookie-requests.js';

/** The requests that pages of other origins may send. */
export const CORS = {
  methods: ['GET', 'POST', 'PUT', 'DELETE'],
  allowedHeaders: ['authorization', 'content-type', 'last-event-id', ...PREFLIGHTED_HEADERS],
  maxAge: 600,
};

/** Lets a page of an allowed origin read the answer, whatever it will be. */
export function allowCrossOriginReading(
  request: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): void {
  const { origin } = request.headers;
  if (origins.length > 0) response.setHeader('vary', 'Origin');
  if (origin === undefined || !origins.includes(origin)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-credentials', 'true');
}
