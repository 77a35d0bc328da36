/**
 * Says that nobody waits for an answer any more. Lighter than an `AbortSignal`, since every request
 * has one.
 */
export class StatementCancellation {
  #isCancelled = false;
  /** Most requests wait for one statement: only further listeners need a set. */
  #listener: (() => void) | null = null;
  #further: Set<() => void> | null = null;

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Twice is fine. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    const [listener, further] = [this.#listener, this.#further];
    this.#listener = null;
    this.#further = null;
    listener?.();
    if (further) for (const each of further) each();
  }

  /** Calls `listener` once, when it is cancelled. Returns the function that forgets it. */
  onCancel(listener: () => void): () => void {
    if (this.#listener === null) this.#listener = listener;
    else {
      this.#further ??= new Set();
      this.#further.add(listener);
    }
    return () => {
      if (this.#listener === listener) this.#listener = null;
      else this.#further?.delete(listener);
    };
  }
}
