import type WebSocket from 'ws';
import { waitFor } from './wait-for.js';

/** A message of the protocol, as it came. */
export interface WireMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** Speaks the protocol by hand, so that a test can do what a well-behaved client does not. */
export class RawSocket {
  readonly received: WireMessage[] = [];
  #closed: { readonly code: number; readonly reason: string } | undefined;

  readonly socket: WebSocket;

  /** Sent with `connection_init` where the test says nothing else. */
  defaultPayload: object | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.received.push(JSON.parse(String(data))));
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: String(reason) };
    });
  }

  async open(): Promise<this> {
    await waitFor('the socket is open', () => this.socket.readyState === this.socket.OPEN);
    return this;
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Opens and sends `connection_init`; resolves when it is acknowledged. */
  async init(payload: object | undefined = this.defaultPayload): Promise<this> {
    await this.open();
    this.send({ type: 'connection_init', ...(payload && { payload }) });
    await this.next('connection_ack');
    return this;
  }

  subscribe(id: string, query: string, extensions?: object): void {
    this.send({ type: 'subscribe', id, payload: { query, ...(extensions && { extensions }) } });
  }

  /** The first message of a type (and id), now or when it comes. */
  next(type: string, id?: string): Promise<WireMessage> {
    return waitFor(`a message ${type} ${id ?? ''}`, () => {
      return this.received.find(
        (message) => message.type === type && (id === undefined || message.id === id),
      );
    });
  }

  /** `undefined` while the socket is open. */
  get closing(): { readonly code: number; readonly reason: string } | undefined {
    return this.#closed;
  }

  closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return waitFor('the socket is closed', () => this.#closed);
  }
}
