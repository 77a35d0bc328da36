import type { Database } from '../../database/types.js';
import type { CursorCodec } from '../../feed/cursor.js';
import type { AccessRights } from '../../policy/types.js';
import type { SendBudget } from '../../scope/delivery/send-budget.js';
import type { ScopeRegistry } from '../../scope/messages/types.js';
import type { QueryLimits } from '../schema/query-limits.js';
import type { ResultSink } from './direct-results.js';
import type { RequestReader } from './request-reader.js';

/** What every resolver is handed. Made once for a request; for a socket, once for an operation. */
export interface RivuletContext {
  readonly database: Database;
  readonly rights: AccessRights;
  /** What failed while the rights were asked; a policy that failed denies. Default: nothing. */
  readonly faults?: readonly { readonly table: string; readonly rule: string }[];
  /** What the configuration's `context` made of the claims; policies get the same. */
  readonly user: unknown;
  /** The writer's own name for its mutation, echoed on the change stream. */
  readonly mutationId?: string | null | undefined;
  /** What the mutations of a request have read back so far: they share its limit. Without it each has its own. */
  readonly rowsRead?: { count: number };
  /** Puts what the root fields read into one statement; without it each reads for itself. */
  readonly reader?: RequestReader | undefined;
  /**
   * Rejects if the rights that this context was made of do not hold any more; while that is being found out, settles when it is known. Nothing
   * may be written before it resolved, or answered. Default: they hold.
   */
  readonly rightsHold?: () => Promise<void> | undefined;
  /** Called before a subscription begins; returns what is called once when it has ended. Throws where there is no place for it. */
  readonly admit?: (() => () => void) | undefined;
  /** What subscriptions are served from; a context of queries and mutations alone may leave it out. */
  readonly live?: LiveContext | undefined;
  readonly outgoing?: ResultDelivery | undefined;
  /** Of this context. Default: those that the schema was made with. */
  readonly limits?: QueryLimits | undefined;
}

/** Where the results of a context's subscriptions go. Without it each is pulled, and has an allowance of its own. */
export interface ResultDelivery {
  /** What may wait for the peer, over all its subscriptions. */
  readonly allowance: SendBudget;
  readonly taker: ResultSink;
}

export interface LiveContext {
  readonly scopes: ScopeRegistry;
  readonly cursors: CursorCodec;
  /** Whom statements count for; see `QueryOptions.owner`. */
  readonly owner?: string | undefined;
  /** Where streams of this context begin. Default: where `after:` says, or now. */
  readonly start?: StreamStart | undefined;
}

/** What the transport knows of where a stream has to begin; cursors as they came. */
export type StreamStart =
  /** `lastEventId` goes before `after:`: it is the newer of the two. `after` of the request's extensions goes behind it. */
  | { readonly kind: 'resume'; readonly lastEventId: string | null; readonly after: string | null }
  /** With a reset: what was told before was told by other rights. */
  | { readonly kind: 'rightsChanged' };
