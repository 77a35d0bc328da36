import type { RawData, WebSocket } from 'ws';
import type { PeerSocket, SocketPeer } from './socket-peer.js';

/** Hands the events of a socket to its peer, by functions that all sockets share. */
export function listen(socket: PeerSocket, peer: SocketPeer): void {
  socket.peer = peer;
  socket.on('error', onError);
  socket.on('ping', onPing);
  socket.on('pong', onPong);
  socket.on('message', onMessage);
  socket.on('close', onClose);
}

function onError(this: WebSocket, error: Error): void {
  peerOf(this)?.broke(error);
}

function onPing(this: WebSocket): void {
  peerOf(this)?.pinged();
}

function onPong(this: WebSocket): void {
  peerOf(this)?.pong();
}

function onMessage(this: WebSocket, data: RawData): void {
  peerOf(this)?.receive(String(data));
}

function onClose(this: WebSocket): void {
  peerOf(this)?.closed();
}

function peerOf(socket: WebSocket): SocketPeer | null {
  return (socket as PeerSocket).peer;
}
