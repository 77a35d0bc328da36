/**
 * The states of a live query.
 *
 * | state | |
 * | --- | --- |
 * | `idle` | made, not started |
 * | `fetching` | the query was sent; there is no answer yet |
 * | `streaming` | its streams run; what it shows is true |
 * | `renewing` | its streams run, and the query was sent again because somebody asked |
 * | `refetching` | its streams are stopped, the query was sent again or is about to be |
 * | `waiting` | its streams were cut; they are resumed after a while |
 * | `retrying` | the query could not be sent; it is sent again after a while |
 * | `refused` | the server said no: nothing happens until somebody asks again |
 * | `ended` | nobody watches; final |
 */
export type LiveState =
  | 'idle'
  | 'fetching'
  | 'streaming'
  | 'renewing'
  | 'refetching'
  | 'waiting'
  | 'retrying'
  | 'refused'
  | 'ended';

/**
 * | event | |
 * | --- | --- |
 * | `start` | the first watcher came |
 * | `answer` | the query was answered |
 * | `unplaced` | the query was answered without a cursor: nothing says from where on to follow it |
 * | `failure` | the query could not be sent, or a part of its answer could not be had |
 * | `refusal` | the query was answered with errors and without data |
 * | `message` | a stream brought changes, all of which could be applied |
 * | `need` | a stream brought what cannot be decided here |
 * | `reset` | a stream lost continuity |
 * | `cut` | a stream ended that should not have |
 * | `lost` | a stream cannot be resumed where it ended |
 * | `denied` | the server will not serve a stream |
 * | `timer` | the while is over; in `streaming`: since the streams were resumed |
 * | `refetch` | somebody asks for a fresh answer |
 * | `stop` | the last watcher went |
 */
export type LiveEvent =
  | 'start'
  | 'answer'
  | 'unplaced'
  | 'failure'
  | 'refusal'
  | 'message'
  | 'need'
  | 'reset'
  | 'cut'
  | 'lost'
  | 'denied'
  | 'timer'
  | 'refetch'
  | 'stop';

/** Deeds on the way to a state, in order. */
export type LiveAction =
  | 'fetch'
  | 'fetchSoon'
  | 'fetchSpread'
  | 'adopt'
  | 'subscribe'
  | 'unsubscribe'
  | 'resubscribe'
  | 'emit'
  | 'emitStale'
  | 'emitErrors'
  | 'waitLonger'
  | 'settle'
  | 'report'
  | 'reportUnplaced'
  | 'cleanUp';

export interface LiveTransition {
  readonly to: LiveState;
  readonly actions: readonly LiveAction[];
}

const to = (state: LiveState, ...actions: LiveAction[]): LiveTransition => ({ to: state, actions });

const END = to('ended', 'cleanUp');
const ADOPT = to('streaming', 'adopt', 'subscribe', 'emit');
const UNPLACED = to('retrying', 'adopt', 'emitStale', 'reportUnplaced', 'waitLonger');

/** The transition of an event in a state. An event without one came too late and means nothing. */
const TABLE: Readonly<Record<LiveState, Partial<Readonly<Record<LiveEvent, LiveTransition>>>>> = {
  idle: { start: to('fetching', 'fetch'), stop: END },
  fetching: {
    answer: ADOPT,
    unplaced: UNPLACED,
    failure: to('retrying', 'emitErrors', 'waitLonger'),
    refusal: to('refused', 'emitErrors'),
    stop: END,
  },
  streaming: {
    message: to('streaming', 'emit'),
    timer: to('streaming', 'emit'),
    need: to('refetching', 'unsubscribe', 'fetchSoon'),
    reset: to('refetching', 'unsubscribe', 'fetchSpread'),
    cut: to('waiting', 'unsubscribe', 'emitStale', 'waitLonger'),
    lost: to('refetching', 'unsubscribe', 'emitStale', 'fetchSoon'),
    denied: to('refused', 'unsubscribe', 'emitStale', 'report'),
    refetch: to('renewing', 'fetch'),
    stop: END,
  },
  // Streams that begin after the pending response bring what it does not contain.
  renewing: {
    answer: to('streaming', 'adopt', 'resubscribe', 'emit'),
    unplaced: to('streaming', 'emit'),
    failure: to('streaming', 'emit'),
    refusal: to('refused', 'unsubscribe', 'emitErrors'),
    message: to('renewing', 'emit'),
    need: to('refetching', 'unsubscribe'),
    reset: to('refetching', 'unsubscribe'),
    cut: to('refetching', 'unsubscribe', 'emitStale'),
    lost: to('refetching', 'unsubscribe', 'emitStale'),
    denied: to('refused', 'unsubscribe', 'emitStale', 'report'),
    stop: END,
  },
  refetching: {
    answer: ADOPT,
    unplaced: UNPLACED,
    failure: to('retrying', 'emitStale', 'waitLonger'),
    refusal: to('refused', 'emitErrors'),
    timer: to('refetching', 'fetch'),
    stop: END,
  },
  waiting: {
    timer: to('streaming', 'subscribe', 'settle'),
    refetch: to('refetching', 'fetch'),
    stop: END,
  },
  retrying: {
    timer: to('refetching', 'fetch'),
    refetch: to('refetching', 'fetch'),
    stop: END,
  },
  refused: { refetch: to('refetching', 'fetch'), stop: END },
  ended: {},
};

/** The transition for an event; `undefined` where it has no meaning any more. */
export function transition(state: LiveState, event: LiveEvent): LiveTransition | undefined {
  return TABLE[state][event];
}
