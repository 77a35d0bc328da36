import type { IncomingMessage } from 'node:http';
import { RivuletError } from '../errors.js';
import type { Limits } from './config.js';
import type { Identity } from './identity.js';
import type { Logger } from './logger.js';
import type { Quotas, Release } from './quotas.js';
import { Reservation } from './sse-reservation.js';
import { STREAM_TOKEN_HEADER } from './sse-results.js';

export interface ReservationsOptions {
  readonly limits: Limits;
  readonly quotas: Quotas;
  readonly logger: Logger;
}

/** The event streams that are reserved or open on this server, by their tokens. */
export class Reservations {
  readonly #options: ReservationsOptions;
  readonly #byToken = new Map<string, Reservation>();

  constructor(options: ReservationsOptions) {
    this.#options = options;
  }

  /** Throws `TOO_MANY_CONNECTIONS`. */
  reserve(identity: Identity, address: string | null): Reservation {
    const { limits, quotas, logger } = this.#options;
    const connected = quotas.connection({ subject: identity.subject, address });
    let pending: Release;
    try {
      pending = quotas.pending(address);
    } catch (error) {
      connected();
      throw error;
    }
    const reservation = new Reservation({
      identity,
      openWithinMs: limits.reservationSeconds * 1_000,
      maxQueuedBytes: limits.maxQueuedBytes,
      maxOperations: limits.subscriptionsPerSocket,
      logger,
      onOpen: pending,
      onClose: () => {
        connected();
        this.#byToken.delete(reservation.token);
      },
    });
    this.#byToken.set(reservation.token, reservation);
    return reservation;
  }

  /**
   * The reservation of a token, for the user who reserved it. A newer token of that user extends it. Throws `STREAM_NOT_FOUND` for another
   * user as for a token that is none.
   */
  find(token: string, identity: Identity): Reservation {
    const reservation = this.#byToken.get(token);
    if (!reservation?.session.isOf(identity)) {
      throw new RivuletError('STREAM_NOT_FOUND', 'there is no event stream with this token');
    }
    const { session } = reservation;
    if ((identity.expiresAtMs ?? 0) > (session.identity.expiresAtMs ?? 0)) session.adopt(identity);
    return reservation;
  }

  close(): void {
    for (const reservation of [...this.#byToken.values()]) reservation.close();
  }
}

/** The token of a reserved stream that a request presents: in its header, or as `token` of its address; `null` where it has none. */
export function streamTokenOf({ headers, url }: IncomingMessage): string | null {
  const header = headers[STREAM_TOKEN_HEADER];
  if (typeof header === 'string' && header !== '') return header;
  return url?.includes('?') ? parametersOf(url).get('token') : null;
}

export function parametersOf(url: string | undefined): URLSearchParams {
  const [, parameters = ''] = (url ?? '').split('?', 2);
  return new URLSearchParams(parameters);
}
