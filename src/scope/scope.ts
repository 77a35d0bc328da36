import type { Filter } from '../filter/types.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import type { Evaluation } from './evaluation.js';
import type { NetChanges } from './net.js';
import type { ResetReason, ScopeChange } from './types.js';

/** What a scope makes of one transaction. */
export interface Judgement {
  readonly reset: ResetReason | null;
  readonly changes: readonly ScopeChange[];
}

/**
 * A set of rows that somebody watches. Transactions are judged one after the other, each in two steps: `begin` asks for
 * what Postgres must decide (all scopes' questions go out as one statement), `end` is called with the answers.
 */
export interface Scope {
  /** Tables whose changes can concern it. */
  readonly tables: ReadonlySet<string>;
  /**
   * Reads what the scope must know before it can judge; resolves with the snapshot it was read at (changes visible in it
   * are already counted), or `null` where it needs to know nothing.
   */
  load(): Promise<Snapshot | null>;
  /** Returns the second step, or `null` when the transaction does not concern the scope. */
  begin(transaction: LoggedTransaction, net: NetChanges, evaluation: Evaluation): (() => Judgement) | null;
}

export const EVERYTHING: Filter = { kind: 'const', value: true };
