import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { ClientAddresses } from '../../auth/client-address.js';
import { isAllowedOrigin } from '../http/origin.js';
import { SocketHeartbeat } from './heartbeat.js';
import { NextFrames } from './next-frames.js';
import { listen } from './peer-listeners.js';
import { SERVER_STOPS } from './socket-closing.js';
import { FrameTurn } from './socket-frames.js';
import type { ProtocolOptions } from './socket-link.js';
import { type PeerHost, PeerSocket, SocketPeer } from './socket-peer.js';
import { SocketPlaces } from './socket-places.js';

/** A peer that has not answered a ping when the next one is due is gone. */
const PING_EVERY_MS = 12_000;

export interface WebSocketOptions extends Omit<ProtocolOptions, 'frames'> {
  readonly server: HttpServer;
  readonly origins: readonly string[];
  readonly addresses: ClientAddresses;
  readonly pingEveryMs?: number;
}

export interface WebSocketTransport {
  readonly sockets: number;
  /**
   * Closes every socket with 1001 and refuses new ones. Subscriptions end without a `complete`: a
   * client that was told its subscription is complete would not come back for it.
   */
  close(): Promise<void>;
}

/**
 * Serves GraphQL over WebSocket, the protocol `graphql-transport-ws` of graphql-ws, on the path of
 * the HTTP endpoint.
 */
export function serveWebSocket(options: WebSocketOptions): WebSocketTransport {
  const { server, logger, limits } = options;
  const sockets = new WebSocketServer<typeof PeerSocket>({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.messageBytes,
    handleProtocols,
    WebSocket: PeerSocket,
  });
  const host: PeerHost = { protocol: { ...options, frames: new NextFrames() }, turn: new FrameTurn() };
  const heartbeat = new SocketHeartbeat(() => peersOf(sockets.clients), options.pingEveryMs ?? PING_EVERY_MS);
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
      listen(socket, new SocketPeer({ host, socket, stream, headers, address, places, turn }));
      isOpen = true;
    });
    // Requests that are no upgrade were refused. The peer watches the others.
    if (isOpen) stream.removeListener('error', onBroken);
    else places.release();
  });

  return {
    get sockets() {
      return sockets.clients.size;
    },
    close: async () => {
      closing = true;
      await Promise.all([...peersOf(sockets.clients)].map((peer) => peer.goAway(SERVER_STOPS)));
      heartbeat.stop();
      sockets.close();
    },
  };
}

function* peersOf(sockets: Iterable<PeerSocket>): Iterable<SocketPeer> {
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
