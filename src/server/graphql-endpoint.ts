import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendNodeResponse } from '@whatwg-node/server';
import { addressOf } from './address.js';
import { bearerToken } from './auth.js';
import { DirectAnswers, type DirectAnswersOptions } from './direct-answer.js';
import { headersOf } from './headers.js';
import type { Identify, Identity } from './identity.js';
import type { Release } from './quotas.js';
import { ownEvents, pump } from './sse-events.js';
import { ReservedOperation } from './sse-operation.js';
import { parametersOf, Reservations, type ReservationsOptions, streamTokenOf } from './sse-reservations.js';
import type { Streamed, Streaming } from './sse-results.js';
import { EventStream } from './sse-stream.js';
import type { Yoga, YogaContext } from './yoga.js';

/** Of what may wait for a peer, the part that is written ahead of the system; the rest waits as messages, which can be merged. */
const UNSENT_SHARE = 0.25;

export interface GraphQLEndpointOptions extends ReservationsOptions, DirectAnswersOptions {
  readonly yoga: Yoga;
  readonly identify: Identify;
  readonly trustedProxies: number;
  readonly pingEveryMs?: number | undefined;
}

/** What is at `/graphql`, for requests whose origin and content type were found good. */
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
  readonly identity: () => Promise<Identity>;
}

/**
 * GraphQL over HTTP, and GraphQL over Server-Sent Events in both of its modes: a stream of its own for each operation, or one that was
 * reserved for all operations of a client.
 */
export function createGraphQLEndpoint(options: GraphQLEndpointOptions): GraphQLEndpoint {
  const { yoga, quotas, logger } = options;
  const reservations = new Reservations(options);
  const direct = new DirectAnswers(options);
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

  const reserve = async ({ response, address, identity }: Exchange): Promise<void> => {
    await quotas.operationFrom(address);
    const { token } = reservations.reserve(await identity(), address);
    response.writeHead(201, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(token);
  };

  const openReserved = async (token: string, { response, identity }: Exchange): Promise<void> => {
    const reservation = reservations.find(token, await identity());
    reservation.assertFree();
    reservation.open(openStream(response, () => reservation.close()));
  };

  const complete = async (token: string, { request, response, identity }: Exchange): Promise<void> => {
    const reservation = reservations.find(token, await identity());
    reservation.complete(parametersOf(request.url).get('operationId') ?? '');
    response.writeHead(200, { 'content-length': 0 }).end();
  };

  const operate = async (token: string | null, exchange: Exchange): Promise<void> => {
    const { request, response, address, identity } = exchange;
    await quotas.operationFrom(address);
    const reservation = token === null ? null : reservations.find(token, await identity());
    const reserved = reservation && new ReservedOperation(reservation, options);
    const streaming: Streaming = { reserved, hasBegun: false, result: null };
    const context: YogaContext = {
      identity: once(async () => {
        const own = await identity();
        await quotas.operationOf(own.subject);
        return own;
      }),
      endAtExpiry: reserved === null,
      lastEventId: reserved === null ? lastEventIdOf(request) : null,
      streaming,
      ...(reserved && { outgoing: reserved.outgoing }),
    };
    try {
      if (reserved === null && (await direct.answer(request, response, context))) return;
      const answer = await yoga.handleNodeRequestAndResponse(request, response, context);
      if (streaming.result === null) await sendNodeResponse(answer, response, request, true);
      else if (reserved) reserved.run(streaming.result, response);
      else await stream(streaming.result, exchange);
    } finally {
      reserved?.settle();
    }
  };

  /** An operation with a stream of its own. */
  const stream = async (streamed: Streamed, { response, address, identity }: Exchange): Promise<void> => {
    let release: Release = () => {};
    if (Symbol.asyncIterator in streamed) {
      try {
        release = quotas.connection({ subject: (await identity()).subject, address });
      } catch (error) {
        await streamed[Symbol.asyncIterator]().return?.();
        throw error;
      }
    }
    let stop = (): void => {};
    const events = openStream(response, () => {
      stop();
      release();
    });
    const pumping = pump(streamed, events, ownEvents, logger);
    stop = pumping.stop;
    if (!events.isOpen) stop();
    void pumping.done.then(() => events.end());
  };

  return {
    get streams() {
      return streams.size;
    },
    handle: (request, response) => {
      const exchange: Exchange = {
        request,
        response,
        address: addressOf(request, options.trustedProxies),
        identity: once(() => identifyRequest(options.identify, request)),
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

async function identifyRequest(identify: Identify, request: IncomingMessage): Promise<Identity> {
  let headers: Headers | undefined;
  return identify(bearerToken(request.headers.authorization), {
    get headers() {
      headers ??= headersOf(request.headers);
      return headers;
    },
    transport: 'http',
  });
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
