import type { ResultDelivery } from '../../../graphql/execute/context.js';
import { SendBudget } from '../../../scope/delivery/send-budget.js';
import type { SessionOwner, UserSession } from '../../auth/session.js';
import type { OperationParams } from '../../documents/persisted-documents.js';
import type { RequestInfo } from '../../engine/config.js';
import type { OperationEngine } from '../http/prepare-operation.js';
import type { StreamableResult } from '../http/streamed-results.js';
import type { RenewalSource } from '../subscription/renewed-subscription.js';
import { EventResults } from './event-results.js';
import { type EventWriter, ownEvents } from './sse-events.js';
import type { EventStream } from './sse-stream.js';

export interface OwnStreamOptions {
  readonly engine: OperationEngine;
  readonly request: RequestInfo;
  /** As limits count it. */
  readonly address: string | null;
  /** The send budget of the peer. */
  readonly maxQueuedBytes: number;
}

/** Milliseconds that a peer has to read why its stream ends. */
const END_WITHIN_MS = 2_000;

/** One operation with an event stream of its own, which ends with it. */
export class OwnStreamOperation extends EventResults implements SessionOwner {
  protected readonly writer: EventWriter = ownEvents;
  readonly #options: OwnStreamOptions;
  readonly #allowance: SendBudget;
  #stream: EventStream | null = null;
  #subscriber: { readonly session: UserSession; readonly params: OperationParams } | null = null;

  constructor(options: OwnStreamOptions) {
    super();
    this.#options = options;
    this.#allowance = new SendBudget(options.maxQueuedBytes);
  }

  /** The way of its results, if it is a subscription: past Yoga. */
  get outgoing(): ResultDelivery {
    return { allowance: this.#allowance, taker: this };
  }

  get request(): RequestInfo {
    return this.#options.request;
  }

  get session(): UserSession {
    if (this.#subscriber === null) throw new Error('only a subscription has a session');
    return this.#subscriber.session;
  }

  protected get renewal(): RenewalSource {
    const { engine, address } = this.#options;
    const { params } = this.#subscriber!;
    return { engine, params, address, allowance: this.#allowance };
  }

  protected get sink(): EventStream {
    if (this.#stream === null) throw new Error('the stream of this operation is not open');
    return this.#stream;
  }

  /** Makes a subscription the owner of its session. Throws what ended the session meanwhile. */
  hold(session: UserSession, params: OperationParams): void {
    this.#subscriber = { session, params };
    session.hold(this);
  }

  /** Writes its results to a stream that is open from now on. */
  deliver(stream: EventStream, streamed: StreamableResult): void {
    this.#stream = stream;
    if (Symbol.asyncIterator in streamed) this.goOn(this.session.rights);
    else this.answer(streamed);
  }

  /** To be called when the request was handled: ends what has no stream. */
  settle(): void {
    if (this.#stream === null) this.end();
  }

  rightsChanged(): void {
    this.renew();
  }

  resumed(): void {
    this.resume();
  }

  /**
   * The session is over; the error is the last result. A peer that does not read is not waited for.
   */
  ended(error: unknown): void {
    this.sessionEnded(error);
    setTimeout(() => this.#stream?.cut(), END_WITHIN_MS).unref();
  }

  protected override complete(): void {
    super.complete();
    this.sink.end();
  }

  /** The stream is closed by its peer, or ends after the last result. */
  protected onEnd(): void {}
}
