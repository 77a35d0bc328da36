import type { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import type { FixedClosing } from './socket-state.js';

/** Code and reason of a close frame. */
export interface SocketClosing {
  readonly code: number;
  readonly reason: string;
}

/** Milliseconds that a peer has to answer a close frame; then the socket is cut. */
export const CLOSE_WITHIN_MS = 2_000;

/** "Try again later" (IANA, WebSocket close codes): stock clients connect again. */
const TRY_AGAIN_LATER = 1013;

const GOING_AWAY = 1001;

/** A close frame has at most 125 bytes, of which the code is two. */
const MAX_REASON_BYTES = 120;

/** Error codes after which a client should come back later. */
const TRY_AGAIN: ReadonlySet<unknown> = new Set(['TOO_MANY_CONNECTIONS', 'TOO_MANY_REQUESTS']);

export const FIXED_CLOSINGS: Readonly<Record<FixedClosing, SocketClosing>> = {
  tooManyInits: {
    code: CloseCode.TooManyInitialisationRequests,
    reason: 'Too many initialisation requests',
  },
  unauthorized: { code: CloseCode.Unauthorized, reason: 'Unauthorized' },
  initTimeout: {
    code: CloseCode.ConnectionInitialisationTimeout,
    reason: 'Connection initialisation timeout',
  },
  internalError: { code: CloseCode.InternalServerError, reason: 'Internal server error' },
};

export const OTHER_SUBPROTOCOL: SocketClosing = {
  code: CloseCode.SubprotocolNotAcceptable,
  reason: 'Subprotocol not acceptable',
};

export const SERVER_STOPS: SocketClosing = { code: GOING_AWAY, reason: 'Going away' };

export const TOO_SLOW: SocketClosing = {
  code: TRY_AGAIN_LATER,
  reason: 'Too slow: connect again and resume',
};

export const TOO_MANY_PINGS: SocketClosing = {
  code: TRY_AGAIN_LATER,
  reason: 'TOO_MANY_REQUESTS: too many pings',
};

export function invalidMessage(reason: string): SocketClosing {
  return { code: CloseCode.BadRequest, reason };
}

export function idInUse(operationId: string): SocketClosing {
  const reason = `Subscriber for ${operationId} already exists`;
  return { code: CloseCode.SubscriberAlreadyExists, reason };
}

/**
 * The closing that tells a client of an error: 4403, or 1013 if it should come back later, with the
 * error's code first in the reason. Clients of graphql-ws connect again after both.
 */
export function closingOf({ extensions, message }: GraphQLError): SocketClosing {
  const code = TRY_AGAIN.has(extensions.code) ? TRY_AGAIN_LATER : CloseCode.Forbidden;
  return { code, reason: `${extensions.code}: ${message}` };
}

/** As much of a reason as a close frame has room for, in whole characters. */
export function fittingReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  let end = MAX_REASON_BYTES;
  // Bytes 10xxxxxx go on with a character.
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
