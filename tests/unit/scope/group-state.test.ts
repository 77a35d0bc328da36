import { describe, expect, test } from 'vitest';
import {
  GROUP_TRANSITIONS,
  type GroupDeed,
  type GroupEvent,
  type GroupState,
} from '../../../src/scope/lifecycle/group-state.js';

type Outcome = readonly [next: GroupState, deed?: GroupDeed];

/** A cell that is left out does not compile. */
const TABLE: Record<GroupState, Record<GroupEvent, Outcome>> = {
  loading: {
    transaction: ['loading', 'wait'],
    replayed: ['loading', 'evaluate'],
    loaded: ['live', 'take backlog'],
    slow: ['loading'],
    next: ['loading'],
    drained: ['loading'],
    ended: ['ended', 'drop backlog'],
  },
  live: {
    transaction: ['live', 'evaluate'],
    replayed: ['live', 'evaluate'],
    loaded: ['live'],
    slow: ['behind'],
    next: ['live'],
    drained: ['live'],
    ended: ['ended', 'drop backlog'],
  },
  behind: {
    transaction: ['behind', 'wait'],
    replayed: ['behind', 'evaluate'],
    loaded: ['behind'],
    slow: ['behind'],
    next: ['behind', 'take next'],
    drained: ['live'],
    ended: ['ended', 'drop backlog'],
  },
  ended: {
    transaction: ['ended', 'pass over'],
    replayed: ['ended', 'pass over'],
    loaded: ['ended'],
    slow: ['ended'],
    next: ['ended'],
    drained: ['ended'],
    ended: ['ended', 'drop backlog'],
  },
};

const STATES = Object.keys(TABLE) as GroupState[];
const EVENTS = Object.keys(TABLE.loading) as GroupEvent[];

describe.each(STATES)('a group that is %s', (state) => {
  test.each(EVENTS)('on %s', (event) => {
    const [next, deed = 'nothing'] = TABLE[state][event];
    expect(GROUP_TRANSITIONS[state][event]).toEqual({ next, deed });
  });
});

describe('whatever the events are', () => {
  test('a group that ended stays ended and evaluates nothing', () => {
    for (const event of EVENTS) {
      expect(GROUP_TRANSITIONS.ended[event].next).toBe('ended');
      expect(GROUP_TRANSITIONS.ended[event].deed).not.toBe('evaluate');
    }
  });

  test('a transaction of the feed is evaluated by live groups alone, and lost by none that goes on', () => {
    expect(STATES.map((state) => GROUP_TRANSITIONS[state].transaction.deed)).toEqual([
      'wait',
      'evaluate',
      'wait',
      'pass over',
    ]);
  });

  test('only loading leads to live with the backlog, and only an empty backlog leads back from behind', () => {
    const toLive = STATES.flatMap((state) =>
      EVENTS.filter((event) => state !== 'live' && GROUP_TRANSITIONS[state][event].next === 'live').map(
        (event) => [state, event],
      ),
    );
    expect(toLive).toEqual([
      ['loading', 'loaded'],
      ['behind', 'drained'],
    ]);
  });
});
