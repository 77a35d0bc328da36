import type { IncomingHttpHeaders } from 'node:http';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, type Context, type ServerOptions, type SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { RivuletError } from '../errors.js';
import type { Allowance } from '../scope/allowance.js';
import type { Limits, RequestInfo } from './config.js';
import { type NextFrames, pulledFrames, type SocketSink } from './frames.js';
import { headersOf } from './headers.js';
import { tokenOfPayload } from './identity.js';
import type { Logger } from './logger.js';
import { clientError, maskError, onTheWire } from './mask.js';
import { type OperationEngine, type Prepared, prepareOperation, subscribeTo } from './operation.js';
import type { Quotas } from './quotas.js';
import { renewing } from './renewing.js';
import type { Session, SessionOwner } from './session.js';
import type { Sessions } from './sessions.js';
import { CLOSE_TRY_AGAIN, CLOSE_WITHIN_MS } from './socket-peer.js';
import type { SocketPlaces } from './socket-places.js';
import { NOTHING, SocketSubscription } from './socket-subscription.js';
import type { YogaContext } from './yoga.js';

export interface SocketProtocolOptions extends OperationEngine {
  readonly sessions: Sessions;
  readonly quotas: Quotas;
  readonly limits: Limits;
}

export interface Extra {
  readonly socket: WebSocket;
  /** Of the upgrade. */
  readonly headers: IncomingHttpHeaders;
  readonly frames: NextFrames;
  readonly sink: SocketSink;
  /** What may wait for the socket, over all its subscriptions. */
  readonly allowance: Allowance;
  /** As limits count it. */
  readonly address: string | null;
  readonly places: SocketPlaces;
  /** `null` before the socket is acknowledged. */
  session: Session | null;
  /** Settles when the newest token that came took effect. */
  refreshing: Promise<void> | null;
  /** Of the message that is being handled. To be told to go on when it was handled. */
  starting: SocketSubscription | null;
  /** Sends a message, after what was written to `sink` before. */
  send(message: string): Promise<void>;
  /** Whoever is there has begun to say who it is. */
  initReceived(): void;
}

export type SocketContext = Context<Record<string, unknown>, Extra>;

/** What graphql-ws asks of us: sign in, prepare each operation, and the wire form of errors. */
export function socketProtocol(
  options: SocketProtocolOptions,
): ServerOptions<Record<string, unknown>, Extra> {
  const { limits, logger } = options;
  const signIn = async (context: SocketContext, payload: unknown): Promise<void> => {
    const session = await options.sessions.open(tokenOfPayload(payload), requestOf(context.extra));
    try {
      begin(options, context, session);
    } catch (error) {
      session.leave();
      throw error;
    }
  };
  return {
    // The peer's own timer is let go of when it is not needed any more.
    connectionInitWaitTimeout: 0,
    onConnect: async (context) => {
      context.extra.initReceived();
      const { connectionParams } = context;
      // A token is not needed twice.
      (context as { connectionParams?: unknown }).connectionParams = undefined;
      try {
        await signIn(context, connectionParams);
        return true;
      } catch (error) {
        return closeForbidden(context, maskError(error, logger));
      }
    },
    onPing: async (context, payload) => {
      try {
        // Each is answered, and one with a token costs what signing in costs.
        await options.quotas.operationFrom(context.extra.address);
        await options.quotas.operationOf(context.extra.session?.identity.subject ?? null);
        if (!context.acknowledged || payload === undefined) return;
        const token = tokenOfPayload(payload);
        const { extra } = context;
        const { session } = extra;
        if (token === null || session === null) return;
        // Tokens take effect in the order in which they came, however long each takes to verify.
        const before = extra.refreshing?.catch(() => {}) ?? Promise.resolve();
        const own = before.then(() => options.sessions.renew(session, token, requestOf(extra)));
        extra.refreshing = own;
        await own;
      } catch (error) {
        closeForbidden(context, maskError(error, logger));
      }
    },
    onSubscribe: async (context, id, payload) => {
      if (Object.keys(context.subscriptions).length > limits.subscriptionsPerSocket) {
        const message = `a socket has at most ${limits.subscriptionsPerSocket} operations open`;
        return [clientError(new RivuletError('TOO_MANY_SUBSCRIPTIONS', message))];
      }
      const subscription = new SocketSubscription(options, context, id, payload);
      context.extra.starting = subscription;
      return prepare(options, context, subscription, payload);
    },
    onOperation: ({ extra }, id, _payload, args, result) => {
      if (!(Symbol.asyncIterator in result)) return undefined;
      if ((args as Started).subscription?.takeOver()) return NOTHING;
      return pulledFrames(result as AsyncIterable<ExecutionResult>, id, extra.frames, extra.sink);
    },
    onError: (_context, _id, _payload, errors) => errors.map(onTheWire),
    onNext: (_context, _id, _payload, _args, result) =>
      result.errors === undefined ? undefined : { ...result, errors: result.errors.map(onTheWire) },
    execute: (args) => (args as Prepared).execute(args),
    subscribe: (args) => (args as Prepared).subscribe(args),
    onClose: (context) => context.extra.session?.leave(),
  };
}

/** An operation, and the subscription of the socket's own user that it is. */
interface Started extends Prepared {
  readonly subscription: SocketSubscription | null;
}

