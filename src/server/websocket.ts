import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { Allowance } from '../scope/allowance.js';
import { addressOf } from './address.js';
import { NextFrames } from './frames.js';
import type { Logger } from './logger.js';
import { isAllowedOrigin } from './origin.js';
import type { Quotas, Release } from './quotas.js';
import { SocketFrames, Turn } from './socket-frames.js';
import {
  type Extra,
  type SocketPlaces,
  type SocketProtocolOptions,
  socketProtocol,
} from './socket-protocol.js';

/** A peer that has not answered a ping when the next one is due is gone. */
const PING_EVERY_MS = 12_000;

/** Of what may wait for a socket, the part that is written ahead of the system; the rest waits as messages, which can be merged. */
const UNSENT_SHARE = 0.25;

/** "Try again later": stock clients connect again. */
const CLOSE_TRY_AGAIN = 1013;

/** How long a peer has to answer a close. */
const CLOSE_WITHIN_MS = 2_000;

export interface WebSocketOptions extends SocketProtocolOptions {
  readonly server: HttpServer;
  readonly origins: readonly string[];
  readonly trustedProxies: number;
  readonly pingEveryMs?: number;
}

export interface WebSocketTransport {
  readonly sockets: number;
  /**
   * Closes every socket with 1001 and refuses new ones. Subscriptions end without a `complete`: a client that was told
   * its subscription is complete would not come back for it.
   */
  close(): Promise<void>;
}

/** GraphQL over WebSocket (the protocol of graphql-ws) on the path of the HTTP endpoint. */
export function serveWebSocket(options: WebSocketOptions): WebSocketTransport {
  const { server, logger } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: options.limits.messageBytes,
    handleProtocols,
  });
  const protocol = makeServer(socketProtocol(options));
  const frames = new NextFrames();
  const turn = new Turn();
  let closing = false;

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', (error) => logger.debug({ err: error }, 'a socket broke during its upgrade'));
    const refusal = closing ? '503 Service Unavailable' : refusalOf(request, options.origins);
    if (refusal !== null) {
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const address = addressOf(request, options.trustedProxies);
    const places = placesOf(options.quotas, address);
    if (places === null) {
      stream.end('HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    stream.once('close', places.release);
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const { maxQueuedBytes, stalledSeconds } = options.limits;
      const unsentBytes = maxQueuedBytes * UNSENT_SHARE;
      const sink = new SocketFrames(socket, stream, turn, unsentBytes);
      const allowance = new Allowance(maxQueuedBytes - unsentBytes);
      closeWhenStalled(socket, sink, stream, stalledSeconds * 1_000, logger);
      const extra: Extra = {
        socket,
        headers: request.headers,
        frames,
        sink,
        allowance,
        address,
        places,
        session: null,
        refreshing: null,
        starting: null,
        send: (message) => {
          if (socket.readyState !== socket.OPEN) return;
          sink.flush();
          socket.send(message);
        },
      };
      attach(protocol, socket, stream, sink, extra, logger, options.pingEveryMs ?? PING_EVERY_MS);
    });
  });

  return {
    get sockets() {
      return sockets.clients.size;
    },
    close: async () => {
      closing = true;
      await Promise.all([...sockets.clients].map(goAway));
      sockets.close();
    },
  };
}

/** `null` where there is no place for another socket. */
function placesOf(quotas: Quotas, address: string | null): SocketPlaces | null {
  const taken: Release[] = [];
  try {
    taken.push(quotas.connectionFrom(address));
    const pending = quotas.pending(address);
    taken.push(pending);
    return {
      signedIn: (subject) => {
        pending();
        taken.push(quotas.connectionOf(subject));
      },
      release: () => {
        for (const release of taken.splice(0)) release();
      },
    };
  } catch {
    for (const release of taken) release();
    return null;
  }
}

function refusalOf(request: IncomingMessage, origins: readonly string[]): string | null {
  const [path] = (request.url ?? '').split('?', 1);
  if (path !== '/graphql') return '404 Not Found';
  return isAllowedOrigin(request.headers, origins, 'upgrade') ? null : '403 Forbidden';
}

/** Hands a socket to the protocol and watches over it: pings, errors, the end. */
function attach(
  protocol: Server<Extra>,
  socket: WebSocket,
  stream: Duplex,
  sink: SocketFrames,
  extra: Extra,
  logger: Logger,
  pingEveryMs: number,
): void {
  // ws closes a socket whose peer breaks the protocol or its limits by itself, with the code that says so.
  socket.on('error', (error) => logger.debug({ err: error }, 'a socket broke'));

  let answered = true;
  const pings = setInterval(() => {
    // Behind what is unsent a ping cannot be answered; a peer that takes nothing is closed for that.
    if (!answered && stream.writableLength === 0) return socket.terminate();
    answered = false;
    socket.ping();
  }, pingEveryMs);
  socket.on('pong', () => {
    answered = true;
  });

  const ended = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) =>
        new Promise((resolve, reject) => {
          if (socket.readyState !== socket.OPEN) return resolve();
          sink.flush();
          socket.send(data, (error) => (error ? reject(error) : resolve()));
        }),
      close: (code, reason) => {
        sink.flush();
        socket.close(code, reason);
      },
      onMessage: (handle) =>
        socket.on('message', (data) => {
          if (socket.readyState !== socket.OPEN) return;
          const handled = handle(String(data));
          const { starting } = extra;
          extra.starting = null;
          const done = starting === null ? handled : handled.then(() => starting.goOn());
          done.catch((error: unknown) => {
            if (socket.readyState !== socket.OPEN) return;
            logger.error({ err: error }, 'a message over a socket failed');
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        }),
    },
    extra,
  );
  socket.once('close', (code, reason) => {
    clearInterval(pings);
    ended(code, String(reason)).catch((error: unknown) => {
      logger.error({ err: error }, 'a socket did not end cleanly');
    });
  });
}

/**
 * Closes a socket whose peer has taken nothing for so long although something is unsent. Node's own time-out counts what the system
 * takes of a large write.
 */
function closeWhenStalled(
  socket: WebSocket,
  sink: SocketFrames,
  stream: Duplex,
  stalledMs: number,
  logger: Logger,
): void {
  if (!(stream instanceof Socket)) return;
  stream.setTimeout(stalledMs, () => {
    if (sink.unsentBytes === 0) return;
    logger.debug({ unsentBytes: sink.unsentBytes }, 'a peer does not read');
    socket.close(CLOSE_TRY_AGAIN, 'Too slow: connect again and resume');
    setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS).unref();
  });
}

/** Resolves when the socket is closed, with or without the peer's answer. */
function goAway(socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
    socket.once('close', () => {
      clearTimeout(giveUp);
      resolve();
    });
    socket.close(1001, 'Going away');
  });
}
