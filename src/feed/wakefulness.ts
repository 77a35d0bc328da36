/**
 * When a reader reads, and whether somebody has to wake it.
 *
 * Awake, it reads every few milliseconds and holds nothing: writers then never notify, which would
 * let them commit only one after the other. It falls asleep when little is written: takes its lock
 * of the doorbell, which it cannot while a writer that did not notify is still open; reads once
 * more, since whoever had not notified has ended by now; and from then on waits to be rung.
 *
 * | state    | rung          | has read                                                | bell works   | bell lost    | bell dumb    | lock taken     | lock refused |
 * | -------- | ------------- | ------------------------------------------------------- | ------------ | ------------ | ------------ | -------------- | ------------ |
 * | clock    | reads         | –                                                       | awake        | awake, bound | –            | lets go of it  | –            |
 * | awake    | reads sooner  | nothing but single ones for 40 ms, not bound: reaching  | not bound    | bound        | clock        | lets go of it  | –            |
 * | reaching | reads sooner  | –                                                       | –            | awake, bound | clock        | settling: reads | awake       |
 * | settling | reads         | and began to after the lock: asleep                     | –            | awake, bound | clock, lets go of it | –      | –            |
 * | asleep   | reads         | several at once again and again: awake, lets go of the lock | –        | awake, bound | clock, lets go of it | –      | –            |
 *
 * "Bound" is awake and not able to sleep, because nobody would be heard. "Clock" reads as often as
 * it was told to, bell or no bell; so does whoever is asleep. Reaching and settling are told as
 * one, "falling asleep".
 */
export type WakefulnessState =
  | { readonly kind: 'clock' }
  | {
      readonly kind: 'awake';
      readonly mayRest: boolean;
      /** When several transactions were last found at once. */
      readonly busyAt: number;
      readonly pauseMs: number;
    }
  | { readonly kind: 'reaching'; readonly pauseMs: number }
  | { readonly kind: 'settling' }
  | {
      readonly kind: 'asleep';
      /** Transactions found beside others, less so many a second. */
      readonly surplus: number;
      readonly at: number;
    };

export type WakefulnessEvent =
  | { readonly kind: 'rung' }
  /** `state`: when the reading began. `found`: transactions. `tookMs`: the reading alone. */
  | {
      readonly kind: 'has read';
      readonly state: WakefulnessState;
      readonly found: number;
      readonly tookMs: number;
    }
  | { readonly kind: 'bell works' }
  | { readonly kind: 'bell lost' }
  | { readonly kind: 'bell dumb' }
  | { readonly kind: 'lock taken' }
  | { readonly kind: 'lock refused' };

export type WakefulnessDeed = 'read' | 'read soon' | 'take lock' | 'drop lock';

export interface WakefulnessStep {
  readonly state: WakefulnessState;
  readonly deeds: readonly WakefulnessDeed[];
}

/**
 * Between two readings of a reader that is awake. Shorter ones cost more than they bring: a reading
 * takes the database 0.3 ms.
 */
export const AWAKE_PAUSE_MS = 5;
/** Longest pause. Each pause after an empty read is longer than the one before. */
export const LONGEST_AWAKE_PAUSE_MS = 25;
const RESTS_AFTER_MS = 40;
/** So many a second may come beside others before it pays to be awake. */
const SURPLUS_A_SECOND = 100;
const WAKES_AT_SURPLUS = 8;

/** At first nobody has heard of the doorbell yet. */
export function awake(now: number, mayRest = false): WakefulnessState {
  return { kind: 'awake', mayRest, busyAt: now, pauseMs: AWAKE_PAUSE_MS };
}

export const CLOCK: WakefulnessState = { kind: 'clock' };

/** `now` is any clock in milliseconds that never goes back. */
export function step(state: WakefulnessState, event: WakefulnessEvent, now: number): WakefulnessStep {
  switch (event.kind) {
    case 'rung':
      return stay(state, state.kind === 'awake' || state.kind === 'reaching' ? 'read soon' : 'read');
    case 'has read':
      return hasRead(state, event, now);
    case 'bell works':
      if (state.kind === 'awake') return stay({ ...state, mayRest: true });
      return state.kind === 'clock' ? stay(awake(now, true), 'read') : stay(state);
    case 'bell lost':
      return stay(awake(now), 'read');
    case 'bell dumb':
      return holdsLock(state) ? stay(CLOCK, 'drop lock') : stay(CLOCK);
    case 'lock taken':
      if (state.kind === 'reaching') return stay({ kind: 'settling' }, 'read');
      return holdsLock(state) ? stay(state) : stay(state, 'drop lock');
    case 'lock refused':
      if (state.kind !== 'reaching') return stay(state);
      return stay({ ...awake(now - RESTS_AFTER_MS, true), pauseMs: state.pauseMs } as WakefulnessState);
  }
}

function hasRead(
  state: WakefulnessState,
  event: Extract<WakefulnessEvent, { kind: 'has read' }>,
  now: number,
): WakefulnessStep {
  const { found, tookMs } = event;
  switch (state.kind) {
    case 'clock':
      return stay(state);
    case 'awake': {
      const busyAt = found > 1 ? now : state.busyAt;
      const pauseMs = nextPause(state.pauseMs, found, tookMs);
      if (!state.mayRest || now - busyAt < RESTS_AFTER_MS) return stay({ ...state, busyAt, pauseMs });
      return stay({ kind: 'reaching', pauseMs }, 'take lock');
    }
    case 'reaching':
      return stay({ kind: 'reaching', pauseMs: nextPause(state.pauseMs, found, tookMs) });
    case 'settling':
      // One that was under way when the lock was taken may have been too early.
      return event.state === state ? stay({ kind: 'asleep', surplus: 0, at: now }) : stay(state);
    case 'asleep': {
      const drained = ((now - state.at) / 1_000) * SURPLUS_A_SECOND;
      const surplus = Math.max(0, state.surplus - drained) + Math.max(0, found - 1);
      if (surplus >= WAKES_AT_SURPLUS) return stay(awake(now, true), 'drop lock');
      return stay({ kind: 'asleep', surplus, at: now });
    }
  }
}

/**
 * A log that is slow to read (a writer adds a million rows) is read less often, so that reading
 * never takes half of the time.
 */
function nextPause(pauseMs: number, found: number, tookMs: number): number {
  const longer = found > 0 ? AWAKE_PAUSE_MS : Math.min(pauseMs * 1.5, LONGEST_AWAKE_PAUSE_MS);
  return Math.max(longer, 2 * tookMs);
}

function holdsLock({ kind }: WakefulnessState): boolean {
  return kind === 'settling' || kind === 'asleep';
}

function stay(state: WakefulnessState, ...deeds: WakefulnessDeed[]): WakefulnessStep {
  return { state, deeds };
}
