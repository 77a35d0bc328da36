/**
 * Keeps live queries from showing news while a write of this client is known to the cache and not
 * yet to them: they would take it back until its echo comes.
 */
export class OwnWrites {
  readonly #writes = new Map<string, OwnWrite>();
  readonly #released: () => void;
  readonly #echoMs: number;

  constructor(echoMs: number, released: () => void) {
    this.#echoMs = echoMs;
    this.#released = released;
  }

  get isHolding(): boolean {
    for (const { isShown } of this.#writes.values()) if (isShown) return true;
    return false;
  }

  /** A mutation is sent. `isShown`: the cache shows already what is expected of it. */
  begin(id: string, isShown: boolean): void {
    // An answer may never come.
    const timer = setTimeout(() => this.#end(id), MOST_MS);
    this.#writes.set(id, { isShown, isAnswered: false, hasEcho: false, timer });
  }

  /** A stream brought it before it was answered. */
  hasEcho(id: string): boolean {
    return this.#writes.get(id)?.hasEcho ?? false;
  }

  /** Its answer is in the cache. */
  answered(id: string): void {
    const write = this.#writes.get(id);
    if (!write) return;
    write.isShown = true;
    write.isAnswered = true;
    clearTimeout(write.timer);
    // A write that no live query shows has no echo.
    write.timer = setTimeout(() => this.#end(id), this.#echoMs);
    if (write.hasEcho) this.#end(id);
  }

  /** A stream brought what it did. */
  echoed(id: string): void {
    const write = this.#writes.get(id);
    if (!write) return;
    if (write.isAnswered) this.#end(id);
    else write.hasEcho = true;
  }

  stop(): void {
    for (const { timer } of this.#writes.values()) clearTimeout(timer);
    this.#writes.clear();
  }

  #end(id: string): void {
    clearTimeout(this.#writes.get(id)?.timer);
    if (this.#writes.delete(id) && !this.isHolding) this.#released();
  }
}

const MOST_MS = 5_000;

interface OwnWrite {
  isShown: boolean;
  isAnswered: boolean;
  hasEcho: boolean;
  timer: ReturnType<typeof setTimeout>;
}
