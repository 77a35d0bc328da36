/** Called for keys that a scope gains and loses. */
export interface KeysListener {
  held(key: string): void;
  released(key: string): void;
}

/** The keys of the rows that are in a scope. */
export class MemberKeys implements Iterable<string> {
  /** At most one, whose own knowledge of the keys is kept with it. */
  listener: KeysListener | null = null;
  readonly #keys = new Set<string>();

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    this.listener?.held(key);
  }

  /** Returns true if the key was there. */
  delete(key: string): boolean {
    if (!this.#keys.delete(key)) return false;
    this.listener?.released(key);
    return true;
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#keys.values();
  }
}
