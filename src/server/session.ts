import { isDeepStrictEqual } from 'node:util';
import { RivuletError } from '../errors.js';
import { at } from './expiry.js';
import type { Identity } from './identity.js';

/**
 * Whose a long connection is. A newer token of the same user takes the place of the one before without a new connection; when the
 * last one expires, `onExpiry` is called once.
 */
export class Session {
  readonly #onExpiry: () => void;
  readonly #listeners = new Set<() => void>();
  #identity: Identity;
  #rights = 0;
  #callOff: () => void = () => {};

  constructor(identity: Identity, onExpiry: () => void) {
    this.#identity = identity;
    this.#onExpiry = onExpiry;
    this.#arm();
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Another number each time that the rights may have become others. */
  get rights(): number {
    return this.#rights;
  }

  /**
   * From now on this is who it is. Where the token says something that rights follow from, and says it otherwise than the one before,
   * whoever listens is told. Throws `TOKEN_INVALID` for a token of another user; the session stays as it was.
   */
  adopt(next: Identity): void {
    if (!this.isOf(next)) throw new RivuletError('TOKEN_INVALID', 'the new token is of another user');
    const before = this.#identity;
    this.#identity = next;
    this.#arm();
    if (isDeepStrictEqual(before.standing, next.standing)) return;
    this.#rights++;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Whether an identity is the same user's. */
  isOf({ subject, standing }: Identity): boolean {
    if (subject !== null || this.#identity.subject !== null) return subject === this.#identity.subject;
    // Nobody by token: cookies may still tell who it is.
    return isDeepStrictEqual(standing, this.#identity.standing);
  }

  /** Calls `listener` whenever the rights may be others. Returns the function that ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    this.#callOff();
    this.#listeners.clear();
  }

  #arm(): void {
    this.#callOff();
    const { expiresAtMs } = this.#identity;
    this.#callOff = expiresAtMs === null ? () => {} : at(expiresAtMs, this.#onExpiry);
  }
}
