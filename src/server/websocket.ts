import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ClientAddresses } from './address.js';
import { NextFrames } from './frames.js';
import { Heartbeat } from './heartbeat.js';
import { isAllowedOrigin } from './origin.js';
import { Turn } from './socket-frames.js';
import { CLOSE_WITHIN_MS, Peer, type PeerHost, PeerSocket } from './socket-peer.js';
import { SocketPlaces } from './socket-places.js';
import { type SocketProtocolOptions, socketProtocol } from './socket-protocol.js';

/** A peer that has not answered a ping when the next one is due is gone. */
const PING_EVERY_MS = 12_000;

export interface WebSocketOptions extends SocketProtocolOptions {
  readonly server: HttpServer;
  readonly origins: readonly string[];
  readonly addresses: ClientAddresses;
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
  const { server, logger, limits } = options;
  const sockets = new WebSocketServer<typeof PeerSocket>({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.messageBytes,
    handleProtocols,
    WebSocket: PeerSocket,
  });
  const host: PeerHost = {
    protocol: makeServer(socketProtocol(options)),
    frames: new NextFrames(),
    turn: new Turn(),
    logger,
    quotas: options.quotas,
    maxDepth: limits.variableDepth,
    maxQueuedBytes: limits.maxQueuedBytes,
    stalledMs: limits.stalledSeconds * 1_000,
  };
  const heartbeat = new Heartbeat(() => peersOf(sockets.clients), options.pingEveryMs ?? PING_EVERY_MS);
  const onBroken = (error: Error): void => logger.debug({ err: error }, 'a socket broke during its upgrade');
  let closing = false;

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', onBroken);
    const refusal = closing ? '503 Service Unavailable' : refusalOf(request, options.origins);
    if (refusal !== null) return refuse(stream, refusal);
    const address = options.addresses.of(request);
    const places = SocketPlaces.take(options.quotas, address);
    if (places === null) return refuse(stream, '429 Too Many Requests');
    const { headers } = request;
    const { turn } = heartbeat;
    let isOpen = false;
    sockets.handleUpgrade(request, stream, head, (socket) => {
      new Peer({ host, socket, stream, headers, address, places, turn });
      isOpen = true;
    });
    // What is no upgrade is refused by now; what is one is watched by its peer.
    if (isOpen) stream.removeListener('error', onBroken);
    else places.release();
  });

  return {
    get sockets() {
      return sockets.clients.size;
    },
    close: async () => {
      closing = true;
      await Promise.all([...sockets.clients].map(goAway));
      heartbeat.stop();
      sockets.close();
    },
  };
}

function* peersOf(sockets: Iterable<PeerSocket>): Iterable<Peer> {
  for (const { peer } of sockets) if (peer) yield peer;
}

function refuse(stream: Duplex, status: string): void {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function refusalOf(request: IncomingMessage, origins: readonly string[]): string | null {
  const [path] = (request.url ?? '').split('?', 1);
  if (path !== '/graphql') return '404 Not Found';
  return isAllowedOrigin(request.headers, origins, 'upgrade') ? null : '403 Forbidden';
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
