import type { StreamSink } from '../live/index.js';
import { isObject } from '../row.js';
import { SseConnection } from './connection.js';
import { checkSseOptions, type ResolvedOptions, resolved, type SseClientOptions } from './options.js';
import { SseRefusal } from './refusal.js';

/**
 * The request of an operation. It is read each time that it is sent, because `variables` may then
 * say where to resume.
 */
export interface SseRequest {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly extensions?: Record<string, unknown> | null;
}

/** GraphQL over one event stream, however many operations. */
export interface SseClient {
  /**
   * Returns the function that ends it. `error` is called with GraphQL's errors where the server
   * will not have the operation.
   */
  subscribe(request: SseRequest, sink: StreamSink): () => void;
  /**
   * `connected`: results can come; `closed`: none can, until it is connected again. Returns the
   * function that ends that.
   */
  on(event: 'connected' | 'closed', listener: () => void): () => void;
  /** Ends every operation, as if each was complete. */
  dispose(): void;
}

/** A connection that was open for so long was a good one, although nothing may have come. */
const LASTING_MS = 10_000;

interface SseClientOperation {
  readonly request: SseRequest;
  readonly sink: StreamSink;
  /** Its id on the connection of now: another one for each sending. */
  id: string | null;
}

/**
 * | state | |
 * | --- | --- |
 * | `idle` | nothing is subscribed to, there is no connection |
 * | `connecting` | a connection is on its way; operations are sent when it is there |
 * | `open` | operations are sent at once |
 * | `waiting` | it broke; it is made again after a while |
 * | `disposed` | final |
 */
type SseClientState = 'idle' | 'connecting' | 'open' | 'waiting' | 'disposed';

/**
 * A client of GraphQL over SSE in its single connection mode, for `rivuletExchange` and
 * `rivuletLink`: browsers allow six connections to a server over HTTP/1.1, and this takes one. A
 * connection that breaks is made again, one for all, with a wait that grows and is partly random;
 * every operation is then sent again, with what its variables say by then. Throws `OPTIONS_INVALID`
 * with all that is wrong with the options.
 */
export function createSseClient(options: SseClientOptions): SseClient {
  checkSseOptions(options);
  const client = new Client(resolved(options));
  return {
    subscribe: (request, sink) => client.subscribe(request, sink),
    on: (event, listener) => client.on(event, listener),
    dispose: () => client.dispose(),
  };
}

class Client {
  readonly #options: ResolvedOptions;
  readonly #operations = new Set<SseClientOperation>();
  readonly #byId = new Map<string, SseClientOperation>();
  readonly #listeners = { connected: new Set<() => void>(), closed: new Set<() => void>() };
  #state: SseClientState = 'idle';
  #connection: SseConnection | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #openedAt = 0;
  #lastId = 0;

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  subscribe(request: SseRequest, sink: StreamSink): () => void {
    if (this.#state === 'disposed') {
      queueMicrotask(() => sink.complete());
      return () => {};
    }
    const operation: SseClientOperation = { request, sink, id: null };
    this.#operations.add(operation);
    if (this.#state === 'idle') this.#connect();
    else if (this.#state === 'open') this.#send(operation);
    return () => {
      if (!this.#operations.has(operation)) return;
      const { id } = operation;
      this.#remove(operation);
      if (id !== null) this.#connection?.complete(id);
    };
  }

  on(event: 'connected' | 'closed', listener: () => void): () => void {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  }

  dispose(): void {
    if (this.#state === 'disposed') return;
    this.#disconnect('disposed');
    for (const operation of [...this.#operations]) {
      this.#operations.delete(operation);
      operation.sink.complete();
    }
  }

  #connect(): void {
    this.#state = 'connecting';
    clearTimeout(this.#timer);
    const connection: SseConnection = new SseConnection(this.#options, {
      onEvent: (id, event, payload) => this.#receive(id, event, payload),
      onEnd: (error) => {
        if (this.#connection === connection) this.#ended(error);
      },
    });
    this.#connection = connection;
    connection.open().then(
      () => {
        if (this.#connection !== connection) return;
        this.#state = 'open';
        this.#openedAt = Date.now();
        for (const operation of this.#operations) this.#send(operation);
        this.#emit('connected');
      },
      () => {},
    );
  }

  #send(operation: SseClientOperation): void {
    const connection = this.#connection;
    if (!connection) return;
    const id = String(++this.#lastId);
    operation.id = id;
    this.#byId.set(id, operation);
    connection.send(id, operation.request).then(
      () => {
        // It was given up before the server knew of it.
        if (this.#connection === connection && !this.#byId.has(id)) connection.complete(id);
      },
      (error: unknown) => {
        if (operation.id !== id || !this.#operations.has(operation)) return;
        this.#remove(operation);
        operation.sink.error(error instanceof SseRefusal ? error.errors : error);
      },
    );
  }

  #receive(id: string, event: 'next' | 'complete', payload: unknown): void {
    const operation = this.#byId.get(id);
    if (!operation) return;
    this.#attempts = 0;
    if (event === 'complete') {
      this.#remove(operation);
      operation.sink.complete();
      return;
    }
    try {
      if (isObject(payload)) operation.sink.next(payload);
    } catch (error) {
      // An error of one operation's sink must not affect the others.
      this.#remove(operation);
      this.#connection?.complete(id);
      operation.sink.error(error);
    }
  }

  #ended(error: unknown): void {
    const wasOpen = this.#state === 'open';
    if (wasOpen && Date.now() - this.#openedAt > LASTING_MS) this.#attempts = 0;
    this.#connection = null;
    this.#forgetIds();
    if (error instanceof SseRefusal) {
      this.#state = 'idle';
      for (const operation of [...this.#operations]) {
        this.#operations.delete(operation);
        operation.sink.error(error.errors);
      }
    } else if (this.#operations.size === 0) this.#state = 'idle';
    else {
      this.#state = 'waiting';
      this.#timer = setTimeout(() => this.#connect(), this.#waitMs());
    }
    if (wasOpen) this.#emit('closed');
  }

  /** Half of the wait is fixed, half is random. */
  #waitMs(): number {
    const { retryFirstMs, retryMostMs } = this.#options;
    const most = Math.min(retryMostMs, retryFirstMs * 2 ** Math.min(this.#attempts++, 20));
    return most / 2 + (Math.random() * most) / 2;
  }

  #remove(operation: SseClientOperation): void {
    this.#operations.delete(operation);
    if (operation.id !== null) this.#byId.delete(operation.id);
    if (this.#operations.size > 0 || this.#state === 'disposed') return;
    if (this.#state === 'waiting') {
      this.#disconnect('idle');
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#operations.size === 0) this.#disconnect('idle');
    }, this.#options.lingerMs);
  }

  #disconnect(to: 'idle' | 'disposed'): void {
    const wasOpen = this.#state === 'open';
    this.#state = to;
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.#connection = null;
    this.#forgetIds();
    if (wasOpen) this.#emit('closed');
  }

  #forgetIds(): void {
    this.#byId.clear();
    for (const operation of this.#operations) operation.id = null;
  }

  #emit(event: 'connected' | 'closed'): void {
    for (const listener of [...this.#listeners[event]]) listener();
  }
}
