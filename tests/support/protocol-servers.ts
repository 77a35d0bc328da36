import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, type ExecutionArgs, execute, subscribe } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { afterAll } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { type ExampleServer, serveExample } from './example-server.js';
import { RawSocket } from './raw-socket.js';
import { waitFor } from './wait-for.js';

/** A server of `graphql-transport-ws` under test, with three documents that mean the same on each. */
export interface ProtocolServer {
  readonly name: string;
  /** Answered once, with `{ data: { __typename: 'Query' } }`. */
  readonly query: string;
  /** Goes on for ever: one result for each `emit`. */
  readonly stream: string;
  /** Refused before it begins. */
  readonly invalid: string;
  socket(protocols?: string | readonly string[]): RawSocket;
  emit(): Promise<void>;
  /** Resolves when as many streams run. */
  running(count: number): Promise<void>;
}

const SUBPROTOCOL = 'graphql-transport-ws';

/** Rivulet, serving the example. To be called at the top level of a test file. */
export async function rivuletServer(): Promise<ProtocolServer & { readonly example: ExampleServer }> {
  const example = await serveExample();
  const token = await example.token(1);
  return {
    name: 'Rivulet',
    example,
    query: '{ __typename }',
    stream: 'subscription { taskChanges { changes { key } } }',
    invalid: '{ nope }',
    socket: (protocols = SUBPROTOCOL) => {
      const socket = new RawSocket(example.socket({}, protocols as string[]));
      socket.defaultPayload = { token };
      return socket;
    },
    emit: async () => {
      await example.database.script("update tasks set title = title || '.' where id = 1");
    },
    running: (count) => example.subscribed(count),
  };
}

/** The server of graphql-ws itself. To be called at the top level of a test file. */
export async function referenceServer(): Promise<ProtocolServer> {
  const schema = buildSchema('type Query { tasks: Int } type Subscription { ticks: Int }');
  const streams = new Set<Ticks>();
  const ticks = (): Ticks => {
    const stream = new Ticks(() => streams.delete(stream));
    streams.add(stream);
    return stream;
  };
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, path: '/graphql' });
  useServer(
    {
      schema,
      roots: { subscription: { ticks } },
      execute: (args) => execute(args as ExecutionArgs),
      subscribe: (args) => subscribe(args as ExecutionArgs),
    },
    sockets,
  );
  const { error } = console;
  // It reports clients that break the protocol there.
  console.error = (message, ...more) => {
    if (!String(message).startsWith('Internal error occurred')) error(message, ...more);
  };
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/graphql`;
  const opened: WebSocket[] = [];
  afterAll(() => {
    for (const socket of opened) socket.terminate();
    sockets.close();
    http.close();
    console.error = error;
  });
  return {
    name: 'graphql-ws',
    query: '{ __typename }',
    stream: 'subscription { ticks }',
    invalid: '{ nope }',
    socket: (protocols = SUBPROTOCOL) => {
      const socket = new WebSocket(url, protocols as string[]);
      socket.on('error', () => {});
      opened.push(socket);
      return new RawSocket(socket);
    },
    emit: async () => {
      for (const stream of streams) stream.emit();
    },
    running: async (count) => {
      await waitFor(`${count} streams`, () => streams.size === count);
    },
  };
}

/** A stream of numbers that can be left while somebody waits for the next. */
class Ticks implements AsyncIterableIterator<{ readonly ticks: number }> {
  readonly #onEnd: () => void;
  #last = 0;
  #emitted = 0;
  #isEnded = false;
  #wake = (): void => {};

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  emit(): void {
    this.#emitted++;
    this.#wake();
  }

  async next(): Promise<IteratorResult<{ readonly ticks: number }>> {
    while (!this.#isEnded && this.#last === this.#emitted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isEnded) return { value: undefined, done: true };
    return { value: { ticks: ++this.#last }, done: false };
  }

  async return(): Promise<IteratorResult<{ readonly ticks: number }>> {
    this.#isEnded = true;
    this.#onEnd();
    this.#wake();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
