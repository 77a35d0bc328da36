import { entityId } from '../message-facts.js';
import type { ChangeReport, ReportedScope } from './change-reports.js';

/**
 * The order of transactions, as far as streams tell it, so that a stream that lags behind another
 * does not take back what the other told of a row.
 *
 * Each stream tells in order; of two streams it is not known which is ahead. A transaction comes
 * after whatever was told before it was told first, and after whatever the same stream told before
 * it, also where another stream told it earlier. Of more than 1,000 transactions (in all, and of
 * each stream) and 10,000 rows the oldest are forgotten.
 */
export class TransactionOrder {
  readonly #places = new Map<string, number>();
  /** By row, the transaction that was told of it last. */
  readonly #rows = new Map<string, string>();
  readonly #streams = new Map<unknown, StreamOrder>();
  #last = 0;

  /**
   * Without what is older than what is known. `stream`: whose message it is; `undefined`: of
   * several.
   */
  withoutOld(told: ChangeReport, stream?: unknown): ChangeReport {
    const { xid } = told;
    if (xid === null) return told;
    const at = this.#place(xid, stream);
    const messages = told.messages.map((message) => ({
      ...message,
      root: this.#scope(message.root, xid, at),
    }));
    return { ...told, messages };
  }

  /** The stream ended. */
  forget(stream: unknown): void {
    this.#streams.delete(stream);
  }

  #place(xid: string, stream: unknown): number {
    let at = this.#places.get(xid) ?? ++this.#last;
    if (stream !== undefined) {
      const heard = this.#streams.get(stream) ?? { last: 0, xids: new Map() };
      this.#streams.set(stream, heard);
      // A transaction that a stream repeats keeps its place.
      if (!heard.xids.has(xid) && at <= heard.last) at = ++this.#last;
      heard.last = Math.max(heard.last, at);
      remember(heard.xids, xid, true, MOST_TRANSACTIONS);
    }
    remember(this.#places, xid, at, MOST_TRANSACTIONS);
    return at;
  }

  #scope(scope: ReportedScope, xid: string, at: number): ReportedScope {
    const changes = scope.changes.filter(({ key }) => {
      const id = entityId(scope.table.name, key);
      const before = this.#rows.get(id);
      if (before !== undefined && (this.#places.get(before) ?? 0) > at) return false;
      remember(this.#rows, id, xid, MOST_ROWS);
      return true;
    });
    return { ...scope, changes, related: scope.related.map((inner) => this.#scope(inner, xid, at)) };
  }
}

interface StreamOrder {
  /** The place of what it told last. */
  last: number;
  readonly xids: Map<string, true>;
}

const MOST_TRANSACTIONS = 1_000;
const MOST_ROWS = 10_000;

function remember<T>(known: Map<string, T>, name: string, value: T, most: number): void {
  known.delete(name);
  known.set(name, value);
  for (const first of known.keys()) {
    if (known.size <= most) break;
    known.delete(first);
  }
}
