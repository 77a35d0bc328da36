import type { Group } from './group.js';
import type { Occasion } from './judge.js';
import { isDoneWithin } from './patience.js';

/** Past so many changes that wait for one group, everybody waits for it again: they are held in memory. */
const MAX_BACKLOG_CHANGES = 10_000;

export interface StragglersOptions {
  readonly patienceMs: number;
  /** Resolves when each group has told its subscribers; see `judge.ts`. */
  readonly judge: (occasion: Occasion, groups: readonly Group[], isReplay: boolean) => Promise<void>;
  /** A group is left behind. */
  readonly onBehind: (group: Group) => void;
  /** A group is up with the others again. */
  readonly onBack: (group: Group) => void;
  readonly onFailure: (group: Group, error: unknown) => void;
}

/**
 * Judges transactions one after the other, without letting the questions of some groups hold up all others: a table that somebody locked
 * delays those whose scope looks at it. They follow behind, each transaction still judged at its own moment and in order, until nothing waits
 * for them.
 */
export class Stragglers {
  readonly #options: StragglersOptions;
  readonly #behind = new Map<Group, Promise<void>>();

  constructor(options: StragglersOptions) {
    this.#options = options;
  }

  /** How many are behind. */
  get size(): number {
    return this.#behind.size;
  }

  /** Resolves when every group has told its subscribers, or is left behind. */
  async judge(occasion: Occasion, groups: readonly Group[]): Promise<void> {
    for (const group of groups) {
      if (group.backlog > MAX_BACKLOG_CHANGES) await this.#behind.get(group);
    }
    const judging = this.#options.judge(occasion, groups, false);
    if (await isDoneWithin(judging, this.#options.patienceMs)) return;
    // One that is behind, or loading, may be judging something else.
    for (const group of groups) if (group.isLive && group.isJudging) this.#leave(group, judging);
  }

  /** Waits for those that are behind, who give up when the database is not asked any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#behind.values());
  }

  #leave(group: Group, judging: Promise<void>): void {
    group.fallBehind();
    // Whoever comes now begins with those who are not behind.
    group.onClose();
    this.#options.onBehind(group);
    const following = judging
      .then(() => this.#follow(group))
      .catch((error: unknown) => this.#options.onFailure(group, error))
      .finally(() => this.#behind.delete(group));
    this.#behind.set(group, following);
  }

  async #follow(group: Group): Promise<void> {
    for (let next = group.takeNext(); next; next = group.takeNext()) {
      await this.#options.judge(next, [group], true);
    }
    if (group.isLive) this.#options.onBack(group);
  }
}
