import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { SocketSink } from './frames.js';

/** Sockets that have something to write when this turn of the event loop ends. */
export class Turn {
  #waiting: SocketFrames[] = [];

  add(frames: SocketFrames): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#end());
    this.#waiting.push(frames);
  }

  #end(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frames of waiting) frames.flush();
  }
}

/**
 * One socket's frames. Those that one turn of the event loop makes leave in one write. They go past `ws`, which writes its own frames at once and
 * whole, so that both can use the same stream; `flush` keeps their order where it matters.
 */
export class SocketFrames implements SocketSink {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #turn: Turn;
  readonly #maxUnsentBytes: number;
  readonly #listeners = new Set<() => void>();
  #pending: (string | Buffer)[] = [];
  #pendingBytes = 0;
  #wasBehind = false;

  /** Ready while fewer than `maxUnsentBytes` are unsent. */
  constructor(socket: WebSocket, stream: Duplex, turn: Turn, maxUnsentBytes: number) {
    this.#socket = socket;
    this.#stream = stream;
    this.#turn = turn;
    this.#maxUnsentBytes = maxUnsentBytes;
    stream.on('drain', () => this.#wake());
  }

  /** Bytes that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#pendingBytes + this.#stream.writableLength;
  }

  get isReady(): boolean {
    if (this.#pendingBytes + this.#stream.writableLength < this.#maxUnsentBytes) return true;
    this.#wasBehind = true;
    return false;
  }

  write(bytes: string | Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const pending = this.#pending;
    const last = pending.at(-1);
    if (last === undefined) this.#turn.add(this);
    if (typeof last === 'string' && typeof bytes === 'string') pending[pending.length - 1] = last + bytes;
    else pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Writes what there is. To be called before anything else is written to the socket that has to come after it. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const stream = this.#stream;
    if (pending.length > 1) stream.cork();
    for (const bytes of pending) {
      if (typeof bytes === 'string') stream.write(bytes, 'latin1');
      else stream.write(bytes);
    }
    if (pending.length > 1) stream.uncork();
    // What the system took at once makes no 'drain'.
    if (this.#wasBehind && !stream.writableNeedDrain) this.#wake();
  }

  #wake(): void {
    if (!this.#wasBehind || !this.isReady) return;
    this.#wasBehind = false;
    for (const listener of [...this.#listeners]) listener();
  }
}
