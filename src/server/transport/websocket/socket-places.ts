import type { ReleasePlace, ServerQuotas } from '../../quotas/quotas.js';

/** The places of a socket in the quotas. */
export class SocketPlaces {
  readonly #quotas: ServerQuotas;
  #from: ReleasePlace | null;
  #pending: ReleasePlace | null;
  #own: ReleasePlace | null = null;

  private constructor(quotas: ServerQuotas, from: ReleasePlace, pending: ReleasePlace) {
    this.#quotas = quotas;
    this.#from = from;
    this.#pending = pending;
  }

  /** `null` where there is no place for another socket. */
  static take(quotas: ServerQuotas, address: string | null): SocketPlaces | null {
    let from: ReleasePlace | null = null;
    try {
      from = quotas.connectionFrom(address);
      return new SocketPlaces(quotas, from, quotas.pending(address));
    } catch {
      from?.();
      return null;
    }
  }

  /** It is known whose it is. Throws `TOO_MANY_CONNECTIONS`. */
  signedIn(subject: string | null): void {
    this.#pending?.();
    this.#pending = null;
    this.#own = this.#quotas.connectionOf(subject);
  }

  release(): void {
    this.#from?.();
    this.#pending?.();
    this.#own?.();
    this.#from = this.#pending = this.#own = null;
  }
}
