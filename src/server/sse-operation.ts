import type { ServerResponse } from 'node:http';
import type { Outgoing } from '../graphql/context.js';
import { type OperationEngine, type OperationParams, subscribeTo } from './operation.js';
import { renewing } from './renewing.js';
import type { Reservation } from './sse-reservation.js';
import type { ReservedPlace, Streamed } from './sse-results.js';

/** One request's operation on its way to a reserved stream. */
export class ReservedOperation implements ReservedPlace {
  readonly #reservation: Reservation;
  readonly #engine: OperationEngine;
  #id = '';
  #params: OperationParams | null = null;
  /** `refused`: it has no place, but its errors go to the stream. */
  #state: 'none' | 'refused' | 'taken' | 'running' = 'none';

  constructor(reservation: Reservation, engine: OperationEngine) {
    this.#reservation = reservation;
    this.#engine = engine;
  }

  /** Where its results go while it runs: past Yoga, and within what may wait for the whole stream. */
  get outgoing(): Outgoing {
    const { allowance } = this.#reservation;
    return { allowance, taker: this.#reservation.taker(() => this.#id) };
  }

  take(operationId: string, params: OperationParams): void {
    this.#id = operationId;
    this.#params = params;
    this.#state = 'refused';
    this.#reservation.take(operationId);
    this.#state = 'taken';
  }

  /** Sends the results to the stream, and answers the request with 202; a client that is gone by then never knew of the operation. */
  run(streamed: Streamed, response: ServerResponse): void {
    if (this.#state !== 'taken') this.#reservation.refuse(this.#id, streamed as object);
    else {
      this.#state = 'running';
      this.#reservation.run(this.#id, this.#renewed(streamed));
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

  #renewed(streamed: Streamed): Streamed {
    const { session } = this.#reservation;
    const params = this.#params;
    if (!(Symbol.asyncIterator in streamed) || params === null) return streamed;
    const again = () => {
      const identity = () => Promise.resolve(session.identity);
      const context = { identity, endAtExpiry: false, rightsChanged: true, outgoing: this.outgoing };
      return subscribeTo(this.#engine, context, params);
    };
    return renewing(streamed, session, again);
  }
}
