import type { ModelColumn, ModelTable } from '../model/types.js';
import { enter, leave, plainNode, update } from './describe.js';
import type { NetChange } from './net.js';
import { NOTHING_RELATED } from './scope.js';
import type { ChangeKind, ScopeChange, ScopeMessage, TransactionInfo } from './types.js';

/** By the columns that may be read, then by kind. */
const KNOWN = new WeakMap<NetChange, Map<string, Partial<Record<ChangeKind, ScopeChange>>>>();

/**
 * Describes rows of which nothing but their own columns was asked for. Whoever may read the same columns is handed the same object where the same
 * became of a row, whatever the filter was that let it through: its text is then made once, for users whose policies have nothing in common.
 */
export class PlainChanges {
  readonly #table: ModelTable;
  readonly #hidden: ReadonlySet<ModelColumn>;
  readonly #readable: string;

  constructor(table: ModelTable, hidden: ReadonlySet<ModelColumn>) {
    this.#table = table;
    this.#hidden = hidden;
    this.#readable = [...hidden]
      .map(({ index }) => index)
      .sort((a, b) => a - b)
      .join();
  }

  /** `null` where the scope has nothing to do with it. */
  describe(row: NetChange, wasIn: boolean, isIn: boolean): ScopeChange | null {
    if (!wasIn && !isIn) return null;
    const kind = isIn ? (wasIn ? 'UPDATE' : 'ENTER') : 'LEAVE';
    const kinds = this.#kindsOf(row);
    const known = kinds[kind];
    if (known) return known;
    const change = this.#make(kind, row);
    kinds[kind] = change;
    return change;
  }

  #make(kind: ChangeKind, row: NetChange): ScopeChange {
    if (kind === 'LEAVE') return leave(row.key, row);
    const node = plainNode(this.#table, row.key, row.new!);
    return kind === 'ENTER' ? enter(node, row.op) : update(this.#table, row, node, this.#hidden);
  }

  #kindsOf(row: NetChange): Partial<Record<ChangeKind, ScopeChange>> {
    let known = KNOWN.get(row);
    if (!known) {
      known = new Map();
      KNOWN.set(row, known);
    }
    let kinds = known.get(this.#readable);
    if (!kinds) {
      kinds = {};
      known.set(this.#readable, kinds);
    }
    return kinds;
  }
}

/** Past so many different messages with the same first change the rest are not compared. */
const COMPARED = 8;
const MESSAGES = new WeakMap<ScopeChange, ScopeMessage[]>();

/** One message for all that tell these very changes of a transaction, the same objects; not none. */
export function plainMessage(
  cursor: ScopeMessage['cursor'],
  transaction: TransactionInfo,
  changes: readonly ScopeChange[],
): ScopeMessage {
  const first = changes[0]!;
  let messages = MESSAGES.get(first);
  if (!messages) {
    messages = [];
    MESSAGES.set(first, messages);
  }
  for (const message of messages) {
    if (message.transaction === transaction && isSame(message.changes, changes)) return message;
  }
  const message = { cursor, reset: null, transaction, changes, related: NOTHING_RELATED };
  if (messages.length < COMPARED) messages.push(message);
  return message;
}

function isSame(left: readonly ScopeChange[], right: readonly ScopeChange[]): boolean {
  return left.length === right.length && left.every((change, at) => change === right[at]);
}
