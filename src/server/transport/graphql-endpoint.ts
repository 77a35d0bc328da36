import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendNodeResponse } from '@whatwg-node/server';
import { StatementCancellation } from '../../database/cancellation.js';
import { type ClientAddresses, isDirectLoopback } from '../auth/client-address.js';
import type { UserSession } from '../auth/session.js';
import type { SessionRegistry } from '../auth/session-registry.js';
import { bearerToken } from '../auth/token-verifier.js';
import type { OperationParams } from '../documents/persisted-documents.js';
import type { RequestInfo } from '../engine/config.js';
import type { ReleasePlace } from '../quotas/quotas.js';
import { DirectResponses, type DirectResponsesOptions } from './http/direct-response.js';
import { headersOf } from './http/headers.js';
import { isLoopbackHost } from './http/origin.js';
import type { OperationEngine } from './http/prepare-operation.js';
import type { StreamableResult, StreamingRequest } from './http/streamed-results.js';
import type { YogaContext } from './http/yoga.js';
import { OwnStreamOperation } from './sse/own-stream-operation.js';
import { ReservedOperation } from './sse/reserved-operation.js';
import type { ReservedStream } from './sse/reserved-stream.js';
import {
  parametersOf,
  ReservedStreams,
  type ReservedStreamsOptions,
  streamTokenOf,
} from './sse/reserved-streams.js';
import { EventStream } from './sse/sse-stream.js';

/**
 * Share of a peer's send budget that is written to the socket ahead of the system. The rest waits
 * as messages, which can be merged.
 */
const UNSENT_SHARE = 0.25;

export interface GraphQLEndpointOptions
  extends OperationEngine,
    ReservedStreamsOptions,
    DirectResponsesOptions {
  readonly sessions: SessionRegistry;
  readonly addresses: ClientAddresses;
  readonly pingEveryMs?: number | undefined;
}

/** The endpoint `/graphql`, for requests whose origin and content type were accepted. */
export interface GraphQLEndpoint {
  /** Rejects with a coded error where nothing was sent yet. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Event streams that are open. */
  readonly streams: number;
  /** Cuts every event stream: a client whose stream ended in order would not come back. */
  close(): void;
}

/** A request, and what is known of who sent it. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly address: string | null;
  /** The request as `context` is handed it. */
  readonly info: RequestInfo;
  /** The session of the request's user; left when the response is over. */
  readonly session: () => Promise<UserSession>;
  /** Cancelled when the peer goes before it was answered. */
  readonly cancellation: StatementCancellation;
}

/**
 * GraphQL over HTTP, and GraphQL over Server-Sent Events in both of its modes: a stream of its own
 * for each operation, or one that was reserved for all operations of a client.
 */
