import type { ResetReason } from '../../../shared/protocol/messages.js';
import type { BatchClient, ReadPoint } from '../evaluate/batch-evaluator.js';
import type { MatchTarget } from '../match/match-index.js';
import type { MemberKeys } from '../match/member-keys.js';
import type { NetChanges } from '../messages/net-changes.js';
import type { RelatedMessages, ScopeChange } from '../messages/types.js';

/** The changes of one transaction to a scope. */
export interface ScopeDelta {
  readonly reset: ResetReason | null;
  readonly changes: readonly ScopeChange[];
  readonly related: RelatedMessages;
}

/**
 * A set of rows with subscribers. Transactions are evaluated one after the other, in order.
 */
export interface Scope {
  /** Tables whose changes can concern it. */
  readonly tables: ReadonlySet<string>;
  /** The target by which a change finds the scope. */
  readonly matchable: MatchTarget;
  /** The keys that are in it; `null` where it keeps none, and the row itself decides. */
  readonly held: MemberKeys | null;
  /**
   * Reads the state that evaluation after `moment` needs; false if it could not be read exactly.
   */
  load(moment: ReadPoint): Promise<boolean>;
  /**
   * Evaluates a transaction in batches: the scope adds its queries to `client`, and then the
   * generator yields. It is resumed with the next batch's client when the results are there. All
   * scopes' queries of a batch go out as one statement.
   */
  evaluate(net: NetChanges, client: BatchClient): ScopeEvaluation;
  /** As `evaluate`, synchronously; `undefined` if the database must be queried. */
  evaluateInMemory(net: NetChanges): ScopeDelta | null | undefined;
  /**
   * Evaluation without knowledge of the scope's rows; `null` if scopes below it need that
   * knowledge.
   */
  readonly steady: StatelessEvaluation | null;
  /**
   * True if it contains a row of a table, here or below; `null` if it keeps no rows and only its
   * filter can tell.
   */
  holds(table: string, key: string): boolean | null;
}

/**
 * Evaluates by the images alone, and keeps nothing: many transactions at once, of a time in which
 * `elsewhere` did not change.
 */
export interface StatelessEvaluation {
  /** Tables besides the scope's own that say who is in it. */
  readonly elsewhere: ReadonlySet<string>;
  /** As `evaluate`, for several transactions in one batch. */
  evaluateAll(
    nets: readonly NetChanges[],
    client: BatchClient,
  ): Generator<void, readonly (ScopeDelta | null)[], BatchClient>;
}

/** Returns `null` when the transaction does not concern the scope. */
export type ScopeEvaluation = Generator<void, ScopeDelta | null, BatchClient>;
