/** Several entries under one value; most values have one, and need no set. */
class Several<T> extends Set<T> {}

/**
 * Entries by values that they stand under, each under as many as it likes. Putting and taking cost
 * the same however many there are.
 */
export class EntriesByValue<T extends object> {
  readonly #entries = new Map<string, T | Several<T>>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  put(value: string, entry: T): void {
    const there = this.#entries.get(value);
    if (there === undefined) this.#entries.set(value, entry);
    else if (there instanceof Several) there.add(entry);
    else if (there !== entry) this.#entries.set(value, new Several([there, entry]));
  }

  take(value: string, entry: T): void {
    const there = this.#entries.get(value);
    if (there instanceof Several) {
      there.delete(entry);
      if (there.size === 0) this.#entries.delete(value);
    } else if (there === entry) this.#entries.delete(value);
  }

  addThose(value: string, found: Set<T>): void {
    addEach(this.#entries.get(value), found);
  }

  addAll(found: Set<T>): void {
    for (const entries of this.#entries.values()) addEach(entries, found);
  }
}

function addEach<T extends object>(entries: T | Several<T> | undefined, found: Set<T>): void {
  if (entries === undefined) return;
  if (entries instanceof Several) for (const entry of entries) found.add(entry);
  else found.add(entries);
}
