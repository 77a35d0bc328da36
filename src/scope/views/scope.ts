import type { ResetReason } from '../../../shared/protocol/messages.js';
import type { BatchClient, ReadPoint } from '../evaluate/batch-evaluator.js';
import type { MatchTarget } from '../match/match-index.js';
import type { MemberKeys } from '../match/member-keys.js';
import type { NetChanges } from '../messages/net-changes.js';
import type { RelatedMessages, ScopeChange } from '../messages/types.js';

/** What a scope makes of one transaction. */
export interface ScopeDelta {
  readonly reset: ResetReason | null;
  readonly changes: readonly ScopeChange[];
  readonly related: RelatedMessages;
}

/**
 * A set of rows that somebody watches. Transactions are judged one after the other, in order.
 */
export interface Scope {
  /** Tables whose changes can concern it. */
  readonly tables: ReadonlySet<string>;
  /** By what it is found when something changed. */
  readonly matchable: MatchTarget;
  /** The keys that are in it; `null` where it keeps none, and the row itself decides. */
  readonly held: MemberKeys | null;
  /** Reads what the scope must know before it can judge what came after `moment`; false where that could not be made out exactly. */
  load(moment: ReadPoint): Promise<boolean>;
  /**
   * Judges a transaction in rounds: what Postgres must decide is asked of `asker`, and then the generator yields; it is resumed,
   * with the next round's asker, when the answers are there. All scopes' questions of a round go out as one statement.
   */
  evaluate(net: NetChanges, asker: BatchClient): ScopeEvaluation;
  /** As `judge`, at once; `undefined` where something has to be asked. */
  evaluateInMemory(net: NetChanges): ScopeDelta | null | undefined;
  /** How it can be judged without knowing what is in it; `null`: not at all, because scopes hang from it. */
  readonly steady: StatelessEvaluation | null;
  /** Whether a row of a table is in it, here or below; `null` where it keeps no rows and only its filter can say. */
  holds(table: string, key: string): boolean | null;
}

/** Judges by the images alone, and remembers nothing: many transactions at once, of a time in which `elsewhere` did not change. */
export interface StatelessEvaluation {
  /** Tables besides the scope's own that say who is in it. */
  readonly elsewhere: ReadonlySet<string>;
  /** As `judge`, of several transactions in one round. */
  evaluateAll(
    nets: readonly NetChanges[],
    asker: BatchClient,
  ): Generator<void, readonly (ScopeDelta | null)[], BatchClient>;
}

/** Returns `null` when the transaction does not concern the scope. */
export type ScopeEvaluation = Generator<void, ScopeDelta | null, BatchClient>;
