import { isDeepStrictEqual } from 'node:util';
import { RivuletError } from '../errors.js';
import { at } from './expiry.js';
import type { Identity } from './identity.js';

/** What a session belongs to. */
export interface SessionOwner {
  /** The rights may be others. Called before those who listen are. */
  rightsChanged?(): void;
  /** The last token has expired. Called once. */
  expired(): void;
}

/**
 * Whose a long connection is. A newer token of the same user takes the place of the one before without a new connection; its owner is
 * told when the last one expires.
 */
export class Session {
  readonly #owner: SessionOwner;
  #listeners: Set<() => void> | null = null;
  #identity: Identity;
  #rights = 0;
  #callOff: (() => void) | null = null;

  constructor(identity: Identity, owner: SessionOwner) {
    this.#identity = identity;
    this.#owner = owner;
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
    this.#owner.rightsChanged?.();
    for (const listener of [...(this.#listeners ?? [])]) listener();
  }

  /** Whether an identity is the same user's. */
  isOf({ subject, standing }: Identity): boolean {
    if (subject !== null || this.#identity.subject !== null) return subject === this.#identity.subject;
    // Nobody by token: cookies may still tell who it is.
    return isDeepStrictEqual(standing, this.#identity.standing);
  }

  /** Calls `listener` whenever the rights may be others. Returns the function that ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }

  end(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#listeners = null;
  }

  #arm(): void {
    this.#callOff?.();
    const { expiresAtMs } = this.#identity;
    this.#callOff = expiresAtMs === null ? null : at(expiresAtMs, () => this.#owner.expired());
  }
}
