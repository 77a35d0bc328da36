import type { IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CloseCode, MessageType, type Server } from 'graphql-ws';
import { type RawData, WebSocket } from 'ws';
import { RivuletError } from '../errors.js';
import { Allowance } from '../scope/allowance.js';
import type { NextFrames } from './frames.js';
import type { Beating } from './heartbeat.js';
import { isRecord } from './is-record.js';
import { assertDepth, hasManyBrackets, tooDeep } from './json-depth.js';
import type { Logger } from './logger.js';
import type { Quotas } from './quotas.js';
import type { Session } from './session.js';
import { SocketFrames, type Turn } from './socket-frames.js';
import type { SocketPlaces } from './socket-places.js';
import type { Extra } from './socket-protocol.js';
import { needsQuery, withQuery } from './socket-query.js';
import type { SocketSubscription } from './socket-subscription.js';

/** A new socket that does not send `connection_init` within this time is closed with 4408. */
const INIT_WITHIN_MS = 3_000;

/** Headers that say nothing of who is there. */
const HANDSHAKE = new Set([
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
]);

/** Of what may wait for a socket, the part that is written ahead of the system; the rest waits as messages, which can be merged. */
const UNSENT_SHARE = 0.25;

/** "Try again later": stock clients connect again. */
export const CLOSE_TRY_AGAIN = 1013;

/** How long a peer has to answer a close. */
export const CLOSE_WITHIN_MS = 2_000;

/** A socket of `ws` that knows its peer, so that its listeners are the same functions for all. */
export class PeerSocket extends WebSocket {
  peer: Peer | null = null;
}

/** What all peers of a server have in common. */
export interface PeerHost {
  readonly protocol: Server<Extra>;
  readonly frames: NextFrames;
  readonly turn: Turn;
  readonly logger: Logger;
  readonly quotas: Quotas;
  /** Of a message's payload. */
  readonly maxDepth: number;
  readonly maxQueuedBytes: number;
  readonly stalledMs: number;
}

export interface PeerOptions {
  readonly host: PeerHost;
  readonly socket: PeerSocket;
  readonly stream: Duplex;
  readonly headers: IncomingHttpHeaders;
  readonly address: string | null;
  readonly places: SocketPlaces;
  readonly turn: number;
}

/**
 * One open socket: hands it to the protocol and watches over it: pings, errors, stalls, the end. There are many of these; what is the same
 * for all of them is in the class, and not in closures of each.
 */
export class Peer implements Extra, Beating {
  readonly socket: PeerSocket;
  readonly sink: SocketFrames;
  readonly allowance: Allowance;
  readonly address: string | null;
  readonly places: SocketPlaces;
  readonly turn: number;
  readonly #host: PeerHost;
  readonly #stream: Duplex;
  /** As text: smaller than the objects that Node has of them, and hardly ever needed. */
  readonly #headers: string;
  #initTimer: NodeJS.Timeout | null;
  #answered = true;
  #stall: 'none' | 'watched' | 'listening' = 'none';
  #handle: ((message: string) => Promise<void>) | null = null;
  readonly #ended: (code: number, reason: string) => Promise<void>;
  session: Session | null = null;
  refreshing: Promise<void> | null = null;
  starting: SocketSubscription | null = null;

  constructor({ host, socket, stream, headers, address, places, turn }: PeerOptions) {
    const unsentBytes = host.maxQueuedBytes * UNSENT_SHARE;
    this.#host = host;
    this.#stream = stream;
    this.#headers = JSON.stringify(headers, (name, value) => (HANDSHAKE.has(name) ? undefined : value));
    this.socket = socket;
    this.address = address;
    this.places = places;
    this.turn = turn;
    this.sink = new SocketFrames(socket, stream, host.turn, unsentBytes);
    this.allowance = new Allowance(host.maxQueuedBytes - unsentBytes);
    this.#initTimer = setTimeout(tellTooLate, INIT_WITHIN_MS, socket);
    socket.peer = this;
    socket.on('error', onError);
    socket.on('ping', onPing);
    socket.on('pong', onPong);
    socket.on('message', onMessage);
    socket.on('close', onClose);
    this.#ended = host.protocol.opened(this, this);
  }

  get frames(): NextFrames {
    return this.#host.frames;
  }

