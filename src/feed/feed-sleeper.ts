import { Doorbell, type DoorbellOptions, type WakeUps } from './doorbell.js';
import type { ReadLoop } from './read-loop.js';
import type { FeedStatus } from './types.js';
import {
  AWAKE_PAUSE_MS,
  awake,
  CLOCK,
  step,
  type WakefulnessEvent,
  type WakefulnessState,
} from './wakefulness.js';

export interface SleeperOptions extends Pick<DoorbellOptions, 'database' | 'log'> {
  /** Milliseconds between two reads if no writer wakes it. */
  readonly pollMs: number;
  /** False: no doorbell. */
  readonly listen: boolean;
  readonly loop: () => ReadLoop;
}

/**
 * Wakes a loop of readings, or keeps it awake: does what `wakefulness.ts` decides, with a doorbell.
 */
export class FeedSleeper {
  readonly #options: SleeperOptions;
  readonly #doorbell: Doorbell | null;
  #state: WakefulnessState;
  #naps = 0;

  constructor(options: SleeperOptions) {
    this.#options = options;
    this.#state = options.listen ? awake(performance.now()) : CLOCK;
    this.#doorbell = options.listen
      ? new Doorbell({
          database: options.database,
          onRing: () => this.#on({ kind: 'rung' }),
          onBell: (bell) => this.#on({ kind: `bell ${bell}` }),
          log: options.log,
        })
      : null;
  }

  get figures(): Pick<FeedStatus, 'wakeUps' | 'rest' | 'naps' | 'rings' | 'reconnects'> {
    const { kind } = this.#state;
    return {
      wakeUps: this.#doorbell?.wakeUps ?? ('off' satisfies WakeUps),
      rest: kind === 'reaching' || kind === 'settling' ? 'falling asleep' : kind,
      naps: this.#naps,
      rings: this.#doorbell?.rings ?? 0,
      reconnects: this.#doorbell?.losses ?? 0,
    };
  }

  /** Milliseconds until the next read. */
  pauseMs(): number {
    const { pollMs } = this.#options;
    return 'pauseMs' in this.#state ? Math.min(this.#state.pauseMs, pollMs) : pollMs;
  }

  /**
   * To be called as a reading begins; what it returns, when it has succeeded, with the transactions
   * that it found.
   */
  begin(): (found: number) => void {
    const state = this.#state;
    const began = performance.now();
    return (found) => this.#on({ kind: 'has read', state, found, tookMs: performance.now() - began });
  }

  /** Rejects when the database refuses the first LISTEN. */
  async start(): Promise<void> {
    await this.#doorbell?.start();
  }

  /** Twice is fine. */
  async stop(): Promise<void> {
    await this.#doorbell?.stop();
  }

  #on(event: WakefulnessEvent): void {
    const { state, deeds } = step(this.#state, event, performance.now());
    if (state.kind === 'asleep' && this.#state.kind !== 'asleep') this.#naps++;
    this.#state = state;
    for (const deed of deeds) {
      if (deed === 'read') this.#options.loop().wake();
      else if (deed === 'read soon') this.#options.loop().wakeWithin(AWAKE_PAUSE_MS);
      else if (deed === 'drop lock') void this.#doorbell?.silence();
      else
        void this.#doorbell?.arm().then((taken) => this.#on({ kind: taken ? 'lock taken' : 'lock refused' }));
    }
  }
}
