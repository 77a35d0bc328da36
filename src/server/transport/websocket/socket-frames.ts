import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { SocketSink } from './next-frames.js';

/** Sockets that have something to write when this turn of the event loop ends. */
export class FrameTurn {
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
 * One socket's frames. Those that one turn of the event loop makes leave in one write. They go past
 * `ws`, which writes its own frames at once and whole, so that both can use the same stream;
 * `flush` keeps their order where it matters.
 */
export class SocketFrames implements SocketSink {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #turn: FrameTurn;
  readonly #maxUnsentBytes: number;
  #listeners: Set<() => void> | null = null;
  /** Frames to write before `#last`. */
  #pieces: (string | Buffer)[] | null = null;
  #last = '';
  #pendingBytes = 0;
  /** Bytes that the stream held at the last check. It may hold less by now. */
  #heldBytes = 0;
  #wasBehind = false;
  #isListening = false;

  /** Ready while fewer than `maxUnsentBytes` are unsent. */
  constructor(socket: WebSocket, stream: Duplex, turn: FrameTurn, maxUnsentBytes: number) {
    this.#socket = socket;
    this.#stream = stream;
    this.#turn = turn;
    this.#maxUnsentBytes = maxUnsentBytes;
  }

  /** Bytes that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#pendingBytes + this.#stream.writableLength;
  }

  get isReady(): boolean {
    if (this.#pendingBytes + this.#heldBytes < this.#maxUnsentBytes) return true;
    this.#heldBytes = this.#stream.writableLength;
    if (this.#pendingBytes + this.#heldBytes < this.#maxUnsentBytes) return true;
    this.#wasBehind = true;
    if (!this.#isListening) {
      this.#isListening = true;
      this.#stream.on('drain', () => this.#wake());
    }
    return false;
  }

  write(bytes: string | Buffer): void {
    if (this.#pendingBytes === 0) this.#turn.add(this);
    this.#pendingBytes += bytes.length;
    if (typeof bytes === 'string') {
      this.#last += bytes;
      return;
    }
    this.#pieces ??= [];
    this.#pieces.push(this.#last, bytes);
    this.#last = '';
  }

  onReady(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }

  /**
   * Writes what there is. To be called before anything else is written to the socket that has to
   * come after it.
   */
  flush(): void {
    if (this.#pendingBytes === 0) return;
    const [pieces, last] = [this.#pieces, this.#last];
    this.#pendingBytes = 0;
    this.#last = '';
    this.#pieces = null;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const stream = this.#stream;
    if (pieces === null) stream.write(last, 'latin1');
    else {
      stream.cork();
      for (const bytes of [...pieces, last]) {
        if (typeof bytes === 'string') stream.write(bytes, 'latin1');
        else stream.write(bytes);
      }
      stream.uncork();
    }
    this.#heldBytes = stream.writableLength;
    // Bytes that the system took at once cause no 'drain'.
    if (this.#wasBehind && !stream.writableNeedDrain) this.#wake();
  }

  #wake(): void {
    if (!this.#wasBehind || !this.isReady) return;
    this.#wasBehind = false;
    for (const listener of [...(this.#listeners ?? [])]) listener();
  }
}
