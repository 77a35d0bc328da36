import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import type { Manifest } from '../../../shared/manifest/types.js';
import { maskError, onTheWire } from '../engine/client-errors.js';
import type { ServerHealth } from '../monitoring/health.js';
import {
  createGraphQLEndpoint,
  type GraphQLEndpoint,
  type GraphQLEndpointOptions,
} from './graphql-endpoint.js';
import { isPossiblyCrossSite } from './http/cookie-requests.js';
import { allowCrossOriginReading } from './http/cors.js';
import { type DevelopmentPerson, mayReceivePeople } from './http/development-people.js';
import { isAllowedOrigin } from './http/origin.js';
import type { StaticPages } from './http/static-pages.js';

/** Largest size of a request's headers together, with room for a long cursor in `Last-Event-ID`. */
const MAX_HEADER_BYTES = 32 * 1024;

/** Time between two checks for connections whose requests take too long to arrive. */
const TIMES_CHECKED_EVERY_MS = 1_000;

/** By Node's codes. */
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

export interface HttpOptions extends GraphQLEndpointOptions {
  readonly health: ServerHealth;
  readonly origins: readonly string[];
  /** GraphiQL is served. */
  readonly graphiql: boolean;
  /** Served wherever nothing else is. */
  readonly pages: StaticPages | null;
  /**
   * Handed out at `/development/people`; `null` outside development, where there is no such path.
   */
  readonly people: readonly DevelopmentPerson[] | null;
  /** The response of `/manifest.json`; `null` if the path does not exist. */
  readonly manifest: Manifest | null;
}

export interface HttpTransport {
  readonly server: Server;
  /** Event streams that are open. */
  readonly streams: number;
  /**
   * Stops accepting, cuts the event streams (a stream that ended in order would not be taken up
   * again), waits up to `timeoutMs` for answers under way, and then cuts those too.
   */
  close(timeoutMs: number): Promise<void>;
}

/** `/graphql`, `/health/live`, `/health/ready`, `/manifest.json`, and pages; not yet listening. */
export function createHttpServer(options: HttpOptions): HttpTransport {
  const { requestSeconds, headersSeconds } = options.limits;
  const endpoint = createGraphQLEndpoint(options);
  const times = {
    requestTimeout: requestSeconds * 1_000,
    headersTimeout: Math.min(requestSeconds, headersSeconds) * 1_000,
    connectionsCheckingInterval: TIMES_CHECKED_EVERY_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const server = createServer(times, (request, response) => {
    handle(options, endpoint, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendError(response, maskError(error, options.logger));
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return socket.destroy();
    const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  return {
    server,
    get streams() {
      return endpoint.streams;
    },
    close: async (timeoutMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      endpoint.close();
      const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

async function handle(
  options: HttpOptions,
  endpoint: GraphQLEndpoint,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path] = (request.url ?? '').split('?', 1);
  switch (path) {
    case '/health/live':
      return sendJson(response, 200, options.health.live());
    case '/health/ready': {
      const state = options.health.ready();
      return sendJson(response, state.status === 'ready' ? 200 : 503, state);
    }
    case '/graphql':
      return graphql(options, endpoint, request, response);
    case '/manifest.json':
      if (options.manifest === null) break;
      return sendJson(response, 200, options.manifest);
    case '/development/people':
      if (options.people === null || !mayReceivePeople(request)) break;
      return sendJson(response, 200, options.people);
  }
  if (options.pages?.serve(path ?? '', request, response)) return;
  if (path === '/') {
    response.writeHead(302, { location: '/graphql' }).end();
    return;
  }
  throw new RivuletError('NOT_FOUND', 'there is nothing at this path');
}

async function graphql(
  options: HttpOptions,
  endpoint: GraphQLEndpoint,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isAllowedOrigin(request.headers, options.origins, 'request')) {
    throw new RivuletError('ORIGIN_FORBIDDEN', 'requests from this origin are not allowed');
  }
  allowCrossOriginReading(request, response, options.origins);
  if (!isAcceptedContentType(request)) {
    throw new RivuletError('CONTENT_TYPE_UNSUPPORTED', 'the content type must be application/json in UTF-8');
  }
  if (isPossiblyCrossSite(request) && !isForPage(options, request)) {
    const message = 'a GET with cookies must show that a page of this server sent it';
    throw new RivuletError('PREFLIGHT_REQUIRED', message);
  }
  if (options.health.isStopping) {
    throw new RivuletError('SHUTTING_DOWN', 'this server is shutting down');
  }
  await endpoint.handle(request, response);
}

/** GraphiQL's page, which is the same for everybody. */
function isForPage({ graphiql }: HttpOptions, { headers }: IncomingMessage): boolean {
  return graphiql && (headers.accept?.includes('text/html') ?? false);
}

/**
 * Only JSON: a form or plain text can be sent by any page without asking first, so that accepting
 * one would let foreign pages write. A GET has no body; one that claims a type claims this one.
 */
function isAcceptedContentType(request: IncomingMessage): boolean {
  const type = request.headers['content-type'];
  if (type === undefined) return request.method !== 'POST';
  const [name, ...parameters] = type
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (name !== 'application/json') return false;
  return parameters.every((parameter) => {
    return !parameter.startsWith('charset=') || /^charset="?utf-?8"?$/.test(parameter);
  });
}

function sendError(response: ServerResponse, error: GraphQLError): void {
  const { status = 500, headers = {} } = (error.extensions.http ?? {}) as HttpOfError;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { errors: [onTheWire(error)] });
}

interface HttpOfError {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(`${JSON.stringify(body)}\n`);
}
