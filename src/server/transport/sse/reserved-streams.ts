import type { IncomingMessage } from 'node:http';
import { RivuletError } from '../../../../shared/errors.js';
import type { UserIdentity } from '../../auth/identity.js';
import type { UserSession } from '../../auth/session.js';
import type { RequestInfo, ServerLimits } from '../../engine/config.js';
import type { ReleasePlace, ServerQuotas } from '../../quotas/quotas.js';
import { STREAM_TOKEN_HEADER } from '../http/streamed-results.js';
import { ReservedStream } from './reserved-stream.js';

export interface ReservedStreamsOptions {
  readonly limits: ServerLimits;
  readonly quotas: ServerQuotas;
}

/** The event streams that are reserved or open on this server, by their tokens. */
export class ReservedStreams {
  readonly #options: ReservedStreamsOptions;
  readonly #byToken = new Map<string, ReservedStream>();

  constructor(options: ReservedStreamsOptions) {
    this.#options = options;
  }

  /**
   * Takes the session for as long as the reservation lasts. Throws `TOO_MANY_CONNECTIONS`, or what
   * ended the session.
   */
  reserve(session: UserSession, request: RequestInfo, address: string | null): ReservedStream {
    const { limits, quotas } = this.#options;
    session.assertOpen();
    const connected = quotas.connection({ subject: session.identity.subject, address });
    let pending: ReleasePlace;
    try {
      pending = quotas.pending(address);
    } catch (error) {
      connected();
      throw error;
    }
    const reservation: ReservedStream = new ReservedStream({
      session,
      request,
      openWithinMs: limits.reservationSeconds * 1_000,
      maxQueuedBytes: limits.maxQueuedBytes,
      maxOperations: limits.subscriptionsPerSocket,
      onOpen: pending,
      onEnd: () => this.#byToken.delete(reservation.token),
      onClose: connected,
    });
    this.#byToken.set(reservation.token, reservation);
    return reservation;
  }

  /**
   * The reservation of a token, for a request of the user who reserved it. A newer token of that
   * user extends it. Throws `STREAM_NOT_FOUND` for another user as for a token that is none, or
   * what ended the request's session.
   */
  find(token: string, of: UserSession): ReservedStream {
    of.assertOpen();
    const { identity } = of;
    const reservation = this.#byToken.get(token);
    if (!reservation?.session.isOf(identity)) {
      throw new RivuletError('STREAM_NOT_FOUND', 'there is no event stream with this token');
    }
    const { session } = reservation;
    if (endOf(identity) > endOf(session.identity)) session.adopt(identity);
    return reservation;
  }

  close(): void {
    for (const reservation of [...this.#byToken.values()]) reservation.close();
  }
}

function endOf({ expiresAtMs }: UserIdentity): number {
  return expiresAtMs ?? Number.POSITIVE_INFINITY;
}

/**
 * The token of a reserved stream that a request presents: in its header, or as `token` of its
 * address; `null` where it has none.
 */
export function streamTokenOf({ headers, url }: IncomingMessage): string | null {
  const header = headers[STREAM_TOKEN_HEADER];
  if (typeof header === 'string' && header !== '') return header;
  return url?.includes('?') ? parametersOf(url).get('token') : null;
}

export function parametersOf(url: string | undefined): URLSearchParams {
  const [, parameters = ''] = (url ?? '').split('?', 2);
  return new URLSearchParams(parameters);
}
