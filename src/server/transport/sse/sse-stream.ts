import type { ServerResponse } from 'node:http';
import type { EventSink } from './sse-events.js';

/** A comment: proxies and browsers see that the stream lives. */
const PING = ':\n\n';
const PING_EVERY_MS = 12_000;

/**
 * Time before a browser reconnects: random, so that not all come back at once after a server
 * stopped.
 */
const RETRY_FROM_MS = 1_000;
const RETRY_SPREAD_MS = 2_000;

export interface EventStreamOptions {
  /** Past so many unsent bytes the subscriptions of the stream wait for it. */
  readonly maxUnsentBytes: number;
  readonly pingEveryMs?: number | undefined;
  /** Called once, when the stream has ended for any reason. */
  readonly onClose: () => void;
}

/**
 * An HTTP response as an event stream (WHATWG HTML, "Server-sent events"). What one turn of the
 * event loop writes leaves as one chunk. A peer that takes nothing of what waits for it from one
 * ping to the next is given up.
 */
export class EventStream implements EventSink {
  readonly #response: ServerResponse;
  readonly #maxUnsentBytes: number;
  readonly #pings: NodeJS.Timeout;
  readonly #listeners = new Set<() => void>();
  #isCorked = false;
  #wasBehind = false;
  #sentAtPing = 0;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    const { maxUnsentBytes, pingEveryMs = PING_EVERY_MS, onClose } = options;
    this.#response = response;
    this.#maxUnsentBytes = maxUnsentBytes;
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

  get isReady(): boolean {
    if (this.#response.writableLength < this.#maxUnsentBytes) return true;
    this.#wasBehind = true;
    return false;
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }

  write(events: string): void {
    const response = this.#response;
    if (!this.isOpen) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      response.cork();
      setImmediate(() => {
        this.#isCorked = false;
        if (this.isOpen) response.uncork();
      });
    }
    response.write(events, this.#onWritten);
  }

  /** Ends the stream in order, after everything was sent. */
  end(): void {
    if (this.isOpen) this.#response.end();
  }

  /** Breaks off: the client comes back for more. */
  cut(): void {
    this.#response.destroy();
  }

  readonly #onWritten = (): void => {
    if (!this.#wasBehind || !this.isOpen || !this.isReady) return;
    this.#wasBehind = false;
    for (const listener of [...this.#listeners]) listener();
  };

  #ping(): void {
    const { socket, writableLength } = this.#response;
    const sent = socket === null ? 0 : socket.bytesWritten - socket.writableLength;
    if (writableLength === 0) this.#response.write(PING);
    else if (sent === this.#sentAtPing) this.cut();
    this.#sentAtPing = sent;
  }
}
