import type { MessageType } from 'graphql-ws';

/**
 * Position of a socket in the protocol `graphql-transport-ws`, as its server sees it.
 *
 * | state | |
 * | --- | --- |
 * | `waiting` | open; `connection_init` has not come |
 * | `connecting` | `connection_init` came, and its token is being verified |
 * | `acknowledged` | `connection_ack` was sent: operations may begin |
 * | `closing` | the server closes it, or it is closed; final |
 */
export type SocketState = 'waiting' | 'connecting' | 'acknowledged' | 'closing';

/**
 * The protocol's eight messages, and:
 *
 * | event | |
 * | --- | --- |
 * | `invalid` | what came is no message of the protocol, or one that is not read |
 * | `late` | `connection_init` did not come in time |
 * | `accepted` | the user of `connection_init` is known |
 * | `refused` | the user may not connect, or not any more |
 * | `failed` | the server failed to handle a message |
 * | `closed` | the socket is closed, by whichever side |
 */
export type SocketEvent =
  | `${MessageType}`
  | 'invalid'
  | 'late'
  | 'accepted'
  | 'refused'
  | 'failed'
  | 'closed';

/** Closings whose code and reason depend on nothing but the state and the event. */
export type FixedClosing = 'tooManyInits' | 'unauthorized' | 'initTimeout' | 'internalError';

/**
 * `handle`: the runner does what the event asks for. `ignore`: the event means nothing here. Else
 * the socket is closed so.
 */
export type SocketReaction = 'handle' | 'ignore' | FixedClosing;

export interface SocketTransition {
  readonly to: SocketState;
  readonly reaction: SocketReaction;
}

const to = (state: SocketState, reaction: SocketReaction): SocketTransition => ({ to: state, reaction });

const close = (reaction: FixedClosing | 'handle' | 'ignore'): SocketTransition => to('closing', reaction);

/** Messages that only servers send. The stock server closes with 4500 as well. */
const OF_SERVERS = {
  connection_ack: close('internalError'),
  next: close('internalError'),
  error: close('internalError'),
} as const;

const TABLE: Readonly<Record<SocketState, Readonly<Record<SocketEvent, SocketTransition>>>> = {
  waiting: {
    ...OF_SERVERS,
    connection_init: to('connecting', 'handle'),
    ping: to('waiting', 'handle'),
    pong: to('waiting', 'ignore'),
    subscribe: close('unauthorized'),
    complete: to('waiting', 'ignore'),
    invalid: close('handle'),
    late: close('initTimeout'),
    accepted: to('waiting', 'ignore'),
    refused: close('handle'),
    failed: close('internalError'),
    closed: close('handle'),
  },
  connecting: {
    ...OF_SERVERS,
    connection_init: close('tooManyInits'),
    ping: to('connecting', 'handle'),
    pong: to('connecting', 'ignore'),
    subscribe: close('unauthorized'),
    complete: to('connecting', 'ignore'),
    invalid: close('handle'),
    late: to('connecting', 'ignore'),
    accepted: to('acknowledged', 'handle'),
    refused: close('handle'),
    failed: close('internalError'),
    closed: close('handle'),
  },
  acknowledged: {
    ...OF_SERVERS,
    connection_init: close('tooManyInits'),
    ping: to('acknowledged', 'handle'),
    pong: to('acknowledged', 'ignore'),
    subscribe: to('acknowledged', 'handle'),
    complete: to('acknowledged', 'handle'),
    invalid: close('handle'),
    late: to('acknowledged', 'ignore'),
    accepted: to('acknowledged', 'ignore'),
    refused: close('handle'),
    failed: close('internalError'),
    closed: close('handle'),
  },
  // A peer that was closed may have sent messages before it knew.
  closing: {
    connection_init: close('ignore'),
    connection_ack: close('ignore'),
    ping: close('ignore'),
    pong: close('ignore'),
    subscribe: close('ignore'),
    next: close('ignore'),
    error: close('ignore'),
    complete: close('ignore'),
    invalid: close('ignore'),
    late: close('ignore'),
    accepted: close('ignore'),
    refused: close('ignore'),
    failed: close('ignore'),
    closed: close('handle'),
  },
};

/** The state that an event leads to, and what the server does on the way. */
export function socketTransition(state: SocketState, event: SocketEvent): SocketTransition {
  return TABLE[state][event];
}
