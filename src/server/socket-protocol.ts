import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CloseCode, type Context, type ServerOptions, type SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { RivuletError } from '../errors.js';
import type { Limits } from './config.js';
import { at } from './expiry.js';
import { directFrames, type FrameSink } from './frames.js';
import { headersOf } from './headers.js';
import { type Identify, type Identity, tokenOfPayload } from './identity.js';
import type { Logger } from './logger.js';
import { clientError, maskError } from './mask.js';
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
  identity: Identity | null;
  callOffExpiry: () => void;
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
    onClose: (context) => context.extra.callOffExpiry(),
  };
}

interface Prepared extends ExecutionArgs {
  readonly execute: (args: ExecutionArgs) => ReturnType<ReturnType<Yoga['getEnveloped']>['execute']>;
  readonly subscribe: (args: ExecutionArgs) => ReturnType<ReturnType<Yoga['getEnveloped']>['subscribe']>;
}

/** One operation, parsed, checked and given its context by the same engine as over HTTP; or the errors. */
async function prepare(
  options: SocketProtocolOptions,
  context: SocketContext,
  payload: SubscribePayload,
): Promise<Prepared | readonly GraphQLError[]> {
  try {
    const initial = await yogaContext(options.identify, context, payload);
    const engine = options.yoga.getEnveloped({ ...initial, params: payload } as never);
    const document = engine.parse(payload.query);
    const errors = engine.validate(engine.schema, document);
    if (errors.length > 0) return errors as readonly GraphQLError[];
    return {
      schema: engine.schema,
      document,
      operationName: payload.operationName,
      variableValues: payload.variables,
      contextValue: await engine.contextFactory(),
      execute: engine.execute,
      subscribe: engine.subscribe,
    };
  } catch (error) {
    return [maskError(error, options.logger)];
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
  const { identity, request } = context.extra;
  if (identity === null) throw new Error('an operation came before the socket was acknowledged');
  const token = tokenOfPayload({ headers: payload.extensions?.headers });
  if (token === null) return { identity: () => Promise.resolve(identity), endAtExpiry: false };
  const own = await identify(token, { headers: headersOf(request.headers), transport: 'websocket' });
  return { identity: () => Promise.resolve(own), endAtExpiry: true };
}

/** The socket's identity from now on; at its expiry the socket is closed, so that the client comes back with a new token. */
function adopt(context: SocketContext, identity: Identity): void {
  const { extra } = context;
  const before = extra.identity;
  if (before !== null && JSON.stringify(before.user) !== JSON.stringify(identity.user)) {
    throw new RivuletError(
      'TOKEN_INVALID',
      'the new token is of another user, or says something else of this one',
    );
  }
  extra.callOffExpiry();
  extra.identity = identity;
  if (identity.expiresAtMs === null) return;
  extra.callOffExpiry = at(identity.expiresAtMs, () => {
    closeForbidden(context, clientError(new RivuletError('TOKEN_EXPIRED', 'the token has expired')));
  });
}

/** Closes with 4403 and the error's code as the reason: clients of graphql-ws take it for a reason to try again. */
function closeForbidden(context: SocketContext, error: GraphQLError): true {
  context.extra.socket.close(CloseCode.Forbidden, `${error.extensions.code}: ${error.message}`.slice(0, 120));
  // Not `false`: that would close it without the reason.
  return true;
}

/** What Yoga reads from an error and does not send. */
function onTheWire(error: GraphQLFormattedError | GraphQLError): GraphQLFormattedError {
  const formatted = error instanceof GraphQLError ? error.toJSON() : error;
  if (formatted.extensions === undefined || !('http' in formatted.extensions)) return formatted;
  const { http: _http, ...extensions } = formatted.extensions;
  return { ...formatted, extensions };
}
