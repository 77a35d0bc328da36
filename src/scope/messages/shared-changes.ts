import type { ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { ChangeKind } from '../../../shared/protocol/messages.js';
import { became, plainNode } from './describe-change.js';
import type { NetChange } from './net-changes.js';
import type { ScopeChange, ScopeMessage, TransactionInfo } from './types.js';
import { NOTHING_RELATED } from './types.js';

/** Subscribers that see the same columns of a table's rows. */
export interface ReaderGroup {
  readonly table: ModelTable;
  readonly hidden: ReadonlySet<ModelColumn>;
  /** Equal for equal `hidden`. */
  readonly name: string;
}

export function readersOf(table: ModelTable, hidden: ReadonlySet<ModelColumn>): ReaderGroup {
  const places = [...hidden].map(({ index }) => index).sort((a, b) => a - b);
  return { table, hidden, name: places.join() };
}

/** Past so many different messages with the same first change the rest are not compared. */
const COMPARED = 8;

/**
 * Change objects for subscriptions that select only the row's own columns. Subscribers that may
 * read the same columns receive the same object for the same change of a row, whatever filter let
 * it through. So its text is made once, for users with unrelated policies.
 */
export class SharedChanges {
  readonly #changes = new WeakMap<NetChange, Map<string, Partial<Record<ChangeKind, ScopeChange>>>>();
  readonly #messages = new WeakMap<ScopeChange, ScopeMessage[]>();

  /** `null` where the scope has nothing to do with it. */
  describe(
    { table, hidden, name }: ReaderGroup,
    row: NetChange,
    wasIn: boolean,
    isIn: boolean,
  ): ScopeChange | null {
    if (!wasIn && !isIn) return null;
    const kind = isIn ? (wasIn ? 'UPDATE' : 'ENTER') : 'LEAVE';
    const kinds = this.#kindsOf(row, name);
    const known = kinds[kind];
    if (known) return known;
    const change = became(table, row, hidden, wasIn, isIn ? plainNode(table, row.key, row.new!) : null);
    kinds[kind] = change!;
    return change;
  }

  /**
   * One message for all that tell these very changes of a transaction, the same objects; not none.
   */
  message(
    cursor: ScopeMessage['cursor'],
    transaction: TransactionInfo | null,
    changes: readonly ScopeChange[],
  ): ScopeMessage {
    const first = changes[0]!;
    let messages = this.#messages.get(first);
    if (!messages) {
      messages = [];
      this.#messages.set(first, messages);
    }
    for (const message of messages) {
      if (message.transaction === transaction && isSame(message.changes, changes)) return message;
    }
    const message = { cursor, reset: null, transaction, changes, related: NOTHING_RELATED };
    if (messages.length < COMPARED) messages.push(message);
    return message;
  }

  #kindsOf(row: NetChange, readers: string): Partial<Record<ChangeKind, ScopeChange>> {
    let known = this.#changes.get(row);
    if (!known) {
      known = new Map();
      this.#changes.set(row, known);
    }
    let kinds = known.get(readers);
    if (!kinds) {
      kinds = {};
      known.set(readers, kinds);
    }
    return kinds;
  }
}

function isSame(left: readonly ScopeChange[], right: readonly ScopeChange[]): boolean {
  return left.length === right.length && left.every((change, at) => change === right[at]);
}
