import type { ServerResponse } from 'node:http';
import type { ResultDelivery } from '../../../graphql/execute/context.js';
import { renewing } from '../../auth/renewed-results.js';
import type { UserSession } from '../../auth/session.js';
import type { OperationParams } from '../../documents/persisted-documents.js';
import { maskError } from '../../engine/client-errors.js';
import { type OperationEngine, subscribeTo } from '../http/prepare-operation.js';
import type { ReservedSlot, StreamableResult } from '../http/streamed-results.js';
import type { RequestOrigin } from '../http/yoga.js';
import type { ReservedStream } from './reserved-stream.js';

/** One request's operation on its way to a reserved stream. */
export class ReservedOperation implements ReservedSlot {
  readonly #reservation: ReservedStream;
  /** Of the request. Its operation begins with its rights, and begins anew if those of the reservation are others: only the reservation's expiry is watched. */
  readonly #session: UserSession;
  readonly #rights: number;
  readonly #engine: OperationEngine;
  readonly #from: RequestOrigin;
  #id = '';
  /** `refused`: it has no place, but its errors go to the stream. */
  #state: 'none' | 'refused' | 'taken' | 'running' = 'none';

  constructor(
    reservation: ReservedStream,
    session: UserSession,
    engine: OperationEngine,
    from: RequestOrigin,
  ) {
    this.#from = from;
    this.#reservation = reservation;
    this.#session = session;
    this.#rights = reservation.session.rights;
    this.#engine = engine;
  }

  /** Where its results go while it runs: past Yoga, and within what may wait for the whole stream. */
  get outgoing(): ResultDelivery {
    const { allowance } = this.#reservation;
    return { allowance, taker: this.#reservation.taker(() => this.#id) };
  }

  take(operationId: string): void {
    this.#id = operationId;
    this.#state = 'refused';
    this.#reservation.take(operationId, () => this.#from.cancellation?.cancel());
    this.#state = 'taken';
  }

  /** Sends the results to the stream, and answers the request with 202; a client that is gone by then never knew of the operation. */
  run(streamed: StreamableResult, params: OperationParams | null, response: ServerResponse): void {
    if (this.#state !== 'taken') this.#reservation.refuse(this.#id, streamed as object);
    else {
      this.#state = 'running';
      this.#reservation.run(this.#id, this.#renewed(streamed, params));
      const giveUp = (): void => {
        if (!response.writableFinished) this.#reservation.complete(this.#id);
      };
      if (response.closed) giveUp();
      else response.once('close', giveUp);
    }
    response.writeHead(202, { 'content-length': 0 }).end();
  }

  /** Called when the request was answered: gives back a place that was not used. */
  settle(): void {
    if (this.#state === 'taken') this.#reservation.complete(this.#id);
  }

  #renewed(streamed: StreamableResult, params: OperationParams | null): StreamableResult {
    const { session } = this.#reservation;
    if (!(Symbol.asyncIterator in streamed) || params === null) return streamed;
    const again = () => {
      const context = {
        session: () => Promise.resolve(session),
        rightsChanged: true,
        address: this.#from.address,
        outgoing: this.outgoing,
      };
      return subscribeTo(this.#engine, context, params);
    };
    const isSame = this.#session.end === null && session.hasRightsOf(this.#session.identity);
    const rights = isSame ? this.#rights : NONE;
    return renewing(streamed, {
      session,
      rights,
      again,
      mask: (error) => maskError(error, this.#engine.logger),
    });
  }
}

/** The rights of no session. */
const NONE = -1;
