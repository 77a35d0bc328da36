import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { FrameSink } from './frames.js';
import type { Logger } from './logger.js';
import { isAllowedOrigin } from './origin.js';
import { type Extra, type SocketProtocolOptions, socketProtocol } from './socket-protocol.js';

/** A peer that has not answered a ping when the next one is due is gone. */
const PING_EVERY_MS = 12_000;

/** Unsent bytes past which a socket's subscriptions wait for it. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** How long a peer has to answer a close. */
const CLOSE_WITHIN_MS = 2_000;

export interface WebSocketOptions extends SocketProtocolOptions {
  readonly server: HttpServer;
  readonly origins: readonly string[];
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
  let closing = false;

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', (error) => logger.debug({ err: error }, 'a socket broke during its upgrade'));
    const refusal = closing ? '503 Service Unavailable' : refusalOf(request, options.origins);
    if (refusal !== null) {
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const frames = frameSink(socket, stream);
      const extra: Extra = { socket, request, frames, session: null };
      attach(protocol, socket, extra, logger, options.pingEveryMs ?? PING_EVERY_MS);
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

function refusalOf(request: IncomingMessage, origins: readonly string[]): string | null {
  const [path] = (request.url ?? '').split('?', 1);
  if (path !== '/graphql') return '404 Not Found';
  return isAllowedOrigin(request.headers, origins, 'upgrade') ? null : '403 Forbidden';
}

/**
 * Frames that one turn of the event loop makes for a socket leave in one write. Past `MAX_BUFFERED_BYTES` unsent the writer waits, and what
 * comes meanwhile is bounded by the subscription's outbox.
 */
function frameSink(socket: WebSocket, stream: Duplex): FrameSink {
  let corked = false;
  return {
    write(frame) {
      if (socket.readyState !== socket.OPEN) return undefined;
      if (!corked) {
        corked = true;
        stream.cork();
        setImmediate(() => {
          corked = false;
          stream.uncork();
        });
      }
      if (socket.bufferedAmount < MAX_BUFFERED_BYTES) {
        socket.send(frame);
        return undefined;
      }
      return new Promise((resolve) => socket.send(frame, () => resolve()));
    },
  };
}

/** Hands a socket to the protocol and watches over it: pings, errors, the end. */
function attach(
  protocol: Server<Extra>,
  socket: WebSocket,
  extra: Extra,
  logger: Logger,
  pingEveryMs: number,
): void {
  // ws closes a socket whose peer breaks the protocol or its limits by itself, with the code that says so.
  socket.on('error', (error) => logger.debug({ err: error }, 'a socket broke'));

  let answered = true;
  const pings = setInterval(() => {
    if (!answered) return socket.terminate();
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
          socket.send(data, (error) => (error ? reject(error) : resolve()));
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (handle) =>
        socket.on('message', (data) => {
          if (socket.readyState !== socket.OPEN) return;
          handle(String(data)).catch((error: unknown) => {
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
