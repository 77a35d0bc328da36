import type { ServerResponse } from 'node:http';
import type { Outgoing } from '../graphql/context.js';
import { maskError } from './mask.js';
import { type OperationEngine, type OperationParams, subscribeTo } from './operation.js';
import { renewing } from './renewing.js';
import type { Session } from './session.js';
import type { Reservation } from './sse-reservation.js';
import type { ReservedPlace, Streamed } from './sse-results.js';
import type { RequestOrigin } from './yoga.js';

/** One request's operation on its way to a reserved stream. */
export class ReservedOperation implements ReservedPlace {
  readonly #reservation: Reservation;
  /** Of the request. Its operation begins with its rights, and begins anew if those of the reservation are others: only the reservation's expiry is watched. */
  readonly #session: Session;
  readonly #rights: number;
  readonly #engine: OperationEngine;
  readonly #from: RequestOrigin;
  #id = '';
  /** `refused`: it has no place, but its errors go to the stream. */
  #state: 'none' | 'refused' | 'taken' | 'running' = 'none';

  constructor(reservation: Reservation, session: Session, engine: OperationEngine, from: RequestOrigin) {
    this.#from = from;
    this.#reservation = reservation;
    this.#session = session;
    this.#rights = reservation.session.rights;
    this.#engine = engine;
  }

  /** Where its results go while it runs: past Yoga, and within what may wait for the whole stream. */
  get outgoing(): Outgoing {
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
  run(streamed: Streamed, params: OperationParams | null, response: ServerResponse): void {
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

  #renewed(streamed: Streamed, params: OperationParams | null): Streamed {
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