export function createGraphQLEndpoint(options: GraphQLEndpointOptions): GraphQLEndpoint {
  const { yoga, quotas } = options;
  const reservations = new ReservedStreams(options);
  const direct = new DirectResponses(options);
  const streams = new Set<EventStream>();
  let isClosing = false;

  const openStream = (response: ServerResponse, onClose: () => void): EventStream => {
    const stream: EventStream = new EventStream(response, {
      maxUnsentBytes: options.limits.maxQueuedBytes * UNSENT_SHARE,
      pingEveryMs: options.pingEveryMs,
      onClose: () => {
        streams.delete(stream);
        onClose();
      },
    });
    streams.add(stream);
    if (isClosing) stream.cut();
    return stream;
  };

  const reserve = async ({ request, response, address, info }: Exchange): Promise<void> => {
    await quotas.operationFrom(address);
    const session = await options.sessions.open(bearerToken(request.headers.authorization), info);
    const { token } = await reserved(session, info, address);
    response.writeHead(201, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(token);
  };

  const reserved = async (
    session: UserSession,
    info: RequestInfo,
    address: string | null,
  ): Promise<ReservedStream> => {
    try {
      await quotas.operationOf(session.identity.subject);
      return reservations.reserve(session, info, address);
    } catch (error) {
      session.leave();
      throw error;
    }
  };

  /** Other requests to a reserved stream cost as much as an operation. */
  const counted = async ({ address, session }: Exchange): Promise<UserSession> => {
    await quotas.operationFrom(address);
    const own = await session();
    await quotas.operationOf(own.identity.subject);
    return own;
  };

  const openReserved = async (token: string, exchange: Exchange): Promise<void> => {
    const { response } = exchange;
    const reservation = reservations.find(token, await counted(exchange));
    reservation.assertFree();
    reservation.open(openStream(response, () => reservation.close()));
  };

  const complete = async (token: string, exchange: Exchange): Promise<void> => {
    const { request, response } = exchange;
    const reservation = reservations.find(token, await counted(exchange));
    reservation.complete(parametersOf(request.url).get('operationId') ?? '');
    response.writeHead(200, { 'content-length': 0 }).end();
  };

  const operate = async (token: string | null, exchange: Exchange): Promise<void> => {
    const { request, response, address, session, cancellation } = exchange;
    await quotas.operationFrom(address);
    const from = { address, cancellation };
    const reservation = token === null ? null : reservations.find(token, await session());
    const reserved = reservation && new ReservedOperation(reservation, await session(), options, from);
    const streaming: StreamingRequest = { reserved, hasBegun: false, params: null, result: null };
    const context: YogaContext = {
      address,
      cancellation,
      session: once(async () => {
        const own = await session();
        await quotas.operationOf(own.identity.subject);
        return own;
      }),
      isLocal: () => isDirectLoopback(request) && isLoopbackHost(request.headers.host),
      lastEventId: reserved === null ? lastEventIdOf(request) : null,
      streaming,
    };
    if (reserved === null && (await direct.answer(request, response, context))) return;
    const operation = reserved ?? ownStreamOperation(exchange);
    try {
      const { outgoing } = operation;
      const answer = await yoga.handleNodeRequestAndResponse(request, response, { ...context, outgoing });
      const { result, params } = streaming;
      if (result === null) await sendNodeResponse(answer, response, request, true);
      else if (operation instanceof ReservedOperation) operation.run(result, params, response);
      else await stream(operation, result, params, exchange);
    } finally {
      operation.settle();
    }
  };

  const ownStreamOperation = ({ info, address }: Exchange): OwnStreamOperation => {
    const { maxQueuedBytes } = options.limits;
    return new OwnStreamOperation({ engine: options, request: info, address, maxQueuedBytes });
  };

  /** Sends the results of an operation to a stream of its own. */
  const stream = async (
    operation: OwnStreamOperation,
    streamed: StreamableResult,
    params: OperationParams | null,
    { response, address, session }: Exchange,
  ): Promise<void> => {
    let release: ReleasePlace = () => {};
    if (Symbol.asyncIterator in streamed && params !== null) {
      const own = await session();
      operation.hold(own, params);
      release = quotas.connection({ subject: own.identity.subject, address });
    }
    const events = openStream(response, () => {
      operation.end();
      release();
    });
    operation.deliver(events, streamed);
  };

  return {
    get streams() {
      return streams.size;
    },
    handle: (request, response) => {
      const info = infoOf(request);
      const cancellation = new StatementCancellation();
      let opened: UserSession | null = null;
      response.once('close', () => {
        if (!response.writableFinished) cancellation.cancel();
        opened?.leave();
      });
      const exchange: Exchange = {
        request,
        response,
        address: options.addresses.of(request),
        info,
        session: once(async () => {
          const session = await options.sessions.open(bearerToken(request.headers.authorization), info);
          if (response.closed) session.leave();
          else opened = session;
          return session;
        }),
        cancellation,
      };
      const token = streamTokenOf(request);
      if (request.method === 'PUT') return reserve(exchange);
      if (token !== null && request.method === 'DELETE') return complete(token, exchange);
      if (token !== null && request.method === 'GET' && wantsEventStream(request)) {
        return openReserved(token, exchange);
      }
      return operate(request.method === 'OPTIONS' ? null : token, exchange);
    },
    close: () => {
      isClosing = true;
      reservations.close();
      for (const each of streams) each.cut();
    },
  };
}

function infoOf(request: IncomingMessage): RequestInfo {
  let headers: Headers | undefined;
  return {
    get headers() {
      headers ??= headersOf(request.headers);
      return headers;
    },
    transport: 'http',
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function wantsEventStream({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('text/event-stream') ?? false;
}

function lastEventIdOf({ headers }: IncomingMessage): string | null {
  const id = headers['last-event-id'];
  return typeof id === 'string' && id !== '' ? id : null;
}
