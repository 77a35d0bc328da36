import type { ServerResponse } from 'node:http';
import type { EventSink } from './sse-events.js';

/** A comment: proxies and browsers see that the stream lives. */
const PING = ':\n\n';
const PING_EVERY_MS = 12_000;

/** How long a browser waits before it comes back: not all at the same time, after a server went. */
const RETRY_FROM_MS = 1_000;
const RETRY_SPREAD_MS = 2_000;

export interface EventStreamOptions {
  /** Past so many unsent bytes the subscriptions of the stream wait for it. */
  readonly maxUnsentBytes: number;
  readonly pingEveryMs?: number | undefined;
  /** Called once, when the stream has ended, whoever ended it. */
  readonly onClose: () => void;
}

/**
 * An HTTP response as an event stream (WHATWG HTML, "Server-sent events"). What one turn of the event loop writes leaves as one chunk. A
 * peer that takes nothing of what waits for it from one ping to the next is given up.
 */
export class EventStream implements EventSink {
  readonly #response: ServerResponse;
  readonly #maxUnsentBytes: number;
  readonly #pings: NodeJS.Timeout;
  #corked = false;
  #sentAtPing = 0;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    const { maxUnsentBytes, pingEveryMs = PING_EVERY_MS, onClose } = options;
    this.#response = response;
    this.#maxUnsentBytes = maxUnsentBytes;
    // Each operation of a stream listens for it.
    response.setMaxListeners(0);
    this.#pings = setInterval(() => this.#ping(), pingEveryMs);
    const close = (): void => {
      clearInterval(this.#pings);
      onClose();
    };
    if (response.closed) queueMicrotask(close);
    else response.once('close', close);
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const retryMs = Math.round(RETRY_FROM_MS + Math.random() * RETRY_SPREAD_MS);
    // Something at once: some browsers do not show a response that has only headers.
    response.write(`retry: ${retryMs}\n\n`);
  }

  /** False: more is unsent than is good. */
  get isReady(): boolean {
    return this.#response.writableLength < this.#maxUnsentBytes;
  }

  /** Calls `listener` each time that it may be ready after it was not. Returns the function that ends that. */
  onReady(listener: () => void): () => void {
    this.#response.on('drain', listener);
    return () => this.#response.off('drain', listener);
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }

  write(events: string): Promise<void> | undefined {
    const response = this.#response;
    if (!this.isOpen) return undefined;
    if (!this.#corked) {
      this.#corked = true;
      response.cork();
      setImmediate(() => {
        this.#corked = false;
        if (this.isOpen) response.uncork();
      });
    }
    if (this.isReady) {
      response.write(events);
      return undefined;
    }
    return new Promise((resolve) => {
      const done = (): void => {
        response.off('close', done);
        resolve();
      };
      response.once('close', done);
      response.write(events, done);
    });
  }

  /** Ends in order: the client was told everything. */
  end(): void {
    if (this.isOpen) this.#response.end();
  }

  /** Breaks off: the client comes back for more. */
  cut(): void {
    this.#response.destroy();
  }

  #ping(): void {
    const { socket, writableLength } = this.#response;
    const sent = socket === null ? 0 : socket.bytesWritten - socket.writableLength;
    if (writableLength === 0) this.#response.write(PING);
    else if (sent === this.#sentAtPing) this.cut();
    this.#sentAtPing = sent;
  }
}
