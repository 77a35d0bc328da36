import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { RivuletError } from '../errors.js';
import type { Manifest } from '../manifest/types.js';
import { bearerToken } from './auth.js';
import { headersOf } from './headers.js';
import type { Health } from './health.js';
import type { Identify, Identity } from './identity.js';
import type { Logger } from './logger.js';
import { maskError } from './mask.js';
import { isAllowedOrigin } from './origin.js';
import type { Pages } from './pages.js';
import { mayChoosePerson, type Person } from './people.js';
import type { Yoga } from './yoga.js';

/** How long a peer has to send a whole request, and its headers. */
const REQUEST_WITHIN_MS = 30_000;
const HEADERS_WITHIN_MS = 10_000;

export interface HttpOptions {
  readonly yoga: Yoga;
  readonly identify: Identify;
  readonly health: Health;
  readonly origins: readonly string[];
  readonly logger: Logger;
  /** Served wherever nothing else is. */
  readonly pages: Pages | null;
  /** Handed out at `/development/people`; `null` outside development, where there is no such path. */
  readonly people: readonly Person[] | null;
  /** What `/manifest.json` answers; `null`: there is no such path. */
  readonly manifest: Manifest | null;
}

export interface HttpTransport {
  readonly server: Server;
  /**
   * Stops accepting, cuts the event streams (a stream that ended in order would not be taken up again), waits up to
   * `timeoutMs` for answers under way, and then cuts those too.
   */
  close(timeoutMs: number): Promise<void>;
}

/** `/graphql`, `/health/live`, `/health/ready`, `/manifest.json`, and pages; not yet listening. */
export function createHttpServer(options: HttpOptions): HttpTransport {
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    if (acceptsEventStream(request)) {
      streams.add(response);
      response.once('close', () => streams.delete(response));
    }
    handle(options, request, response).catch((error: unknown) => {
      const [status, body] = answerTo(maskError(error, options.logger));
      if (response.headersSent) response.destroy();
      else sendJson(response, status, body);
    });
  });
  server.requestTimeout = REQUEST_WITHIN_MS;
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
  return {
    server,
    close: async (timeoutMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      for (const response of streams) response.destroy();
      const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

async function handle(
  options: HttpOptions,
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
      return graphql(options, request, response);
    case '/manifest.json':
      if (options.manifest === null) break;
      return sendJson(response, 200, options.manifest);
    case '/development/people':
      if (options.people === null || !mayChoosePerson(request)) break;
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
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isAllowedOrigin(request.headers, options.origins, 'request')) {
    throw new RivuletError('ORIGIN_FORBIDDEN', 'requests from this origin are not allowed');
  }
  if (!isAcceptedContentType(request)) {
    throw new RivuletError('CONTENT_TYPE_UNSUPPORTED', 'the content type must be application/json in UTF-8');
  }
  if (options.health.ready().status === 'stopping') {
    throw new RivuletError('SHUTTING_DOWN', 'this server is shutting down');
  }
  let identity: Promise<Identity> | undefined;
  const identifyOnce = (): Promise<Identity> => {
    identity ??= identifyRequest(options.identify, request);
    return identity;
  };
  await options.yoga(request, response, { identity: identifyOnce, endAtExpiry: true });
}

async function identifyRequest(identify: Identify, request: IncomingMessage): Promise<Identity> {
  const headers = headersOf(request.headers);
  return identify(bearerToken(headers.get('authorization')), { headers, transport: 'http' });
}

/**
 * Only JSON: a form or plain text can be sent by any page without asking first, so that accepting one would let foreign
 * pages write. A GET has no body; one that claims a type claims this one.
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

function answerTo(error: ReturnType<typeof maskError>): [status: number, body: unknown] {
  const { message, extensions } = error.toJSON();
  const { http, ...shown } = { http: { status: 500 }, ...extensions };
  return [http.status, { errors: [{ message, extensions: shown }] }];
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(`${JSON.stringify(body)}\n`);
}

function acceptsEventStream(request: IncomingMessage): boolean {
  return request.headers.accept?.includes('text/event-stream') ?? false;
}
