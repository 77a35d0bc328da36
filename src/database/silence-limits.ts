import { textKey } from '../sql/text-key.js';

/** Largest multiple of `baseMs` for which a statement is awaited. */
const MOST_TIMES = 32;
/** Statements that are remembered; the oldest goes. */
const MAX_REMEMBERED = 500;

/**
 * Time for which the server may be silent before a connection is taken for dead, by statement. A
 * statement that is slow by nature looks like a dead connection at first. Each time it is given up
 * it gets twice the time, and the duration of its next run is remembered. Quick statements have the
 * base time.
 */
export class SilenceLimits {
  readonly #baseMs: number;
  readonly #known = new Map<string, number>();

  constructor(baseMs: number) {
    this.#baseMs = baseMs;
  }

  for(text: string): number {
    if (this.#known.size === 0) return this.#baseMs;
    return this.#known.get(textKey(text)) ?? this.#baseMs;
  }

  answered(text: string, tookMs: number): void {
    if (2 * tookMs > this.#baseMs) this.#remember(text, 2 * tookMs);
    else if (this.#known.size > 0) this.#known.delete(textKey(text));
  }

  gaveUp(text: string): void {
    this.#remember(text, 2 * this.for(text));
  }

  #remember(text: string, ms: number): void {
    const key = textKey(text);
    this.#known.delete(key);
    this.#known.set(key, Math.min(ms, this.#baseMs * MOST_TIMES));
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }
}
