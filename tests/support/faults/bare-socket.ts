import WebSocket from 'ws';

/** What a bare socket was told. */
export interface Heard {
  readonly versions: readonly number[];
  readonly cursor: string | null;
  readonly resets: number;
}

export interface BareSocketOptions {
  readonly url: string;
  readonly token: string;
  /** Has `$after`; its messages have `cursor`, `reset` and `changes { node { name } }`. */
  readonly query: string;
  readonly after: string | null;
  readonly onNext: (message: BareMessage) => void;
  readonly onClose: () => void;
}

export interface BareMessage {
  readonly cursor: string;
  readonly reset: string | null;
  readonly changes: readonly { readonly node: { readonly name: string } | null }[];
}

/** A subscriber that costs this process little, so that there can be thousands. */
export class BareSocket {
  readonly #socket: WebSocket;
  #isLive = false;

  constructor({ url, token, query, after, onNext, onClose }: BareSocketOptions) {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', {
      perMessageDeflate: false,
      handshakeTimeout: 60_000,
    });
    this.#socket = socket;
    const send = (message: object): void => socket.send(JSON.stringify(message));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isLive = false;
      onClose();
    });
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data));
      if (type === 'connection_ack') {
        send({ type: 'subscribe', id: '1', payload: { query, variables: { after } } });
        this.#isLive = true;
      } else if (type === 'ping') send({ type: 'pong' });
      else if (type === 'next' && payload.data) onNext(Object.values(payload.data)[0] as BareMessage);
      else if (type === 'next' || type === 'error') socket.close(4000, JSON.stringify(payload).slice(0, 100));
    });
  }

  /** Subscribed, as far as it knows. */
  get isLive(): boolean {
    return this.#isLive;
  }

  terminate(): void {
    this.#socket.terminate();
  }
}
