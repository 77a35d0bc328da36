import type { HeldRows } from './held-rows.js';

/** One change stream, as far as it has to keep step with others. */
export interface BarrierStream {
  /** It runs, and brings every transaction that concerns it. */
  readonly isFollowing: boolean;
  readonly held: HeldRows;
}

export interface BarrierTimes {
  readonly gatherMs: number;
  readonly togetherMs: number;
  readonly catchUpMs: number;
}

/** A transaction that some stream brought. */
interface BarrierTransaction {
  readonly xid: string;
  readonly at: number;
  readonly touched: Set<string>;
  readonly brought: Set<BarrierStream>;
  /**
   * Streams that hold what it touched and had not brought it when it was applied, and until when
   * they may.
   */
  readonly awaited: Map<BarrierStream, number>;
  isOpen: boolean;
}

interface WaitingMessage {
  readonly xid: string;
  readonly apply: () => void;
}

/**
 * Applies what one transaction did to several live queries in one go.
 *
 * A message waits for those that other streams bring of the same transaction: for `gatherMs`, or
 * longer where such messages came further apart lately, or as long as a stream that holds a row
 * that was changed has not brought it, but no longer than `togetherMs`. A stream that is alone
 * waits for nobody. Each stream's messages are applied in their order; what waits behind a
 * transaction that is not whole waits with it.
 *
 * A stream that comes even later is behind: what it shows would take back what others show. That
 * ends when it brings the transaction, or a later one, or after `catchUpMs`.
 */
export class TransactionBarrier {
  readonly #times: BarrierTimes;
  readonly #changed: () => void;
  readonly #followers = new Set<BarrierStream>();
  readonly #waiting = new Map<BarrierStream, WaitingMessage[]>();
  readonly #groups = new Map<string, BarrierTransaction>();
  /** The latest transactions of each stream, in its order. */
  readonly #brought = new Map<BarrierStream, string[]>();
  /** Recent time between messages of one transaction, in milliseconds. */
  #spreadMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isApplying = false;

  /** `changed`: something was applied, or somebody may not be behind any more. */
  constructor(times: BarrierTimes, changed: () => void) {
    this.#times = times;
    this.#changed = changed;
  }

  follow(follower: BarrierStream): void {
    this.#followers.add(follower);
  }

