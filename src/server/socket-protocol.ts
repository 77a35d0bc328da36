import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLError } from 'graphql';
import { CloseCode, type Context, type ServerOptions, type SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { RivuletError } from '../errors.js';
import type { Allowance } from '../scope/allowance.js';
import type { Limits } from './config.js';
import { type NextFrames, pulledFrames, type SocketSink } from './frames.js';
import { headersOf } from './headers.js';
import { type Identify, type Identity, tokenOfPayload } from './identity.js';
import { clientError, maskError, onTheWire } from './mask.js';
import { type OperationEngine, type Prepared, prepareOperation } from './operation.js';
import type { Quotas } from './quotas.js';
import { Session, type SessionOwner } from './session.js';
import { CLOSE_TRY_AGAIN } from './socket-peer.js';
import type { SocketPlaces } from './socket-places.js';
import { NOTHING, SocketSubscription } from './socket-subscription.js';
import type { YogaContext } from './yoga.js';

export interface SocketProtocolOptions extends OperationEngine {
  readonly identify: Identify;
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
    const headers = headersOf(context.extra.headers);
    const identity = await options.identify(tokenOfPayload(payload), { headers, transport: 'websocket' });
    adopt(context, identity);
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
      if (!context.acknowledged || payload === undefined) return;
      try {
        if (tokenOfPayload(payload) === null) return;
        // Tokens take effect in the order in which they came, however long each takes to verify.
        const { extra } = context;
        const before = extra.refreshing?.catch(() => {}) ?? Promise.resolve();
        const own = before.then(() => signIn(context, payload));
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
      return pulledFrames(result, id, extra.frames, extra.sink);
    },
    onError: (_context, _id, _payload, errors) => errors.map(onTheWire),
    onNext: (_context, _id, _payload, _args, result) =>
      result.errors === undefined ? undefined : { ...result, errors: result.errors.map(onTheWire) },
    execute: (args) => (args as Prepared).execute(args),
    subscribe: (args) => (args as Prepared).subscribe(args),
    onClose: (context) => context.extra.session?.end(),
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
  const { identify, quotas, logger } = options;
  try {
    await quotas.operationFrom(extra.address);
    const initial = await yogaContext(identify, extra, subscription, payload);
    await quotas.operationOf((await initial.identity()).subject);
    const prepared = await prepareOperation(options, initial, payload);
    if (!('document' in prepared)) return prepared;
    subscription.shareText(prepared.text);
    return { ...prepared, subscription: initial.endAtExpiry ? null : subscription };
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
  { session, headers, allowance }: Extra,
  subscription: SocketSubscription,
  payload: SubscribePayload,
): Promise<YogaContext> {
  if (session === null) throw new Error('an operation came before the socket was acknowledged');
  const token = tokenOfPayload({ headers: payload.extensions?.headers });
  if (token === null) {
    const outgoing = { allowance, taker: subscription };
    return { identity: () => Promise.resolve(session.identity), endAtExpiry: false, outgoing };
  }
  const own = await identify(token, { headers: headersOf(headers), transport: 'websocket' });
  return { identity: () => Promise.resolve(own), endAtExpiry: true };
}

/** The socket's identity from now on; at its expiry the socket is closed, so that the client comes back with a new token. */
function adopt(context: SocketContext, identity: Identity): void {
  const { extra } = context;
  if (extra.session !== null) {
    extra.session.adopt(identity);
    return;
  }
  extra.places.signedIn(identity.subject);
  extra.session = new Session(identity, new SessionOf(context));
}

/** What becomes of a socket when its session changes. */
class SessionOf implements SessionOwner {
  readonly #context: SocketContext;

  constructor(context: SocketContext) {
    this.#context = context;
  }

  rightsChanged(): void {
    for (const each of Object.values(this.#context.subscriptions)) {
      if (each instanceof SocketSubscription) each.renew();
    }
  }

  expired(): void {
    closeForbidden(this.#context, clientError(new RivuletError('TOKEN_EXPIRED', 'the token has expired')));
  }
}

/** Closes with 4403 (1013 where there is no place) and the error's code as the reason: clients of graphql-ws take it for a reason to try again. */
function closeForbidden(context: SocketContext, error: GraphQLError): true {
  const code = error.extensions.code === 'TOO_MANY_CONNECTIONS' ? CLOSE_TRY_AGAIN : CloseCode.Forbidden;
  context.extra.socket.close(code, `${error.extensions.code}: ${error.message}`.slice(0, 120));
  // Not `false`: that would close it without the reason.
  return true;
}
