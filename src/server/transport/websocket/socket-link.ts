import type { IncomingHttpHeaders } from 'node:http';
import type { SendBudget } from '../../../scope/delivery/send-budget.js';
import type { SessionRegistry } from '../../auth/session-registry.js';
import type { ServerLimits } from '../../engine/config.js';
import type { ServerQuotas } from '../../quotas/quotas.js';
import type { OperationEngine } from '../http/prepare-operation.js';
import type { NextFrames, SocketSink } from './next-frames.js';
import type { SocketClosing } from './socket-closing.js';
import type { SocketPlaces } from './socket-places.js';

/** Everything that the protocol needs of a server. */
export interface ProtocolOptions extends OperationEngine {
  readonly sessions: SessionRegistry;
  readonly quotas: ServerQuotas;
  readonly limits: ServerLimits;
  readonly frames: NextFrames;
}

/** One open socket, as the protocol sees it. */
export interface SocketLink {
  /** The sub-protocol that both sides agreed to; empty if there is none. */
  readonly protocol: string;
  /** The upgrade's request. */
  readonly headers: IncomingHttpHeaders;
  /** As limits count it. */
  readonly address: string | null;
  readonly places: SocketPlaces;
  readonly sink: SocketSink;
  /** The send budget that all subscriptions of the socket share. */
  readonly allowance: SendBudget;
  /**
   * Sends a message, after what was written to `sink` before. Nothing, if the socket is not open.
   */
  send(message: string): void;
  /** Twice is fine: the first counts. */
  close(closing: SocketClosing): void;
}
