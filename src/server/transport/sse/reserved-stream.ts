import { randomBytes } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { RivuletError } from '../../../../shared/errors.js';
import type { ResultSink } from '../../../graphql/execute/direct-results.js';
import { SendBudget } from '../../../scope/delivery/send-budget.js';
import { callAt } from '../../auth/expiry-timer.js';
import type { SessionOwner, UserSession } from '../../auth/session.js';
import type { RequestInfo } from '../../engine/config.js';
import type { ServerLogger } from '../../engine/logger.js';
import type { ReleasePlace } from '../../quotas/quotas.js';
import type { StreamableResult } from '../http/streamed-results.js';
import { type EventPump, type EventSink, eventsOf, pump } from './sse-events.js';
import type { EventStream } from './sse-stream.js';

export interface ReservedStreamOptions {
  readonly session: UserSession;
  /** The one that reserved it. */
  readonly request: RequestInfo;
  /** A reservation that nobody reads is dropped after this time. */
  readonly openWithinMs: number;
  /** Operations open at a time. */
  readonly maxOperations: number;
  /** What may wait for the peer, over all its subscriptions. */
  readonly maxQueuedBytes: number;
  readonly logger: ServerLogger;
  /** Gives the place of a reservation that nobody reads back. */
  readonly onOpen: ReleasePlace;
  /** Called once, when no operation can be sent to it any more. */
  readonly onEnd: () => void;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

/** Ends after which a client comes back by itself. */
const EXPIRED: ReadonlySet<string> = new Set(['TOKEN_EXPIRED', 'SESSION_EXPIRED']);

/** How long a peer has to read why its stream ends. */
const END_WITHIN_MS = 2_000;

/**
 * An event stream that was reserved: first a token, then the stream of whoever presents the token, and all the operations that are sent
 * with it. Results wait for the stream. It is over when the stream is, when the user's session is, or when nobody came for it.
 */
export class ReservedStream implements SessionOwner {
  readonly token = randomBytes(24).toString('base64url');
  readonly session: UserSession;
  readonly allowance: SendBudget;
  readonly #options: ReservedStreamOptions;
  readonly #operations = new Map<string, EventPump>();
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
  readonly #onResumed = new Set<() => void>();
  /** Results that wait for the session to be resumed. */
  #held: (() => void)[] = [];
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
    this.#held = [];
  }

  resumed(): void {
    const held = this.#held;
    this.#held = [];
    for (const write of held) write();
    for (const listener of [...this.#onResumed]) listener();
  }

  /**
   * When a token or session expired the stream is cut, so that the client comes back with another one. Otherwise each operation says why it
   * ends, and then the stream does.
   */
  ended(error: unknown): void {
    this.#options.onEnd();
    if (error instanceof RivuletError && EXPIRED.has(error.code)) {
      this.close();
      return;
    }
    const pumpings = [...this.#operations.values()];
    // Operations end by themselves when they find their session closed. A peer that does not read is not waited for.
    const giveUp = setTimeout(() => this.close(), END_WITHIN_MS);
    giveUp.unref();
    void Promise.all(pumpings.map(({ done }) => done)).then(() => {
      clearTimeout(giveUp);
      this.#stream?.end();
      if (this.#stream === null) this.close();
    });
  }

  /** Takes an operation's id; `cancel` ends one that does not run yet. Throws `OPERATION_ID_TAKEN`, or `TOO_MANY_SUBSCRIPTIONS`. */
  take(operationId: string, cancel: () => void = () => {}): void {
    if (this.#operations.has(operationId)) {
      throw new RivuletError('OPERATION_ID_TAKEN', 'another operation of this stream has this id');
    }
    const { maxOperations } = this.#options;
    if (this.#operations.size >= maxOperations) {
      const message = `an event stream has at most ${maxOperations} operations open`;
      throw new RivuletError('TOO_MANY_SUBSCRIPTIONS', message);
    }
    this.#operations.set(operationId, { stop: cancel, done: Promise.resolve() });
  }

  /** Sends the results of an operation. Where it was completed meanwhile, they are let go. */
  run(operationId: string, streamed: StreamableResult): void {
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
  taker(id: () => string): ResultSink {
    const { session } = this;
    const stream = () => this.#stream;
    return {
      get isReady() {
        return !session.isSuspended && (stream()?.isReady ?? false);
      },
      take: (result) => {
        const write = () => void stream()?.write(eventsOf(id()).next(result));
        // An execution may have been under way when the session was suspended.
        if (session.isSuspended) this.#held.push(write);
        else write();
      },
      onReady: (listener) => {
        let stop = stream()?.onReady(listener);
        let isStopped = false;
        this.#onResumed.add(listener);
        if (!stop) {
          void this.#opened.then(() => {
            if (isStopped) return;
            stop = stream()?.onReady(listener);
            listener();
          });
        }
        return () => {
          isStopped = true;
          this.#onResumed.delete(listener);
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
    const operation = this.#operations.get(operationId);
    this.#operations.delete(operationId);
    operation?.stop();
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
    this.session.leave();
    for (const operation of this.#operations.values()) operation.stop();
    this.#operations.clear();
    this.#stream?.cut();
    this.#onStream();
    this.#options.onEnd();
    this.#options.onClose();
  }
}
