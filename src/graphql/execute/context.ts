import type { Database } from '../../database/types.js';
import type { CursorCodec } from '../../feed/cursor.js';
import type { AccessRights } from '../../policy/types.js';
import type { SendBudget } from '../../scope/delivery/send-budget.js';
import type { ScopeRegistry } from '../../scope/messages/types.js';
import type { QueryLimits } from '../schema/query-limits.js';
import type { ResultSink } from './direct-results.js';
import type { RequestReader } from './request-reader.js';

/** The context of every resolver: one for each request, and on a socket one for each operation. */
export interface RivuletContext {
  readonly database: Database;
  readonly rights: AccessRights;
  /**
   * Policies that failed when the rights were evaluated. A policy that fails denies. Default: none.
   */
  readonly faults?: readonly { readonly table: string; readonly rule: string }[];
  /**
   * The value that the configuration's `context` returned for the claims. Policies receive the same
   * value.
   */
  readonly user: unknown;
  /** The client's name for its mutation, repeated on the change stream. */
  readonly mutationId?: string | null | undefined;
  /**
   * Rows that the mutations of a request have read back so far. They share one limit. Default: a
   * limit each.
   */
  readonly rowsRead?: { count: number };
  /**
   * Puts the reads of all root fields into one statement. Default: one statement for each root
   * field.
   */
  readonly reader?: RequestReader | undefined;
  /**
   * Resolves when the rights of this context are known to hold, and rejects if they no longer do.
   * Nothing may be written or sent before it resolves. Default: the rights hold.
   */
  readonly rightsHold?: () => Promise<void> | undefined;
  /**
   * Reserves a place for a subscription before it begins. Returns the function that releases the
   * place. Throws if none is free.
   */
  readonly admit?: (() => () => void) | undefined;
  /** The source of subscriptions. Contexts that serve only queries and mutations leave it out. */
  readonly live?: LiveContext | undefined;
  readonly outgoing?: ResultDelivery | undefined;
  /** Limits of this context. Default: the schema's limits. */
  readonly limits?: QueryLimits | undefined;
}

/**
 * The receiver of all subscription results of a context. Without it each subscription is pulled and
 * has its own send budget.
 */
export interface ResultDelivery {
  /** The send budget that all subscriptions of the peer share. */
  readonly allowance: SendBudget;
  readonly taker: ResultSink;
}

export interface LiveContext {
  readonly scopes: ScopeRegistry;
  readonly cursors: CursorCodec;
  /** The owner of the statements; see `QueryOptions.owner`. */
  readonly owner?: string | undefined;
  /** The start of streams of this context. Default: `after:`, or now. */
  readonly start?: StreamStart | undefined;
}

/** The start of a stream as the transport knows it, with cursors as they were sent. */
export type StreamStart =
  /**
   * `lastEventId` wins over `after:`, because it is newer. `after:` wins over `after` of the
   * request's extensions.
   */
  | { readonly kind: 'resume'; readonly lastEventId: string | null; readonly after: string | null }
  /** The stream begins with a reset, because earlier messages were sent by other rights. */
  | { readonly kind: 'rightsChanged' };
