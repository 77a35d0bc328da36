import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { EventSink } from './sse-events.js';

/** Unsent bytes past which the subscriptions of a stream wait for it. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** A comment: proxies and browsers see that the stream lives. */
const PING = ':\n\n';
const PING_EVERY_MS = 12_000;

/** How long a browser waits before it comes back: not all at the same time, after a server went. */
const RETRY_FROM_MS = 1_000;
const RETRY_SPREAD_MS = 2_000;

export interface EventStreamOptions {
  readonly headers?: OutgoingHttpHeaders;
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
  readonly #pings: NodeJS.Timeout;
  #corked = false;
  #sentAtPing = 0;

  constructor(
    response: ServerResponse,
    { headers, pingEveryMs = PING_EVERY_MS, onClose }: EventStreamOptions,
  ) {
    this.#response = response;
    this.#pings = setInterval(() => this.#ping(), pingEveryMs);
    const close = (): void => {
      clearInterval(this.#pings);
      onClose();
    };
    if (response.closed) queueMicrotask(close);
    else response.once('close', close);
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const retryMs = Math.round(RETRY_FROM_MS + Math.random() * RETRY_SPREAD_MS);
    // Something at once: some browsers do not show a response that has only headers.
    response.write(`retry: ${retryMs}\n\n`);
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
    if (response.writableLength < MAX_BUFFERED_BYTES) {
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
