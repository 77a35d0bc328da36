import type { IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { SendBudget } from '../../../scope/delivery/send-budget.js';
import type { PingedSocket } from './heartbeat.js';
import {
  CLOSE_WITHIN_MS,
  fittingReason,
  type SocketClosing,
  TOO_MANY_PINGS,
  TOO_SLOW,
} from './socket-closing.js';
import { SocketConnection } from './socket-connection.js';
import { type FrameTurn, SocketFrames } from './socket-frames.js';
import type { ProtocolOptions, SocketLink } from './socket-link.js';
import type { SocketPlaces } from './socket-places.js';

/** Headers of the handshake, which say nothing of the user. */
const HANDSHAKE = new Set([
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
]);

/**
 * Share of a socket's send budget that is written ahead of the system. The rest waits as messages,
 * which can be merged.
 */
const UNSENT_SHARE = 0.25;

/** A socket of `ws` that knows its peer, so that its listeners are the same functions for all. */
export class PeerSocket extends WebSocket {
  peer: SocketPeer | null = null;
}

/** Everything that all peers of a server have in common. */
export interface PeerHost {
  readonly protocol: ProtocolOptions;
  readonly turn: FrameTurn;
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
 * One open socket: hands its messages to the protocol and watches over it: pings, stalls, the end.
 * There are tens of thousands of these; what is the same for all of them is in the class, and not
 * in closures of each.
 */
export class SocketPeer implements SocketLink, PingedSocket {
  readonly socket: PeerSocket;
  readonly sink: SocketFrames;
  readonly allowance: SendBudget;
  readonly address: string | null;
  readonly places: SocketPlaces;
  readonly turn: number;
  readonly #host: PeerHost;
  readonly #stream: Duplex;
  /** As text: smaller than the objects that Node has of them, and hardly ever needed. */
  readonly #headers: string;
  readonly #connection: SocketConnection;
  #answered = true;
  #stall: 'none' | 'watched' | 'listening' = 'none';

  constructor({ host, socket, stream, headers, address, places, turn }: PeerOptions) {
    const { maxQueuedBytes } = host.protocol.limits;
    const unsentBytes = maxQueuedBytes * UNSENT_SHARE;
    this.#host = host;
    this.#stream = stream;
    this.#headers = JSON.stringify(headers, (name, value) => (HANDSHAKE.has(name) ? undefined : value));
    this.socket = socket;
    this.address = address;
    this.places = places;
    this.turn = turn;
    this.sink = new SocketFrames(socket, stream, host.turn, unsentBytes);
    this.allowance = new SendBudget(maxQueuedBytes - unsentBytes);
    this.#connection = new SocketConnection(host.protocol, this);
  }

  get headers(): IncomingHttpHeaders {
    return JSON.parse(this.#headers);
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  receive(message: string): void {
    if (this.isOpen) this.#connection.receive(message);
  }

  send(message: string): void {
    if (!this.isOpen) return;
    this.sink.flush();
    this.socket.send(message, ignore);
  }

  close({ code, reason }: SocketClosing): void {
    if (!this.isOpen) return;
    this.sink.flush();
    this.socket.close(code, fittingReason(reason));
    this.#giveUpSoon();
  }

  ping(): void {
    if (!this.isOpen) return;
    // Behind what is unsent a ping cannot be answered; a peer that takes nothing is closed for
    // that.
    if (!this.#answered && this.#stream.writableLength === 0) {
      this.socket.terminate();
      return;
    }
    this.#answered = false;
    this.socket.ping();
  }

  pong(): void {
    this.#answered = true;
  }

  /** A ping of the transport, which ws answers, counts as an operation. */
  pinged(): void {
    const { quotas } = this.#host.protocol;
    const counted = async (): Promise<void> => {
      await quotas.operationFrom(this.address);
      await quotas.operationOf(this.#connection.subject);
    };
    counted().catch(() => this.#connection.close(TOO_MANY_PINGS));
  }

  /**
   * ws closes a socket whose peer breaks the protocol or its limits by itself, with the code that
   * says so.
   */
  broke(error: Error): void {
    this.#host.protocol.logger.debug({ err: error }, 'a socket broke');
  }

  closed(): void {
    this.places.release();
    this.#connection.closed();
  }

  /** Closes the socket, and resolves when it is closed, with or without the peer's answer. */
  goAway(closing: SocketClosing): Promise<void> {
    const { socket } = this;
    if (socket.readyState === socket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      this.#connection.close(closing);
      this.#giveUpSoon();
    });
  }

  /**
   * If something is unsent: closes the socket when its peer takes nothing of it for
   * `stalledSeconds`.
   */
  watch(): void {
    const stream = this.#stream;
    if (this.#stall === 'watched' || stream.writableLength === 0 || !(stream instanceof Socket)) return;
    if (this.#stall === 'none') stream.on('timeout', () => this.#onIdle(stream));
    this.#stall = 'watched';
    // Node's own time-out counts what the system takes of a large write.
    stream.setTimeout(this.#host.protocol.limits.stalledSeconds * 1_000);
  }

  /** A peer that does not answer a close frame keeps no place. */
  #giveUpSoon(): void {
    setTimeout(terminate, CLOSE_WITHIN_MS, this.socket).unref();
  }

  #onIdle(stream: Socket): void {
    this.#stall = 'listening';
    stream.setTimeout(0);
    const { unsentBytes } = this.sink;
    if (unsentBytes === 0 || !this.isOpen) return;
    this.#host.protocol.logger.debug({ unsentBytes }, 'a peer does not read');
    this.#connection.close(TOO_SLOW);
  }
}

function terminate(socket: WebSocket): void {
  socket.terminate();
}

/** A socket that broke says so by its `error` event. */
function ignore(): void {}