  /**
   * A stream is about to begin anew, from an answer that was asked for at `askedAt`. `before`: what
   * it held until now.
   */
  answered(follower: BarrierStream, askedAt: number, before: HeldRows): void {
    this.hurry(follower);
    this.#brought.delete(follower);
    for (const group of this.#groups.values()) {
      // The response contains everything from before the query was sent. Later transactions may be
      // missing in it.
      if (group.at < askedAt) {
        group.brought.add(follower);
        continue;
      }
      group.brought.delete(follower);
      if (group.isOpen || !touches(follower, group)) continue;
      const others = [before, ...this.#others(follower).map(({ held }) => held)];
      if (others.some((held) => follower.held.differs(held, group.touched))) this.#await(follower, group);
    }
    this.#plan();
  }

  leave(follower: BarrierStream): void {
    this.hurry(follower);
    this.#followers.delete(follower);
    this.#brought.delete(follower);
    for (const { awaited } of this.#groups.values()) awaited.delete(follower);
    this.#apply();
  }

  /**
   * A stream brought a message. `apply` is called once, in this turn or later; at the latest where
   * the stream begins anew or leaves.
   */
  bring(follower: BarrierStream, xid: string, touched: Iterable<string>, apply: () => void): void {
    const group = this.#groupOf(xid);
    for (const id of touched) group.touched.add(id);
    group.brought.add(follower);
    group.awaited.delete(follower);
    const sequence = this.#brought.get(follower) ?? [];
    this.#brought.set(follower, [...sequence.slice(1 - MOST_REMEMBERED), xid]);
    const items = this.#waiting.get(follower) ?? [];
    items.push({ xid, apply });
    this.#waiting.set(follower, items);
    this.#apply();
  }

  /** Applies what waits of a stream that brings no more. */
  hurry(follower: BarrierStream): void {
    const items = this.#waiting.get(follower)?.splice(0) ?? [];
    this.#waiting.delete(follower);
    for (const { apply } of items) apply();
  }

  /** True if it would show a state from before one that other live queries show. */
  isBehind(follower: BarrierStream): boolean {
    if (!follower.isFollowing) return false;
    for (const group of this.#groups.values()) {
      const until = group.awaited.get(follower);
      if (until === undefined) continue;
      if (Date.now() < until && !this.#isPast(follower, group)) return true;
      group.awaited.delete(follower);
    }
    return false;
  }

  /** True if a stream brought a message since then. */
  hasNewsSince(time: number): boolean {
    return [...this.#groups.values()].some(({ at }) => at >= time);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#followers.clear();
    this.#waiting.clear();
    this.#groups.clear();
  }

  #groupOf(xid: string): BarrierTransaction {
    const at = Date.now();
    const known = this.#groups.get(xid);
    if (known) {
      // A stream whose message comes even later is catching up.
      if (at - known.at <= this.#times.togetherMs) this.#spreadMs = Math.max(this.#spreadMs, at - known.at);
      return known;
    }
    this.#spreadMs *= 0.95;
    for (const [other, group] of this.#groups) {
      if (group.at > at - REMEMBERED_MS && this.#groups.size < MOST_REMEMBERED) break;
      if (!group.isOpen) this.#groups.delete(other);
    }
    const group: BarrierTransaction = {
      xid,
      at,
      touched: new Set(),
      brought: new Set(),
      awaited: new Map(),
      isOpen: true,
    };
    this.#groups.set(xid, group);
    return group;
  }

  #await(follower: BarrierStream, group: BarrierTransaction): void {
    group.awaited.set(follower, Date.now() + this.#times.catchUpMs);
  }

  #apply(): void {
    if (this.#isApplying) return;
    this.#isApplying = true;
    try {
      const open = this.#close();
      const blocked = this.#blockedBy(open);
      for (const [follower, items] of this.#waiting) {
        while (items[0] && !blocked.has(items[0].xid)) items.shift()!.apply();
        if (items.length === 0) this.#waiting.delete(follower);
      }
    } finally {
      this.#isApplying = false;
    }
    this.#plan();
    this.#changed();
  }

  /** The transactions that are still waited for. */
  #close(): ReadonlySet<string> {
    const open = new Set<string>();
    const now = Date.now();
    for (const group of this.#groups.values()) {
      if (!group.isOpen) continue;
      const missing = [...this.#followers].filter(
        (each) => each.isFollowing && !group.brought.has(each) && !this.#isPast(each, group),
      );
      const concerned = missing.filter((each) => touches(each, group));
      const patience = concerned.length > 0 ? this.#times.togetherMs : this.#patienceMs;
      if (missing.length > 0 && now - group.at < patience) open.add(group.xid);
      else {
        group.isOpen = false;
        for (const each of concerned) this.#await(each, group);
      }
    }
    return open;
  }

  /**
   * A transaction cannot be shown whole where one of its messages stands behind another that waits.
   */
  #blockedBy(open: ReadonlySet<string>): ReadonlySet<string> {
    const blocked = new Set(open);
    for (let size = -1; size !== blocked.size; ) {
      size = blocked.size;
      for (const items of this.#waiting.values()) {
        const first = items.findIndex(({ xid }) => blocked.has(xid));
        if (first !== -1) for (const { xid } of items.slice(first)) blocked.add(xid);
      }
    }
    return blocked;
  }

  /** True if it brought a transaction that came later according to another stream. */
  #isPast(follower: BarrierStream, { xid, brought }: BarrierTransaction): boolean {
    for (const witness of brought) {
      const sequence = this.#brought.get(witness) ?? [];
      const at = sequence.indexOf(xid);
      if (at !== -1 && sequence.slice(at + 1).some((later) => this.#groups.get(later)?.brought.has(follower)))
        return true;
    }
    return false;
  }

  /** For transactions that no other stream is known to bring. */
  get #patienceMs(): number {
    const { gatherMs, togetherMs } = this.#times;
    return Math.min(togetherMs, Math.max(gatherMs, 2 * this.#spreadMs));
  }

  #plan(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = Date.now();
    const { togetherMs } = this.#times;
    const patienceMs = this.#patienceMs;
    let next = Number.POSITIVE_INFINITY;
    for (const { isOpen, at, awaited } of this.#groups.values()) {
      if (isOpen) next = Math.min(next, now - at < patienceMs ? at + patienceMs : at + togetherMs);
      for (const [follower, until] of awaited) {
        if (until <= now) awaited.delete(follower);
        else next = Math.min(next, until);
      }
    }
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#apply(), Math.max(1, next - now));
  }

  #others(follower: BarrierStream): readonly BarrierStream[] {
    return [...this.#followers].filter((each) => each !== follower && each.isFollowing);
  }
}

/** So many transactions are remembered, and for so long. */
const MOST_REMEMBERED = 500;
const REMEMBERED_MS = 5_000;

function touches({ held }: BarrierStream, { touched }: BarrierTransaction): boolean {
  for (const id of touched) if (held.has(id)) return true;
  return false;
}
