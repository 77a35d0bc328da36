import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { ResultDelivery } from '../../../graphql/execute/context.js';
import type { UserSession } from '../../auth/session.js';
import type { OperationParams } from '../../documents/persisted-documents.js';
import { resultOnTheWire } from '../../engine/client-errors.js';
import type { OperationEngine } from '../http/prepare-operation.js';
import type { ReservedSlot, StreamableResult } from '../http/streamed-results.js';
import type { RequestOrigin } from '../http/yoga.js';
import type { RenewalSource } from '../subscription/renewed-subscription.js';
import { EventResults } from './event-results.js';
import type { ReservedStream } from './reserved-stream.js';
import { type EventSink, type EventWriter, eventsOf } from './sse-events.js';

/** One request's operation on its way to a reserved stream. */
export class ReservedOperation extends EventResults implements ReservedSlot {
  protected writer: EventWriter = eventsOf('');
  readonly #reservation: ReservedStream;
  /**
   * Session of the request. Its operation begins with its rights, and begins anew if those of the
   * reservation differ: only the reservation's expiry is watched.
   */
  readonly #requestSession: UserSession;
  /** Session of the reservation at the time of the request. */
  readonly #rights: number;
  readonly #engine: OperationEngine;
  readonly #from: RequestOrigin;
  #id = '';
  #params: OperationParams | null = null;
  /** `refused`: it has no place, but its errors go to the stream. */
  #place: 'none' | 'refused' | 'taken' | 'running' = 'none';

  constructor(
    reservation: ReservedStream,
    session: UserSession,
    engine: OperationEngine,
    from: RequestOrigin,
  ) {
    super();
    this.#from = from;
    this.#reservation = reservation;
    this.#requestSession = session;
    this.#rights = reservation.session.rights;
    this.#engine = engine;
  }

  get session(): UserSession {
    return this.#reservation.session;
  }

  /**
   * The way of its results while it runs: past Yoga, and within what may wait for the whole stream.
   */
  get outgoing(): ResultDelivery {
    return { allowance: this.#reservation.allowance, taker: this };
  }

  protected get sink(): EventSink {
    return this.#reservation;
  }

  protected get renewal(): RenewalSource {
    const { allowance } = this.#reservation;
    const { address = null } = this.#from;
    return { engine: this.#engine, params: this.#params!, address, allowance };
  }

  takeId(operationId: string): void {
    this.#id = operationId;
    this.writer = eventsOf(operationId);
    this.#place = 'refused';
    this.#reservation.take(operationId, this);
    this.#place = 'taken';
    this.cancellation.onCancel(() => this.#from.cancellation?.cancel());
  }

  /**
   * Sends the results to the stream, and answers the request with 202; a client that is gone by
   * then never knew of the operation.
   */
  run(streamed: StreamableResult, params: OperationParams | null, response: ServerResponse): void {
    if (this.#place === 'taken') {
      this.#place = 'running';
      this.#params = params;
      if (Symbol.asyncIterator in streamed) this.goOn(this.#rightsNow);
      else this.answer(streamed);
      const giveUp = (): void => {
        if (!response.writableFinished) this.end();
      };
      if (response.closed) giveUp();
      else response.once('close', giveUp);
    } else this.#refuse(streamed as ExecutionResult);
    response.writeHead(202, { 'content-length': 0 }).end();
  }

  /** To be called when the request was answered: gives back a place that was not used. */
  settle(): void {
    if (this.#place === 'taken') this.end();
  }

  protected onEnd(): void {
    this.#reservation.forget(this.#id, this);
  }

  /**
   * The rights of the reservation that it began with; those of no session, if the request had
   * others.
   */
  get #rightsNow(): number {
    const { session } = this;
    const isSame = session.end === null && session.hasRightsOf(this.#requestSession.identity);
    return isSame ? this.#rights : NO_RIGHTS;
  }

  #refuse(result: ExecutionResult): void {
    this.sink.write(this.writer.next(resultOnTheWire(result)) + this.writer.complete);
  }
}

const NO_RIGHTS = -1;
