import { NOBODY } from './fair-queue.js';

/** Counts the sessions of each owner, and limits them. */
export class OwnerShares {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  readonly mayTake = (owner: string): boolean =>
    owner === NOBODY || (this.#taken.get(owner) ?? 0) < this.#most;

  take(owner: string): void {
    if (owner !== NOBODY) this.#taken.set(owner, (this.#taken.get(owner) ?? 0) + 1);
  }

  giveBack(owner: string): void {
    const taken = this.#taken.get(owner);
    if (taken === undefined) return;
    if (taken > 1) this.#taken.set(owner, taken - 1);
    else this.#taken.delete(owner);
  }
}