/** One operation, ready to be run; or the errors. */
async function prepare(
  options: SocketProtocolOptions,
  { extra }: SocketContext,
  subscription: SocketSubscription,
  payload: SubscribePayload,
): Promise<Started | readonly GraphQLError[]> {
  const { quotas, logger } = options;
  let own: Session | null = null;
  try {
    await quotas.operationFrom(extra.address);
    own = await ownSession(options, extra, payload);
    const session = own ?? extra.session;
    if (session === null) throw new Error('an operation came before the socket was acknowledged');
    await quotas.operationOf(session.identity.subject);
    const outgoing = own === null ? { allowance: extra.allowance, taker: subscription } : undefined;
    const { address } = extra;
    const { cancellation } = subscription;
    const context: YogaContext = { session: () => Promise.resolve(session), outgoing, address, cancellation };
    const prepared = await prepareOperation(options, context, payload);
    if (!('document' in prepared)) {
      own?.leave();
      return prepared;
    }
    subscription.shareText(prepared.text);
    if (own !== null) return { ...ofItsOwn(options, prepared, own, extra, payload), subscription: null };
    return { ...prepared, subscription };
  } catch (error) {
    own?.leave();
    return [maskError(error, logger)];
  }
}

/**
 * The session of an operation that brings headers with a token of its own in its `extensions` (GraphiQL sends the headers of its editor
 * there); `null`: the operation is the socket's.
 */
async function ownSession(
  { sessions }: SocketProtocolOptions,
  extra: Extra,
  payload: SubscribePayload,
): Promise<Session | null> {
  const token = tokenOfPayload({ headers: payload.extensions?.headers });
  return token === null ? null : sessions.open(token, requestOf(extra));
}

/** An operation with a session of its own: it is over when the session is, and the session when it is. */
function ofItsOwn(
  options: SocketProtocolOptions,
  prepared: Prepared,
  session: Session,
  extra: Extra,
  payload: SubscribePayload,
): Prepared {
  const { logger } = options;
  const onEnd = (): void => session.leave();
  const again = () => {
    const context = { session: () => Promise.resolve(session), rightsChanged: true, address: extra.address };
    return subscribeTo(options, context, payload);
  };
  return {
    ...prepared,
    execute: async (args) => {
      try {
        return await prepared.execute(args);
      } finally {
        onEnd();
      }
    },
    subscribe: async (args) => {
      const { rights } = session;
      const results = await prepared.subscribe(args);
      if (!(Symbol.asyncIterator in results)) {
        onEnd();
        return results;
      }
      try {
        // What ends it is the last result.
        session.hold({ request: requestOf(extra), ended() {} });
      } catch (error) {
        await results.return?.();
        return { errors: [maskError(error, logger)] };
      }
      const mask = (error: unknown): GraphQLError => maskError(error, logger);
      return renewing(results, { session, rights, again, mask, onEnd });
    },
  };
}

/** The socket's session from now on; at its end the socket is closed, so that the client comes back with a new token. */
function begin({ logger }: SocketProtocolOptions, context: SocketContext, session: Session): void {
  const { extra } = context;
  if (extra.socket.readyState !== extra.socket.OPEN) throw new Error('the socket was closed meanwhile');
  extra.places.signedIn(session.identity.subject);
  session.hold(new SocketOwner(context, logger));
  extra.session = session;
}

/** The upgrade, as `context` is handed it. */
function requestOf(extra: Extra): RequestInfo {
  return { headers: headersOf(extra.headers), transport: 'websocket' };
}

/** What becomes of a socket when its session changes. */
class SocketOwner implements SessionOwner {
  readonly #context: SocketContext;
  readonly #logger: Logger;

  constructor(context: SocketContext, logger: Logger) {
    this.#context = context;
    this.#logger = logger;
  }

  get request(): RequestInfo {
    return requestOf(this.#context.extra);
  }

  rightsChanged(): void {
    for (const each of this.#subscriptions()) each.renew();
  }

  resumed(): void {
    for (const each of this.#subscriptions()) each.resume();
  }

  ended(error: unknown): void {
    closeForbidden(this.#context, maskError(error, this.#logger));
    // Not only when the peer has answered.
    for (const each of Object.values(this.#context.subscriptions)) {
      if (each && 'return' in each) void each.return(undefined);
    }
  }

  #subscriptions(): SocketSubscription[] {
    return Object.values(this.#context.subscriptions).filter((each) => each instanceof SocketSubscription);
  }
}

/** Codes after which a client should come back later. */
const TRY_AGAIN: ReadonlySet<unknown> = new Set(['TOO_MANY_CONNECTIONS', 'TOO_MANY_REQUESTS']);

/** Closes with 4403 (1013 where there is no place) and the error's code as the reason: clients of graphql-ws take it for a reason to try again. */
function closeForbidden(context: SocketContext, error: GraphQLError): true {
  const code = TRY_AGAIN.has(error.extensions.code) ? CLOSE_TRY_AGAIN : CloseCode.Forbidden;
  const { socket } = context.extra;
  socket.close(code, `${error.extensions.code}: ${error.message}`.slice(0, 120));
  // A peer that does not answer keeps no place.
  setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS).unref();
  // Not `false`: that would close it without the reason.
  return true;
}
