import type { Gate } from '../harness/scenario.js';
import { MARK } from './socket.js';

/** Who must receive a change: every socket, or the one named. */
type Recipients = 'all' | number;

/** Counts what each socket receives of the changes of one run, and says when a change has reached everybody. */
export class Tally {
  readonly #sockets: number;
  #first = 0;
  #count = 0;
  /** Per socket and change: how often it came. */
  #seen = new Uint8Array(0);
  #recipients: Recipients[] = [];
  #remaining: number[] = [];
  #waiting = new Map<number, () => void>();
  #double = 0;
  #forbidden = 0;
  #rows = 0;
  #lastRowAt = 0;
  #deliveries = 0;
  /** The first so many sockets, of whom nothing is expected. */
  #stalled = 0;
  onDelivery: (change: number) => void = () => {};

  constructor(sockets: number) {
    this.#sockets = sockets;
  }

  get deliveries(): number {
    return this.#deliveries;
  }

  /** Marks seen, where a message carries many rows (`countRows`). */
  get rows(): number {
    return this.#rows;
  }

  /** When the last of them came, in milliseconds since 1970. */
  get lastRowAt(): number {
    return this.#lastRowAt;
  }

  /** A new run; what comes late of the one before counts as forbidden. */
  begin(first: number, recipients: readonly Recipients[]): void {
    this.#first = first;
    this.#count = recipients.length;
    this.#recipients = [...recipients];
    this.#remaining = recipients.map((whom) => (whom === 'all' ? this.#sockets - this.#stalled : 1));
    this.#seen = new Uint8Array(this.#sockets * this.#count);
    this.#double = 0;
    this.#forbidden = 0;
    this.#deliveries = 0;
  }

  /** From the next run on. */
  stall(sockets: number): void {
    this.#stalled = sockets;
  }

  receive(socket: number, received: Buffer, from: number): void {
    if (socket < this.#stalled) return;
    const at = received.indexOf(MARK, from) + 1;
    let change = 0;
    for (let digit = at; digit < at + 8; digit++) change = change * 10 + received[digit]! - 48;
    const index = change - this.#first;
    if (index < 0 || index >= this.#count) {
      this.#forbidden += 1;
      return;
    }
    const whom = this.#recipients[index]!;
    if (whom !== 'all' && whom !== socket) {
      this.#forbidden += 1;
      return;
    }
    const place = socket * this.#count + index;
    if (this.#seen[place]! > 0) {
      this.#double += 1;
      return;
    }
    this.#seen[place] = 1;
    this.#deliveries += 1;
    this.onDelivery(change);
    const remaining = --this.#remaining[index]!;
    if (remaining > 0) return;
    this.#waiting.get(change)?.();
    this.#waiting.delete(change);
  }

  countRows(received: Buffer, from: number, to: number): void {
    let marks = 0;
    for (let at = received.indexOf(MARK, from); at !== -1 && at < to; at = received.indexOf(MARK, at + 1))
      marks++;
    this.#rows += marks / 2;
    this.#lastRowAt = performance.timeOrigin + performance.now();
  }

  /** Resolves when the change has reached everybody; false after `timeoutMs`. */
  reached(change: number, timeoutMs: number): Promise<boolean> {
    if (this.#remaining[change - this.#first] === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => resolve(false), timeoutMs);
      this.#waiting.set(change, () => {
        clearTimeout(giveUp);
        resolve(true);
      });
    });
  }

  gate(): Gate {
    const lost = this.#remaining.reduce((sum, remaining) => sum + remaining, 0);
    return { lost, double: this.#double, forbidden: this.#forbidden };
  }
}

/** The text by which a change is known in what is delivered. */
export function markOf(change: number): string {
  return `~${String(change).padStart(8, '0')}~`;
}
