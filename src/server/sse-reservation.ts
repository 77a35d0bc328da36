import { randomBytes } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { RivuletError } from '../errors.js';
import type { ResultTaker } from '../graphql/direct-results.js';
import { Allowance } from '../scope/allowance.js';
import { at } from './expiry.js';
import type { Identity } from './identity.js';
import type { Logger } from './logger.js';
import type { Release } from './quotas.js';
import { Session } from './session.js';
import { type EventSink, eventsOf, type Pumping, pump } from './sse-events.js';
import type { Streamed } from './sse-results.js';
import type { EventStream } from './sse-stream.js';

export interface ReservationOptions {
  readonly identity: Identity;
  /** A reservation that nobody reads is dropped after this time. */
  readonly openWithinMs: number;
  /** Operations open at a time. */
  readonly maxOperations: number;
  /** What may wait for the peer, over all its subscriptions. */
  readonly maxQueuedBytes: number;
  readonly logger: Logger;
  /** Gives the place of a reservation that nobody reads back. */
  readonly onOpen: Release;
  /** Called once, when it is over. */
  readonly onClose: () => void;
}

/**
 * An event stream that was reserved: first a token, then the stream of whoever presents the token, and all the operations that are sent
 * with it. Results wait for the stream. It is over when the stream is, when the user's token expires, or when nobody came for it.
 */
export class Reservation {
  readonly token = randomBytes(24).toString('base64url');
  readonly session: Session;
  readonly allowance: Allowance;
  readonly #options: ReservationOptions;
  readonly #operations = new Map<string, Pumping | null>();
  readonly #callOff: () => void;
  #stream: EventStream | null = null;
  #onStream: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#onStream = resolve;
  });
  readonly #sink: EventSink = {
    write: (events) => {
      if (this.#stream) return this.#stream.write(events);
      return this.#opened.then(() => this.#stream?.write(events));
    },
  };
  #isClosed = false;

  constructor(options: ReservationOptions) {
    this.#options = options;
    this.allowance = new Allowance(options.maxQueuedBytes);
    this.session = new Session(options.identity, { expired: () => this.close() });
    this.#callOff = at(Date.now() + options.openWithinMs, () => this.close());
  }

  /** Takes an operation's id. Throws `OPERATION_ID_TAKEN`, or `TOO_MANY_SUBSCRIPTIONS`. */
  take(operationId: string): void {
    if (this.#operations.has(operationId)) {
      throw new RivuletError('OPERATION_ID_TAKEN', 'another operation of this stream has this id');
    }
    const { maxOperations } = this.#options;
    if (this.#operations.size >= maxOperations) {
      const message = `an event stream has at most ${maxOperations} operations open`;
      throw new RivuletError('TOO_MANY_SUBSCRIPTIONS', message);
    }
    this.#operations.set(operationId, null);
  }

  /** Sends the results of an operation. Where it was completed meanwhile, they are let go. */
  run(operationId: string, streamed: Streamed): void {
    const pumping = pump(streamed, this.#sink, eventsOf(operationId), this.#options.logger);
    if (this.#isClosed || !this.#operations.has(operationId)) {
      pumping.stop();
      return;
    }
    this.#operations.set(operationId, pumping);
    void pumping.done.then(() => {
      if (this.#operations.get(operationId) === pumping) this.#operations.delete(operationId);
    });
  }

  /** Takes results of an operation past whoever pulls the others. `id` is asked for with each result. */
  taker(id: () => string): ResultTaker {
    const stream = () => this.#stream;
    return {
      get isReady() {
        return stream()?.isReady ?? false;
      },
      take: (result) => void stream()?.write(eventsOf(id()).next(result)),
      onReady: (listener) => {
        let stop = stream()?.onReady(listener);
        let isStopped = false;
        if (!stop) {
          void this.#opened.then(() => {
            if (isStopped) return;
            stop = stream()?.onReady(listener);
            listener();
          });
        }
        return () => {
          isStopped = true;
          stop?.();
        };
      },
    };
  }

  /** Sends errors to an operation that has no place. */
  refuse(operationId: string, result: ExecutionResult): void {
    pump(result, this.#sink, eventsOf(operationId), this.#options.logger);
  }

  /** Ends an operation; one that is not there is ended already. */
  complete(operationId: string): void {
    const pumping = this.#operations.get(operationId);
    this.#operations.delete(operationId);
    pumping?.stop();
  }

  /** Throws `STREAM_TAKEN`. */
  assertFree(): void {
    if (this.#stream === null && !this.#isClosed) return;
    throw new RivuletError('STREAM_TAKEN', 'the event stream of this token is open already');
  }

  open(stream: EventStream): void {
    this.#callOff();
    this.#options.onOpen();
    this.#stream = stream;
    if (this.#isClosed) stream.cut();
    this.#onStream();
  }

  /** Cuts the stream, and ends every operation without a `complete`: a client that was told so would not come back. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#callOff();
    this.#options.onOpen();
    this.session.end();
    for (const pumping of this.#operations.values()) pumping?.stop();
    this.#operations.clear();
    this.#stream?.cut();
    this.#onStream();
    this.#options.onClose();
  }
}
