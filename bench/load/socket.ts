import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** What a subscriber asks for; several subscriptions share a socket. */
export interface SubscriberPlan {
  readonly url: string;
  readonly connectionParams: object;
  readonly query: string;
  readonly variables: readonly object[];
  /** Called with each message of a subscription: what was received, and where the message lies in it. */
  readonly onNext: (received: Buffer, from: number, to: number) => void;
  readonly onTrouble: (message: string) => void;
}

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Every change carries `~00000123~`, and nothing else that is sent has this character. */
export const MARK = 0x7e;

/**
 * A client of graphql-transport-ws that costs next to nothing, so that two cores are left to what is measured: it looks for a change's
 * mark in the frames as they came, and parses only what has none.
 */
export class Subscriber {
  /** Resolves when the server has acknowledged the socket and is asked for the subscriptions, or when there is trouble. */
  readonly opened: Promise<void>;
  #onOpened: () => void = () => {};
  readonly #plan: SubscriberPlan;
  readonly #socket: Socket;
  #rest: Buffer | null = null;
  #upgraded = false;
  #closing = false;

  constructor(plan: SubscriberPlan) {
    this.#plan = plan;
    this.opened = new Promise((resolve) => {
      this.#onOpened = resolve;
    });
    const { hostname, port, pathname } = new URL(plan.url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.on('connect', () => {
      this.#socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n` +
          'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
      );
    });
    this.#socket.on('data', (data) => this.#receive(data));
    this.#socket.on('error', (error) => this.#trouble(String(error)));
    this.#socket.on('close', () => this.#trouble('the server closed the socket'));
  }

  /** Reads nothing any more; the server may close it for that. */
  stall(): void {
    this.#closing = true;
    this.#socket.pause();
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #trouble(message: string): void {
    if (!this.#closing) this.#plan.onTrouble(message);
    // Whoever waits learns of the trouble where subscriptions are counted.
    this.#onOpened();
  }

  #receive(data: Buffer): void {
    const received = this.#rest === null ? data : Buffer.concat([this.#rest, data]);
    this.#rest = null;
    let at = 0;
    if (!this.#upgraded) {
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) {
        this.#rest = received;
        return;
      }
      if (!received.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) {
        this.#trouble(`no upgrade: ${received.subarray(0, end)}`);
        return;
      }
      this.#upgraded = true;
      at = end + 4;
      this.#send({ type: 'connection_init', payload: this.#plan.connectionParams });
    }
    while (received.length - at >= 2) {
      let size = received[at + 1]! & 127;
      let from = at + 2;
      if (size === 126) {
        if (received.length < at + 4) break;
        size = received.readUInt16BE(at + 2);
        from = at + 4;
      } else if (size === 127) {
        if (received.length < at + 10) break;
        size = received.readUInt32BE(at + 6);
        from = at + 10;
      }
      if (received.length < from + size) break;
      this.#onFrame(received[at]!, received, from, from + size);
      at = from + size;
    }
    if (at < received.length) this.#rest = at === 0 ? received : received.subarray(at);
  }

  #onFrame(first: number, received: Buffer, from: number, to: number): void {
    const kind = first & 15;
    if ((first & 0xf0) !== 0x80) this.#trouble('a fragmented or compressed frame');
    else if (kind === PING) this.#sendFrame(PONG, received.subarray(from, to));
    else if (kind === CLOSE) this.#trouble(`closed: ${received.toString('utf8', from + 2, to)}`);
    else if (kind === TEXT) this.#onText(received, from, to);
  }

  #onText(received: Buffer, from: number, to: number): void {
    const mark = received.indexOf(MARK, from);
    if (mark !== -1 && mark < to) {
      this.#plan.onNext(received, from, to);
      return;
    }
    const text = received.toString('utf8', from, to);
    const message = JSON.parse(text);
    if (message.type === 'connection_ack') this.#subscribe();
    else if (message.type === 'ping') this.#send({ type: 'pong' });
    else if (message.type !== 'pong') this.#trouble(text.slice(0, 500));
  }

  #subscribe(): void {
    const { query, variables } = this.#plan;
    for (const [at, each] of variables.entries()) {
      this.#send({ id: String(at + 1), type: 'subscribe', payload: { query, variables: each } });
    }
    this.#onOpened();
  }

  #send(message: object): void {
    this.#sendFrame(TEXT, Buffer.from(JSON.stringify(message)));
  }

  /** Masked with zeros, as a browser's frame is masked with anything. */
  #sendFrame(kind: number, payload: Buffer): void {
    const header = payload.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
    header[0] = 0x80 | kind;
    header[1] = 0x80 | Math.min(payload.length, 126);
    if (payload.length >= 126) header.writeUInt16BE(payload.length, 2);
    this.#socket.write(Buffer.concat([header, payload]));
  }
}
