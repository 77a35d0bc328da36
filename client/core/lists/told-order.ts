import { entityId } from '../facts.js';
import type { Told, ToldScope } from './told.js';

/**
 * The order in which transactions were told of first, so that a stream that lags behind another does not take back what the other told of
 * a row. Of more than 1,000 transactions and 10,000 rows the oldest are forgotten.
 */
export class ToldOrder {
  readonly #transactions = new Map<string, number>();
  readonly #rows = new Map<string, number>();
  #last = 0;

  withoutOld(told: Told): Told {
    if (told.xid === null) return told;
    const at = this.#transactions.get(told.xid) ?? ++this.#last;
    remember(this.#transactions, told.xid, at, MOST_TRANSACTIONS);
    const messages = told.messages.map((message) => ({ ...message, root: this.#scope(message.root, at) }));
    return { ...told, messages };
  }

  #scope(scope: ToldScope, at: number): ToldScope {
    const changes = scope.changes.filter(({ key }) => {
      const id = entityId(scope.table.name, key);
      if ((this.#rows.get(id) ?? 0) > at) return false;
      remember(this.#rows, id, at, MOST_ROWS);
      return true;
    });
    return { ...scope, changes, related: scope.related.map((inner) => this.#scope(inner, at)) };
  }
}

const MOST_TRANSACTIONS = 1_000;
const MOST_ROWS = 10_000;

function remember(known: Map<string, number>, name: string, at: number, most: number): void {
  known.delete(name);
  known.set(name, at);
  for (const first of known.keys()) {
    if (known.size <= most) break;
    known.delete(first);
  }
}
