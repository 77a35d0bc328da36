import type { ResetReason } from '../../shared/protocol/messages.js';
import type { Asker, Moment } from './evaluation.js';
import type { HeldKeys } from './match/held-keys.js';
import type { Matchable } from './match/match-index.js';
import type { NetChanges } from './net.js';
import type { RelatedMessages, ScopeChange } from './types.js';

/** What a scope makes of one transaction. */
export interface Judgement {
  readonly reset: ResetReason | null;
  readonly changes: readonly ScopeChange[];
  readonly related: RelatedMessages;
}

export const NOTHING_RELATED: RelatedMessages = new Map();

/**
 * A set of rows that somebody watches. Transactions are judged one after the other, in order.
 */
export interface Scope {
  /** Tables whose changes can concern it. */
  readonly tables: ReadonlySet<string>;
  /** By what it is found when something changed. */
  readonly matchable: Matchable;
  /** The keys that are in it; `null` where it keeps none, and the row itself decides. */
  readonly held: HeldKeys | null;
  /** Reads what the scope must know before it can judge what came after `moment`; false where that could not be made out exactly. */
  load(moment: Moment): Promise<boolean>;
  /**
   * Judges a transaction in rounds: what Postgres must decide is asked of `asker`, and then the generator yields; it is resumed,
   * with the next round's asker, when the answers are there. All scopes' questions of a round go out as one statement.
   */
  judge(net: NetChanges, asker: Asker): Judging;
  /** As `judge`, at once; `undefined` where something has to be asked. */
  decide(net: NetChanges): Judgement | null | undefined;
  /** How it can be judged without knowing what is in it; `null`: not at all, because scopes hang from it. */
  readonly steady: Steady | null;
  /** Whether a row of a table is in it, here or below; `null` where it keeps no rows and only its filter can say. */
  holds(table: string, key: string): boolean | null;
}

/** Judges by the images alone, and remembers nothing: many transactions at once, of a time in which `elsewhere` did not change. */
export interface Steady {
  /** Tables besides the scope's own that say who is in it. */
  readonly elsewhere: ReadonlySet<string>;
  /** As `judge`, of several transactions in one round. */
  judgeAll(nets: readonly NetChanges[], asker: Asker): Generator<void, readonly (Judgement | null)[], Asker>;
}

/** Returns `null` when the transaction does not concern the scope. */
export type Judging = Generator<void, Judgement | null, Asker>;
