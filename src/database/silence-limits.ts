import { textKey } from '../sql/text-key.js';

/** Largest multiple of `baseMs` for which a statement is awaited. */
const MOST_TIMES = 32;
/** Statements that are remembered; the oldest goes. */
const MAX_REMEMBERED = 500;

/**
 * How long the server may be silent before a link is taken for dead, by statement. A statement that is slow by nature looks the same
 * as a dead link at first: each time it is given up on it is given twice the time, and what it then took is remembered. What is quick
 * (again) has the base.
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
