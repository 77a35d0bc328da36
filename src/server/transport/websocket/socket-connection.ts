import {
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  type Message,
  MessageType,
  type SubscribePayload,
  stringifyMessage,
} from 'graphql-ws';
import { RivuletError } from '../../../../shared/errors.js';
import { tokenOfPayload } from '../../auth/identity.js';
import type { SessionOwner, UserSession } from '../../auth/session.js';
import { formattedError, maskError } from '../../engine/client-errors.js';
import type { RequestInfo } from '../../engine/config.js';
import { headersOf } from '../http/headers.js';
import { type InvalidMessage, readMessage } from './read-message.js';
import {
  closingOf,
  FIXED_CLOSINGS,
  idInUse,
  invalidMessage,
  OTHER_SUBPROTOCOL,
  type SocketClosing,
} from './socket-closing.js';
import type { ProtocolOptions, SocketLink } from './socket-link.js';
import { SocketOperations } from './socket-operations.js';
import type { OperationOwner } from './socket-results.js';
import { type SocketState, socketTransition } from './socket-state.js';

/** Milliseconds that a new socket has to send `connection_init`. */
const INIT_WITHIN_MS = 3_000;

/** A message, or something else that happened to the socket; see `SocketEvent`. */
type Occurrence =
  | Message
  | InvalidMessage
  | { readonly type: 'late' | 'failed' | 'closed' }
  | { readonly type: 'accepted'; readonly session: UserSession }
  | { readonly type: 'refused'; readonly error: unknown };

/**
 * Runs the protocol `graphql-transport-ws` on one socket, as the table of `socket-state.ts` says:
 * signs its user in, begins and ends its operations, and takes newer tokens from pings.
 */
export class SocketConnection implements SessionOwner, OperationOwner {
  readonly options: ProtocolOptions;
  readonly link: SocketLink;
  readonly #operations = new SocketOperations();
  #state: SocketState = 'waiting';
  #session: UserSession | null = null;
  /** Settles when the newest token that came took effect. */
  #renewal: Promise<void> | null = null;
  #initTimer: NodeJS.Timeout | null = null;

  constructor(options: ProtocolOptions, link: SocketLink) {
    this.options = options;
    this.link = link;
    if (link.protocol === GRAPHQL_TRANSPORT_WS_PROTOCOL) {
      this.#initTimer = setTimeout(tooLate, INIT_WITHIN_MS, this);
    } else this.close(OTHER_SUBPROTOCOL);
  }

  /** Parts of an acknowledged socket. */
  get session(): UserSession {
    if (this.#session === null) throw new Error('this socket is not acknowledged');
    return this.#session;
  }

  /** The user's name; `null` before it is known, and for anonymous. */
  get subject(): string | null {
    return this.#session?.identity.subject ?? null;
  }

  /** The upgrade, for the configuration's `context`. */
  get request(): RequestInfo {
    return { headers: headersOf(this.link.headers), transport: 'websocket' };
  }

  receive(text: string): void {
    if (this.#state !== 'closing') this.#on(readMessage(text, this.options.limits.variableDepth));
  }

  /** Closes the socket. Its operations end now, and not only when the peer has answered. */
  close(closing: SocketClosing): void {
    this.#state = 'closing';
    this.link.close(closing);
    this.#operations.endAll();
  }

  late(): void {
    this.#on({ type: 'late' });
  }

  /** To be called when the socket is closed. */
  closed(): void {
    this.#on({ type: 'closed' });
  }

  rightsChanged(): void {
    this.#operations.renew();
  }

  resumed(): void {
    this.#operations.resume();
  }

  /** The session is over. */
  ended(error: unknown): void {
    this.#on({ type: 'refused', error });
  }

  forget(id: string): void {
    this.#operations.forget(id);
  }

  #on(occurrence: Occurrence): void {
    const { to, reaction } = socketTransition(this.#state, occurrence.type);
    this.#state = to;
    if (reaction === 'handle') this.#handle(occurrence);
    else if (reaction !== 'ignore') this.close(FIXED_CLOSINGS[reaction]);
  }

  #handle(occurrence: Occurrence): void {
    switch (occurrence.type) {
      case MessageType.ConnectionInit:
        this.#stopWaiting();
        this.#watch(this.#signIn(occurrence.payload));
        break;
      case MessageType.Ping:
        this.#watch(this.#pong(occurrence.payload));
        break;
      case MessageType.Subscribe:
        this.#subscribe(occurrence.id, occurrence.payload);
        break;
      case MessageType.Complete:
        this.#operations.end(occurrence.id);
        break;
      case 'accepted':
        this.#session = occurrence.session;
        this.#tell({ type: MessageType.ConnectionAck });
        break;
      case 'invalid':
        this.close(invalidMessage(occurrence.reason));
        break;
      case 'refused':
        this.close(closingOf(maskError(occurrence.error, this.options.logger)));
        break;
      case 'closed':
        this.#stopWaiting();
        this.#operations.endAll();
        this.#session?.leave();
        break;
    }
  }

  async #signIn(payload: unknown): Promise<void> {
    let session: UserSession | null = null;
    try {
      session = await this.options.sessions.open(tokenOfPayload(payload), this.request);
      if (this.#state !== 'connecting') {
        session.leave();
        return;
      }
      this.link.places.signedIn(session.identity.subject);
      session.hold(this);
      this.#on({ type: 'accepted', session });
    } catch (error) {
      session?.leave();
      this.#on({ type: 'refused', error });
    }
  }

  /** Each ping is answered; one with a token costs what signing in costs. */
  async #pong(payload: Record<string, unknown> | undefined): Promise<void> {
    const { quotas } = this.options;
    try {
      await quotas.operationFrom(this.link.address);
      await quotas.operationOf(this.subject);
      if (this.#session !== null) await this.#renewRights(this.#session, tokenOfPayload(payload));
      this.#tell({ type: MessageType.Pong, ...(payload && { payload }) });
    } catch (error) {
      this.#on({ type: 'refused', error });
    }
  }

  /** Tokens take effect in the order in which they came, however long each takes to verify. */
  async #renewRights(session: UserSession, token: string | null): Promise<void> {
    if (token === null) return;
    const before = this.#renewal?.catch(() => {}) ?? Promise.resolve();
    this.#renewal = before.then(() => this.options.sessions.renew(session, token, this.request));
    await this.#renewal;
  }

  #subscribe(id: string, payload: SubscribePayload): void {
    const { limits, logger } = this.options;
    const most = limits.subscriptionsPerSocket;
    if (this.#operations.has(id)) this.close(idInUse(id));
    else if (this.#operations.size < most) this.#watch(this.#operations.run(this, id, payload));
    else {
      const full = new RivuletError('TOO_MANY_SUBSCRIPTIONS', `a socket has at most ${most} operations open`);
      this.#tell({ id, type: MessageType.Error, payload: [formattedError(full, logger)] });
    }
  }

  #watch(handled: Promise<void>): void {
    handled.catch((error: unknown) => {
      if (this.#state === 'closing') return;
      this.options.logger.error({ err: error }, 'a message over a socket failed');
      this.#on({ type: 'failed' });
    });
  }

  #tell(message: Message): void {
    this.link.send(stringifyMessage(message));
  }

  #stopWaiting(): void {
    if (this.#initTimer !== null) clearTimeout(this.#initTimer);
    this.#initTimer = null;
  }
}

function tooLate(connection: SocketConnection): void {
  connection.late();
}
