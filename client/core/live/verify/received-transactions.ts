import type { EntityReference } from '../../cache.js';
import { isObject } from '../../row.js';
import type { ClientSchema } from '../../schema.js';
import type { RowReading } from '../row-reading.js';
import type { SuspectChange } from './report.js';

type NamedChange = Omit<SuspectChange, 'arrived'>;

/** The rows that a stream's message names, in its order. */
export function changesNamedIn(
  schema: ClientSchema,
  reading: RowReading,
  message: Readonly<Record<string, unknown>>,
): readonly NamedChange[] {
  const transaction = transactionOf(message);
  const found: NamedChange[] = [];
  const visit = (scope: Readonly<Record<string, unknown>>, table: string): void => {
    for (const each of listOf(scope.changes)) {
      if (typeof each.key !== 'string') continue;
      found.push({ transaction, table, key: each.key, kind: each.kind as NamedChange['kind'] });
    }
    const related = isObject(scope.related) ? scope.related : {};
    for (const [name, inner] of Object.entries(related)) {
      const relation = schema.model.table(table).findRelation(name);
      if (!relation || !isObject(inner)) continue;
      visit(inner, relation.target);
      for (const link of listOf(inner.links)) {
        const kind = link.kind === 'ENTER' ? 'LINK' : 'UNLINK';
        if (typeof link.child === 'string')
          found.push({ transaction, table: relation.target, key: link.child, kind });
        if (typeof link.parent === 'string') found.push({ transaction, table, key: link.parent, kind });
      }
    }
  };
  visit(message, reading.table.name);
  return found;
}

export function transactionOf({ transaction }: Readonly<Record<string, unknown>>): string {
  return isObject(transaction) && typeof transaction.xid === 'string' ? transaction.xid : '';
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Which of the last thousand transactions came to one live query. */
export class ReceivedTransactions {
  readonly #transactions = new Set<string>();

  add(message: Readonly<Record<string, unknown>>): void {
    this.#transactions.add(transactionOf(message));
    for (const first of this.#transactions) {
      if (this.#transactions.size <= MOST) break;
      this.#transactions.delete(first);
    }
  }

  has(transaction: string): boolean {
    return this.#transactions.has(transaction);
  }
}

const MOST = 1_000;

/** The last change of the first of these rows that any of the changes name. */
export function lastOf(
  rows: readonly EntityReference[],
  changes: readonly NamedChange[],
): NamedChange | undefined {
  for (const { table, key } of rows) {
    const found = changes.findLast((change) => change.table === table && change.key === key);
    if (found) return found;
  }
  return undefined;
}
