import { describe, expect, test } from 'vitest';
import {
  type FixedClosing,
  type SocketEvent,
  type SocketState,
  socketTransition,
} from '../../../src/server/transport/websocket/socket-state.js';

/** `!`: handled. A name of a closing: closed so. `-`: ignored. */
type Cell = SocketState | `${SocketState}!` | FixedClosing | '-';

/** Where each event leads from each state; a cell that is left out does not compile. */
const TABLE: Readonly<Record<SocketState, Readonly<Record<SocketEvent, Cell>>>> = {
  waiting: {
    connection_init: 'connecting!',
    connection_ack: 'internalError',
    ping: 'waiting!',
    pong: '-',
    subscribe: 'unauthorized',
    next: 'internalError',
    error: 'internalError',
    complete: '-',
    invalid: 'closing!',
    late: 'initTimeout',
    accepted: '-',
    refused: 'closing!',
    failed: 'internalError',
    closed: 'closing!',
  },
  connecting: {
    connection_init: 'tooManyInits',
    connection_ack: 'internalError',
    ping: 'connecting!',
    pong: '-',
    subscribe: 'unauthorized',
    next: 'internalError',
    error: 'internalError',
    complete: '-',
    invalid: 'closing!',
    late: '-',
    accepted: 'acknowledged!',
    refused: 'closing!',
    failed: 'internalError',
    closed: 'closing!',
  },
  acknowledged: {
    connection_init: 'tooManyInits',
    connection_ack: 'internalError',
    ping: 'acknowledged!',
    pong: '-',
    subscribe: 'acknowledged!',
    next: 'internalError',
    error: 'internalError',
    complete: 'acknowledged!',
    invalid: 'closing!',
    late: '-',
    accepted: '-',
    refused: 'closing!',
    failed: 'internalError',
    closed: 'closing!',
  },
  closing: {
    connection_init: '-',
    connection_ack: '-',
    ping: '-',
    pong: '-',
    subscribe: '-',
    next: '-',
    error: '-',
    complete: '-',
    invalid: '-',
    late: '-',
    accepted: '-',
    refused: '-',
    failed: '-',
    closed: 'closing!',
  },
};

function cellOf(state: SocketState, event: SocketEvent): Cell {
  const { to, reaction } = socketTransition(state, event);
  if (reaction === 'handle') return `${to}!`;
  if (reaction !== 'ignore') {
    expect(to).toBe('closing');
    return reaction;
  }
  return to === state ? '-' : to;
}

describe('the protocol of a socket', () => {
  for (const [state, cells] of Object.entries(TABLE) as [SocketState, Record<SocketEvent, Cell>][]) {
    test(`goes on from ${state} as the table says`, () => {
      for (const [event, cell] of Object.entries(cells) as [SocketEvent, Cell][]) {
        expect(cellOf(state, event), event).toBe(cell);
      }
    });
  }

  test('never leaves closing', () => {
    for (const event of Object.keys(TABLE.closing) as SocketEvent[]) {
      expect(socketTransition('closing', event).to, event).toBe('closing');
    }
  });
});
