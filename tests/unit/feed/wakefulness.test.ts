import { describe, expect, test } from 'vitest';
import {
  awake,
  CLOCK,
  LONGEST_AWAKE_PAUSE_MS,
  step,
  type WakefulnessDeed,
  type WakefulnessEvent,
  type WakefulnessState,
} from '../../../src/feed/wakefulness.js';

type Kind = WakefulnessState['kind'];
type Outcome = readonly [next: Kind, ...deeds: WakefulnessDeed[]];

const NOW = 10_000;
const SETTLING: WakefulnessState = { kind: 'settling' };

/** As they are a long time after something happened. */
const STATES: Record<Kind, WakefulnessState> = {
  clock: CLOCK,
  awake: awake(NOW - 1_000, true),
  reaching: { kind: 'reaching', pauseMs: 5 },
  settling: SETTLING,
  asleep: { kind: 'asleep', surplus: 0, at: NOW - 1_000 },
};

/** A reading of one transaction, that began in the state that it ended in. */
const EVENTS: Record<WakefulnessEvent['kind'], (state: WakefulnessState) => WakefulnessEvent> = {
  rung: () => ({ kind: 'rung' }),
  'has read': (state) => ({ kind: 'has read', state, found: 1, tookMs: 1 }),
  'bell works': () => ({ kind: 'bell works' }),
  'bell lost': () => ({ kind: 'bell lost' }),
  'bell dumb': () => ({ kind: 'bell dumb' }),
  'lock taken': () => ({ kind: 'lock taken' }),
  'lock refused': () => ({ kind: 'lock refused' }),
};

const TABLE: Record<Kind, Record<WakefulnessEvent['kind'], Outcome>> = {
  clock: {
    rung: ['clock', 'read'],
    'has read': ['clock'],
    'bell works': ['awake', 'read'],
    'bell lost': ['awake', 'read'],
    'bell dumb': ['clock'],
    'lock taken': ['clock', 'drop lock'],
    'lock refused': ['clock'],
  },
  awake: {
    rung: ['awake', 'read soon'],
    'has read': ['reaching', 'take lock'],
    'bell works': ['awake'],
    'bell lost': ['awake', 'read'],
    'bell dumb': ['clock'],
    'lock taken': ['awake', 'drop lock'],
    'lock refused': ['awake'],
  },
  reaching: {
    rung: ['reaching', 'read soon'],
    'has read': ['reaching'],
    'bell works': ['reaching'],
    'bell lost': ['awake', 'read'],
    'bell dumb': ['clock'],
    'lock taken': ['settling', 'read'],
    'lock refused': ['awake'],
  },
  settling: {
    rung: ['settling', 'read'],
    'has read': ['asleep'],
    'bell works': ['settling'],
    'bell lost': ['awake', 'read'],
    'bell dumb': ['clock', 'drop lock'],
    'lock taken': ['settling'],
    'lock refused': ['settling'],
  },
  asleep: {
    rung: ['asleep', 'read'],
    'has read': ['asleep'],
    'bell works': ['asleep'],
    'bell lost': ['awake', 'read'],
    'bell dumb': ['clock', 'drop lock'],
    'lock taken': ['asleep'],
    'lock refused': ['asleep'],
  },
};

describe.each(Object.entries(TABLE))('%s', (kind, row) => {
  test.each(Object.entries(row))('%s', (event, [next, ...deeds]) => {
    const state = STATES[kind as Kind];
    const result = step(state, EVENTS[event as WakefulnessEvent['kind']](state), NOW);
    expect([result.state.kind, ...result.deeds]).toEqual([next, ...deeds]);
  });
});

const read = (state: WakefulnessState, found: number, now: number, tookMs = 1) =>
  step(state, { kind: 'has read', state, found, tookMs }, now);

describe('a reader that is awake', () => {
  test('stays so while several transactions come at once', () => {
    let state = awake(0, true);
    for (let now = 5; now < 1_000; now += 5) {
      ({ state } = read(state, 3, now));
      expect(state.kind).toBe('awake');
    }
  });

  test('reaches for sleep when single ones come, however many: for those, a ring costs little', () => {
    let state = awake(0, true);
    for (let now = 5; state.kind === 'awake'; now += 5) ({ state } = read(state, 1, now));
    expect(state.kind).toBe('reaching');
  });

  test('does not sleep while nobody could wake it', () => {
    let state = awake(0);
    for (let now = 5; now < 1_000; now += 5) ({ state } = read(state, 0, now));
    expect(state.kind).toBe('awake');
    ({ state } = step(state, { kind: 'bell works' }, 1_000));
    expect(read(state, 0, 1_005).state.kind).toBe('reaching');
  });

  test('reads less and less often where there is nothing, and at once as often as before where there is', () => {
    let state = awake(0);
    for (let now = 5; now < 1_000; now += 5) ({ state } = read(state, 0, now));
    expect(state).toMatchObject({ pauseMs: LONGEST_AWAKE_PAUSE_MS });
    expect(read(state, 1, 1_000).state).toMatchObject({ pauseMs: 5 });
  });

  test('never spends half of the time on reading', () => {
    expect(read(awake(0), 0, 200, 150).state).toMatchObject({ pauseMs: 300 });
  });

  test('which is refused the lock asks again after the next reading', () => {
    const { state } = step(STATES.reaching, { kind: 'lock refused' }, NOW);
    expect(read(state, 0, NOW + 5).deeds).toEqual(['take lock']);
  });
});

describe('a reader that has the lock', () => {
  test('does not count a reading that had begun before it', () => {
    const { state } = step(STATES.reaching, { kind: 'lock taken' }, NOW);
    const early = step(state, { kind: 'has read', state: STATES.reaching, found: 0, tookMs: 1 }, NOW);
    expect(early.state.kind).toBe('settling');
    expect(read(early.state, 0, NOW).state.kind).toBe('asleep');
  });
});

describe('a reader that is asleep', () => {
  test('wakes where transactions come faster than it reads', () => {
    let state = STATES.asleep;
    let now = NOW;
    for (; state.kind === 'asleep'; now += 2) ({ state } = read(state, 4, now));
    expect(now - NOW).toBeLessThan(20);
    expect(state.kind).toBe('awake');
  });

  test('sleeps on where they come one at a time, or several now and then', () => {
    let state = STATES.asleep;
    for (let now = NOW; now < NOW + 2_000; now += 2) ({ state } = read(state, 1, now));
    for (let now = NOW + 2_000; now < NOW + 20_000; now += 100) ({ state } = read(state, 5, now));
    expect(state.kind).toBe('asleep');
  });
});
