import { describe, expect, test } from 'vitest';
import { type LiveEvent, type LiveState, transition } from '../../../client/core/live/state.js';

/** Where each event leads; a cell that is left out does not compile. `-`: it came too late and means nothing. */
const TABLE: Readonly<Record<LiveState, Readonly<Record<LiveEvent, LiveState | '-'>>>> = {
  idle: row({ start: 'fetching', stop: 'ended' }),
  fetching: row({
    answer: 'streaming',
    unplaced: 'retrying',
    failure: 'retrying',
    refusal: 'refused',
    stop: 'ended',
  }),
  streaming: {
    start: '-',
    answer: '-',
    unplaced: '-',
    failure: '-',
    refusal: '-',
    message: 'streaming',
    need: 'refetching',
    reset: 'refetching',
    cut: 'waiting',
    lost: 'refetching',
    denied: 'refused',
    timer: 'streaming',
    refetch: 'renewing',
    stop: 'ended',
  },
  renewing: {
    start: '-',
    answer: 'streaming',
    unplaced: 'streaming',
    failure: 'streaming',
    refusal: 'refused',
    message: 'renewing',
    need: 'refetching',
    reset: 'refetching',
    cut: 'refetching',
    lost: 'refetching',
    denied: 'refused',
    timer: '-',
    refetch: '-',
    stop: 'ended',
  },
  refetching: row({
    answer: 'streaming',
    unplaced: 'retrying',
    failure: 'retrying',
    refusal: 'refused',
    timer: 'refetching',
    stop: 'ended',
  }),
  waiting: row({ timer: 'streaming', refetch: 'refetching', stop: 'ended' }),
  retrying: row({ timer: 'refetching', refetch: 'refetching', stop: 'ended' }),
  refused: row({ refetch: 'refetching', stop: 'ended' }),
  ended: row({}),
};

function row(cells: Partial<Record<LiveEvent, LiveState>>): Record<LiveEvent, LiveState | '-'> {
  const nothing: Record<LiveEvent, '-'> = {
    start: '-',
    answer: '-',
    unplaced: '-',
    failure: '-',
    refusal: '-',
    message: '-',
    need: '-',
    reset: '-',
    cut: '-',
    lost: '-',
    denied: '-',
    timer: '-',
    refetch: '-',
    stop: '-',
  };
  return { ...nothing, ...cells };
}

describe('the life of a live query', () => {
  for (const [state, cells] of Object.entries(TABLE) as [LiveState, Record<LiveEvent, LiveState | '-'>][]) {
    test(`goes on from ${state} as the table says`, () => {
      for (const [event, to] of Object.entries(cells) as [LiveEvent, LiveState | '-'][]) {
        expect(transition(state, event)?.to ?? '-', event).toBe(to);
      }
    });
  }

  test('leaves its streams whenever they no longer run', () => {
    const running = new Set<LiveState>(['streaming', 'renewing']);
    for (const state of running) {
      for (const event of Object.keys(TABLE[state]) as LiveEvent[]) {
        const next = transition(state, event);
        if (!next || running.has(next.to)) continue;
        expect(
          next.actions.some((action) => action === 'unsubscribe' || action === 'cleanUp'),
          `${state}, ${event}`,
        ).toBe(true);
      }
    }
  });
});
