import type { IncomingMessage } from 'node:http';
import type { GraphQLError } from 'graphql';
import { CloseCode, type Context, type ServerOptions, type SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { RivuletError } from '../errors.js';
import type { Limits } from './config.js';
import { directFrames, type FrameSink } from './frames.js';
import { headersOf } from './headers.js';
import { type Identify, type Identity, tokenOfPayload } from './identity.js';
import type { Logger } from './logger.js';
import { clientError, maskError, onTheWire } from './mask.js';
import { type Prepared, prepareOperation, subscribeTo } from './operation.js';
import { renewing } from './renewing.js';
import { Session } from './session.js';
import type { Yoga, YogaContext } from './yoga.js';

/** A new socket that does not send `connection_init` within this time is closed with 4408. */
const INIT_WITHIN_MS = 3_000;

export interface SocketProtocolOptions {
  readonly yoga: Yoga;
  readonly identify: Identify;
  readonly limits: Limits;
  readonly logger: Logger;
}

export interface Extra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly frames: FrameSink;
  /** `null` before the socket is acknowledged. */
  session: Session | null;
}

type SocketContext = Context<Record<string, unknown>, Extra>;

/** What graphql-ws asks of us: sign in, prepare each operation, and the wire form of errors. */
export function socketProtocol(
  options: SocketProtocolOptions,
): ServerOptions<Record<string, unknown>, Extra> {
  const { limits, logger } = options;
  const signIn = async (context: SocketContext, payload: unknown): Promise<void> => {
    const headers = headersOf(context.extra.request.headers);
    const identity = await options.identify(tokenOfPayload(payload), { headers, transport: 'websocket' });
    adopt(context, identity);
  };
  return {
    connectionInitWaitTimeout: INIT_WITHIN_MS,
    onConnect: async (context) => {
      try {
        await signIn(context, context.connectionParams);
        return true;
      } catch (error) {
        return closeForbidden(context, maskError(error, logger));
      }
    },
    onPing: async (context, payload) => {
      if (!context.acknowledged || payload === undefined) return;
      try {
        if (tokenOfPayload(payload) === null) return;
        await signIn(context, payload);
      } catch (error) {
        closeForbidden(context, maskError(error, logger));
      }
    },
    onSubscribe: async (context, _id, payload) => {
      if (Object.keys(context.subscriptions).length > limits.subscriptionsPerSocket) {
        const message = `a socket has at most ${limits.subscriptionsPerSocket} operations open`;
        return [clientError(new RivuletError('TOO_MANY_SUBSCRIPTIONS', message))];
      }
      return prepare(options, context, payload);
    },
    onOperation: (context, id, _payload, _args, result) =>
      Symbol.asyncIterator in result ? directFrames(result, id, context.extra.frames) : undefined,
    onError: (_context, _id, _payload, errors) => errors.map(onTheWire),
    onNext: (_context, _id, _payload, _args, result) =>
      result.errors === undefined ? undefined : { ...result, errors: result.errors.map(onTheWire) },
    execute: (args) => (args as Prepared).execute(args),
    subscribe: (args) => (args as Prepared).subscribe(args),
    onClose: (context) => context.extra.session?.end(),
  };
}

/** One operation, ready to be run; or the errors. One of the socket's own user goes on when that user's rights become others. */
async function prepare(
  { yoga, identify, logger }: SocketProtocolOptions,
  context: SocketContext,
  payload: SubscribePayload,
): Promise<Prepared | readonly GraphQLError[]> {
  const { session } = context.extra;
  try {
    const initial = await yogaContext(identify, context, payload);
    const prepared = await prepareOperation(yoga, initial, payload, logger);
    if (!('document' in prepared) || session === null || initial.endAtExpiry) return prepared;
    const again = () => subscribeTo(yoga, { ...initial, rightsChanged: true }, payload, logger);
    return {
      ...prepared,
      subscribe: async (args) => {
        const results = await prepared.subscribe(args);
        return Symbol.asyncIterator in results ? renewing(results, session, again) : results;
      },
    };
  } catch (error) {
    return [maskError(error, logger)];
  }
}

/**
 * Whose operation it is: the socket's, or, where the operation brings headers with a token of its own in its `extensions`
 * (GraphiQL sends the headers of its editor there), that token's.
 */
async function yogaContext(
  identify: Identify,
  context: SocketContext,
  payload: SubscribePayload,
): Promise<YogaContext> {
  const { session, request } = context.extra;
  if (session === null) throw new Error('an operation came before the socket was acknowledged');
  const token = tokenOfPayload({ headers: payload.extensions?.headers });
  if (token === null) return { identity: () => Promise.resolve(session.identity), endAtExpiry: false };
  const own = await identify(token, { headers: headersOf(request.headers), transport: 'websocket' });
  return { identity: () => Promise.resolve(own), endAtExpiry: true };
}

/** The socket's identity from now on; at its expiry the socket is closed, so that the client comes back with a new token. */
function adopt(context: SocketContext, identity: Identity): void {
  const { extra } = context;
  if (extra.session !== null) {
    extra.session.adopt(identity);
    return;
  }
  extra.session = new Session(identity, () => {
    closeForbidden(context, clientError(new RivuletError('TOKEN_EXPIRED', 'the token has expired')));
  });
}

/** Closes with 4403 and the error's code as the reason: clients of graphql-ws take it for a reason to try again. */
function closeForbidden(context: SocketContext, error: GraphQLError): true {
  context.extra.socket.close(CloseCode.Forbidden, `${error.extensions.code}: ${error.message}`.slice(0, 120));
  // Not `false`: that would close it without the reason.
  return true;
}
