import { isObject } from '../row.js';
import { eventParser, type ServerEvent } from './event-parser.js';
import type { ResolvedOptions } from './options.js';
import { expectStatus, SseConnectionLost, SseRefusal } from './refusal.js';

const TOKEN_HEADER = 'x-graphql-event-stream-token';

/** The events of a connection. None follows `onEnd`. */
export interface ConnectionEvents {
  /** A result of an operation, or that it is complete. */
  readonly onEvent: (operationId: string, event: 'next' | 'complete', payload: unknown) => void;
  /**
   * Called once, when the connection can carry nothing more: `Refusal`, or `Broken`. Not after
   * `close`.
   */
  readonly onEnd: (error: unknown) => void;
}

/**
 * One reserved event stream: GraphQL over SSE, single connection mode. Made by `open`; what it
 * carries is sent with `send`.
 */
export class SseConnection {
  readonly #options: ResolvedOptions;
  readonly #events: ConnectionEvents;
  readonly #abort = new AbortController();
  #headers: Readonly<Record<string, string>> = {};
  #silence: ReturnType<typeof setTimeout> | undefined;
  #isEnded = false;

  constructor(options: ResolvedOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
  }

  /**
   * Resolves when the stream is open; how it ends is told by `onEnd`, also where it was never
   * opened.
   */
  async open(): Promise<void> {
    try {
      const { headers } = this.#options;
      this.#headers = typeof headers === 'function' ? await headers() : headers;
      const reserved = await this.#request('PUT');
      await expectStatus(reserved, 201);
      this.#headers = { ...this.#headers, [TOKEN_HEADER]: await reserved.text() };
      const response = await this.#request('GET', { accept: 'text/event-stream' });
      await expectStatus(response, 200);
      void this.#read(response);
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  /**
   * Resolves when the operation was accepted. Rejects with `Refusal` where it was not; everything
   * else ends the connection.
   */
  async send(operationId: string, request: object): Promise<void> {
    try {
      const body = JSON.stringify({ ...request, extensions: { ...extensionsOf(request), operationId } });
      const response = await this.#request('POST', { 'content-type': 'application/json' }, body);
      await expectStatus(response, 202);
    } catch (error) {
      if (error instanceof SseRefusal) throw error;
      this.#end(error);
    }
  }

  /**
   * Ends an operation. A request that does not arrive is no harm: results of operations that nobody
   * knows are passed over.
   */
  complete(operationId: string): void {
    if (this.#isEnded) return;
    const url = `${this.#options.url}?operationId=${encodeURIComponent(operationId)}`;
    this.#request('DELETE', {}, undefined, url).then(
      (response) => response.body?.cancel(),
      () => {},
    );
  }

  close(): void {
    this.#isEnded = true;
    this.#stop();
  }

  #request(
    method: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
    url = this.#options.url,
  ): Promise<Response> {
    const { credentials } = this.#options;
    return this.#options.fetch(url, {
      method,
      headers: { ...this.#headers, ...headers },
      signal: this.#abort.signal,
      ...(credentials && { credentials }),
      ...(body !== undefined && { body }),
    });
  }

  async #read(response: Response): Promise<void> {
    try {
      const reader = response.body?.getReader();
      if (!reader) throw new SseConnectionLost('the response has no body');
      const decoder = new TextDecoder();
      const parse = eventParser((event) => this.#tell(event));
      for (;;) {
        this.#listen();
        const { value, done } = await reader.read();
        if (done) throw new SseConnectionLost('the stream ended');
        parse(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      this.#end(error);
    }
  }

  /** Silence from now on is counted. */
  #listen(): void {
    clearTimeout(this.#silence);
    const { silenceMs } = this.#options;
    this.#silence = setTimeout(() => this.#end(new SseConnectionLost('the stream is silent')), silenceMs);
  }

  #tell({ event, data }: ServerEvent): void {
    if (this.#isEnded || (event !== 'next' && event !== 'complete')) return;
    const message: unknown = JSON.parse(data);
    if (!isObject(message) || typeof message.id !== 'string') return;
    this.#events.onEvent(message.id, event, message.payload);
  }

  #end(error: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stop();
    this.#events.onEnd(error);
  }

  #stop(): void {
    clearTimeout(this.#silence);
    this.#abort.abort();
  }
}

function extensionsOf(request: object): object {
  return 'extensions' in request && isObject(request.extensions) ? request.extensions : {};
}
