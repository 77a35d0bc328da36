import { randomBytes } from 'node:crypto';
import { RivuletError } from '../../../../shared/errors.js';
import { SendBudget } from '../../../scope/delivery/send-budget.js';
import { callAt } from '../../auth/expiry-timer.js';
import type { SessionOwner, UserSession } from '../../auth/session.js';
import type { RequestInfo } from '../../engine/config.js';
import type { ReleasePlace } from '../../quotas/quotas.js';
import type { RenewedSubscription } from '../subscription/renewed-subscription.js';
import type { EventSink } from './sse-events.js';
import type { EventStream } from './sse-stream.js';

export interface ReservedStreamOptions {
  readonly session: UserSession;
  /** The one that reserved it. */
  readonly request: RequestInfo;
  /** A reservation without a reader is dropped after this time. */
  readonly openWithinMs: number;
  /** Operations open at a time. */
  readonly maxOperations: number;
  /** The send budget that all subscriptions of the peer share. */
  readonly maxQueuedBytes: number;
  /** Releases the place of a reservation without a reader. */
  readonly onOpen: ReleasePlace;
  /** Called once, when no operation can be sent to it any more. */
  readonly onEnd: () => void;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

/** Ends after which a client comes back by itself. */
const EXPIRED: ReadonlySet<string> = new Set(['TOKEN_EXPIRED', 'SESSION_EXPIRED']);

/** Time that a peer has to read the reason for the end of its stream. */
const END_WITHIN_MS = 2_000;

/**
 * An event stream that was reserved: first a token, then the stream of whoever presents the token,
 * and all the operations that are sent with it. Results wait for the stream. It is over when the
 * stream is, when the user's session is, or when nobody came for it.
 */
export class ReservedStream implements SessionOwner, EventSink {
  readonly token = randomBytes(24).toString('base64url');
  readonly session: UserSession;
  readonly allowance: SendBudget;
  readonly #options: ReservedStreamOptions;
  readonly #operations = new Map<string, RenewedSubscription>();
  readonly #listeners = new Set<() => void>();
  readonly #callOff: () => void;
  #stream: EventStream | null = null;
  /** Events from before the stream was opened. */
  #waiting: string[] = [];
  #isClosed = false;

  constructor(options: ReservedStreamOptions) {
    this.#options = options;
    this.allowance = new SendBudget(options.maxQueuedBytes);
    this.session = options.session;
    this.session.hold(this);
    this.#callOff = callAt(Date.now() + options.openWithinMs, () => this.close());
  }

  get request(): RequestInfo {
    return this.#options.request;
  }

  rightsChanged(): void {
    for (const operation of this.#operations.values()) operation.renew();
  }

  resumed(): void {
    for (const operation of [...this.#operations.values()]) operation.resume();
  }

  /**
   * When a token or session expired the stream is cut, so that the client comes back with another
   * one. Otherwise each operation says why it ends, and then the stream does.
   */
  ended(error: unknown): void {
    this.#options.onEnd();
    if (error instanceof RivuletError && EXPIRED.has(error.code)) {
      this.close();
      return;
    }
    for (const operation of [...this.#operations.values()]) operation.sessionEnded(error);
    if (this.#stream === null) this.close();
    else {
      this.#stream.end();
      // A peer that does not read is not waited for.
      setTimeout(() => this.close(), END_WITHIN_MS).unref();
    }
  }

  /** Gives an operation its id. Throws `OPERATION_ID_TAKEN`, or `TOO_MANY_SUBSCRIPTIONS`. */
  take(operationId: string, operation: RenewedSubscription): void {
    if (this.#operations.has(operationId)) {
      throw new RivuletError('OPERATION_ID_TAKEN', 'another operation of this stream has this id');
    }
    const { maxOperations } = this.#options;
    if (this.#operations.size >= maxOperations) {
      const message = `an event stream has at most ${maxOperations} operations open`;
      throw new RivuletError('TOO_MANY_SUBSCRIPTIONS', message);
    }
    this.#operations.set(operationId, operation);
  }

  /** Frees the id of an operation that has ended. */
  forget(operationId: string, operation: RenewedSubscription): void {
    if (this.#operations.get(operationId) === operation) this.#operations.delete(operationId);
  }

  /** Ends an operation; one that is not there is ended already. */
  complete(operationId: string): void {
    this.#operations.get(operationId)?.end();
  }

  get isReady(): boolean {
    return this.#stream?.isReady ?? false;
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Until the stream is open, events wait for it. */
  write(events: string): void {
    if (this.#stream === null) this.#waiting.push(events);
    else this.#stream.write(events);
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
    stream.onReady(() => this.#wake());
    for (const events of this.#waiting.splice(0)) stream.write(events);
    this.#wake();
  }

  /**
   * Cuts the stream, and ends every operation without a `complete`: a client that receives it would
   * not come back.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#callOff();
    this.#options.onOpen();
    this.session.leave();
    for (const operation of [...this.#operations.values()]) operation.end();
    this.#waiting = [];
    this.#stream?.cut();
    this.#options.onEnd();
    this.#options.onClose();
  }

  #wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