  get headers(): IncomingHttpHeaders {
    return JSON.parse(this.#headers);
  }

  /** Of the sub-protocol. */
  get protocol(): string {
    return this.socket.protocol;
  }

  initReceived(): void {
    if (this.#initTimer) clearTimeout(this.#initTimer);
    this.#initTimer = null;
  }

  ping(): void {
    const { socket } = this;
    if (socket.readyState !== socket.OPEN) return;
    // Behind what is unsent a ping cannot be answered; a peer that takes nothing is closed for that.
    if (!this.#answered && this.#stream.writableLength === 0) {
      socket.terminate();
      return;
    }
    this.#answered = false;
    socket.ping();
  }

  pong(): void {
    this.#answered = true;
  }

  send(message: string): Promise<void> {
    const { socket } = this;
    if (socket.readyState !== socket.OPEN) return Promise.resolve();
    this.sink.flush();
    return new Promise((resolve, reject) => {
      socket.send(message, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(code?: number, reason?: string): void {
    this.sink.flush();
    this.socket.close(code, reason);
  }

  onMessage(handle: (message: string) => Promise<void>): void {
    this.#handle = handle;
  }

  receive(message: string): void {
    const { socket } = this;
    if (socket.readyState !== socket.OPEN || this.#handle === null) return;
    if (isTooDeep(message, this.#host.maxDepth)) {
      const { code, message: reason } = tooDeep(this.#host.maxDepth);
      socket.close(CloseCode.BadRequest, `${code}: ${reason}`);
      return;
    }
    this.#handled(this.#handle, message).catch((error: unknown) => {
      if (socket.readyState !== socket.OPEN) return;
      this.#host.logger.error({ err: error }, 'a message over a socket failed');
      socket.close(CloseCode.InternalServerError, 'Internal server error');
    });
  }

  /** Rejects, and never throws: an error in a listener of the socket would end the process. */
  async #handled(handle: (message: string) => Promise<void>, message: string): Promise<void> {
    const handled = handle(withQuery(message));
    const { starting } = this;
    this.starting = null;
    await handled;
    starting?.goOn();
  }

  /** A ping of the transport, which ws answers. */
  pinged(): void {
    const { quotas } = this.#host;
    const counted = async (): Promise<void> => {
      await quotas.operationFrom(this.address);
      await quotas.operationOf(this.session?.identity.subject ?? null);
    };
    counted().catch(() => this.socket.close(CLOSE_TRY_AGAIN, 'TOO_MANY_REQUESTS: too many pings'));
  }

  /** ws closes a socket whose peer breaks the protocol or its limits by itself, with the code that says so. */
  broke(error: Error): void {
    this.#host.logger.debug({ err: error }, 'a socket broke');
  }

  closed(code: number, reason: string): void {
    this.initReceived();
    this.places.release();
    this.#ended(code, reason).catch((error: unknown) => {
      this.#host.logger.error({ err: error }, 'a socket did not end cleanly');
    });
  }

  /** Where something is unsent: closes the socket when its peer takes nothing of it for so long. */
  watch(): void {
    const stream = this.#stream;
    if (this.#stall === 'watched' || stream.writableLength === 0 || !(stream instanceof Socket)) return;
    if (this.#stall === 'none') stream.on('timeout', () => this.#onIdle(stream));
    this.#stall = 'watched';
    // Node's own time-out counts what the system takes of a large write.
    stream.setTimeout(this.#host.stalledMs);
  }

  #onIdle(stream: Socket): void {
    const { socket, sink } = this;
    this.#stall = 'listening';
    stream.setTimeout(0);
    if (sink.unsentBytes === 0 || socket.readyState !== socket.OPEN) return;
    this.#host.logger.debug({ unsentBytes: sink.unsentBytes }, 'a peer does not read');
    socket.close(CLOSE_TRY_AGAIN, 'Too slow: connect again and resume');
    setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS).unref();
  }
}

function tellTooLate(socket: WebSocket): void {
  socket.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
}

function onError(this: WebSocket, error: Error): void {
  peerOf(this)?.broke(error);
}

function onPing(this: WebSocket): void {
  peerOf(this)?.pinged();
}

function onPong(this: WebSocket): void {
  peerOf(this)?.pong();
}

function onMessage(this: WebSocket, data: RawData): void {
  peerOf(this)?.receive(String(data));
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  peerOf(this)?.closed(code, String(reason));
}

/**
 * True for a payload that nothing may recurse into. The server checks an operation with a document later, so that the error is the operation's
 * own. It checks one that names its document by an id here, because `withQuery` writes that message anew.
 */
function isTooDeep(message: string, maxDepth: number): boolean {
  if (!hasManyBrackets(message, maxDepth)) return false;
  try {
    const parsed: unknown = JSON.parse(message);
    if (!isRecord(parsed)) return false;
    if (parsed.type === MessageType.Subscribe && !needsQuery(parsed.payload)) return false;
    assertDepth([parsed.payload], maxDepth);
    return false;
  } catch (error) {
    // What is no JSON the protocol refuses.
    return error instanceof RivuletError;
  }
}

function peerOf(socket: WebSocket): Peer | null {
  return (socket as PeerSocket).peer;
}
