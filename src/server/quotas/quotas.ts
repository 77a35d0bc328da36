import { RateLimiterMemory } from 'rate-limiter-flexible';
import { RivuletError } from '../../../shared/errors.js';
import type { ServerLimits } from '../engine/config.js';

/** Gives a place back; twice is fine. */
export type ReleasePlace = () => void;

/**
 * The owner of a request: the user of its token, and its address; `null` if that is not limited.
 */
export interface QuotaCaller {
  readonly subject: string | null;
  readonly address: string | null;
}

/**
 * Shares of this server for one user, one address and all anonymous clients together. It counts on
 * this node alone, in memory that grows with the users and addresses of the last minute.
 */
export class ServerQuotas {
  readonly #limits: ServerLimits;
  readonly #places = new Map<string, QuotaPlace>();
  readonly #byUser: RateLimiterMemory;
  readonly #byAddress: RateLimiterMemory;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
    this.#byUser = new RateLimiterMemory({ points: limits.operationsPerMinutePerUser, duration: 60 });
    this.#byAddress = new RateLimiterMemory({ points: limits.operationsPerMinutePerAddress, duration: 60 });
  }

  /**
   * A connection that has not said whose it is, or has no one who reads it. Throws
   * `TOO_MANY_CONNECTIONS`.
   */
  pending(address: string | null): ReleasePlace {
    const { pendingConnections, pendingConnectionsPerAddress } = this.#limits;
    const all = this.#take('pending', pendingConnections);
    if (all === null) throw tooManyConnections('too many connections of this server await their beginning');
    const own = address === null ? NO_PLACE : this.#take(`pending ${address}`, pendingConnectionsPerAddress);
    if (own !== null) return both(all, own);
    all();
    throw tooManyConnections('too many connections of this address await their beginning');
  }

  /** A socket or an event stream. Throws `TOO_MANY_CONNECTIONS`. */
  connectionFrom(address: string | null): ReleasePlace {
    if (address === null) return NO_PLACE;
    const { connectionsPerAddress } = this.#limits;
    const place = this.#take(`connections from ${address}`, connectionsPerAddress);
    if (place !== null) return place;
    throw tooManyConnections(`an address has at most ${connectionsPerAddress} connections`);
  }

  /** A socket or an event stream. Throws `TOO_MANY_CONNECTIONS`. */
  connectionOf(subject: string | null): ReleasePlace {
    if (subject === null) return NO_PLACE;
    const { connectionsPerUser } = this.#limits;
    const place = this.#take(`connections of ${subject}`, connectionsPerUser);
    if (place !== null) return place;
    throw tooManyConnections(`a user has at most ${connectionsPerUser} connections`);
  }

  /** One of both. Throws `TOO_MANY_CONNECTIONS`. */
  connection({ subject, address }: QuotaCaller): ReleasePlace {
    const from = this.connectionFrom(address);
    try {
      return both(from, this.connectionOf(subject));
    } catch (error) {
      from();
      throw error;
    }
  }

  /** Throws `TOO_MANY_SUBSCRIPTIONS`. */
  subscriptionOf(subject: string | null): ReleasePlace {
    if (subject === null) return NO_PLACE;
    const { subscriptionsPerUser } = this.#limits;
    const place = this.#take(`subscriptions of ${subject}`, subscriptionsPerUser);
    if (place !== null) return place;
    const message = `a user has at most ${subscriptionsPerUser} subscriptions`;
    throw new RivuletError('TOO_MANY_SUBSCRIPTIONS', message, { maximum: subscriptionsPerUser });
  }

  /** Counts an operation that came from an address. Rejects with `TOO_MANY_REQUESTS`. */
  async operationFrom(address: string | null): Promise<void> {
    if (address !== null) await spend(this.#byAddress, address);
  }

  /** Counts an operation of a user. Rejects with `TOO_MANY_REQUESTS`. */
  async operationOf(subject: string | null): Promise<void> {
    if (subject !== null) await spend(this.#byUser, subject);
  }

  #take(name: string, most: number): ReleasePlace | null {
    const places = this.#places;
    let place = places.get(name);
    if ((place?.taken ?? 0) >= most) return null;
    if (place === undefined) {
      place = { name, taken: 0 };
      places.set(name, place);
    }
    place.taken++;
    let own: QuotaPlace | null = place;
    return () => {
      if (own === null) return;
      own.taken--;
      if (own.taken === 0) places.delete(own.name);
      own = null;
    };
  }
}

/** As many as share a name. */
interface QuotaPlace {
  readonly name: string;
  taken: number;
}

const NO_PLACE: ReleasePlace = () => {};

function both(one: ReleasePlace, other: ReleasePlace): ReleasePlace {
  if (one === NO_PLACE) return other;
  if (other === NO_PLACE) return one;
  return () => {
    one();
    other();
  };
}

async function spend(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refused) {
    const { msBeforeNext } = refused as { readonly msBeforeNext?: number };
    if (msBeforeNext === undefined) throw refused;
    const retryAfterSeconds = Math.max(1, Math.ceil(msBeforeNext / 1_000));
    const message = `more than ${limiter.points} operations in a minute`;
    throw new RivuletError('TOO_MANY_REQUESTS', message, { retryAfterSeconds });
  }
}

function tooManyConnections(message: string): RivuletError {
  return new RivuletError('TOO_MANY_CONNECTIONS', message);
}
