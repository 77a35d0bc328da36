/** Says that nobody waits for an answer any more. Lighter than an `AbortSignal`, since every request has one. */
export class Cancellation {
  #isCancelled = false;
  #listeners: Set<() => void> | null = null;

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Twice is fine. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    const listeners = this.#listeners;
    this.#listeners = null;
    if (listeners) for (const listener of listeners) listener();
  }

  /** Calls `listener` once, when it is cancelled. Returns the function that forgets it. */
  onCancel(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }
}
