import { TransactionDecoder } from './decode-transaction.js';
import type { ImageShapes } from './image-shapes.js';
import type { LoggedRow, LogRead } from './read.js';
import { ReadPositions } from './read-positions.js';
import type { Snapshot } from './snapshot.js';
import type { LoggedTransaction } from './types.js';

export interface DecodedLogRead {
  /**
   * In an order in which a transaction that waited for a row lock comes after the one that held it.
   */
  readonly transactions: readonly LoggedTransaction[];
  /** Set when it cannot be said what some images have in them, nor of which table they are. */
  readonly reset: string | null;
}

/**
 * Turns a read that started at `position` into transactions, ordered by their largest `seq`: a
 * transaction that waited for a row wrote it after the other's commit, so the other's last `seq` is
 * smaller. (By the smallest, an interleaved pair comes out backwards.) Changes of tables outside
 * the model are left out; a transaction with no other changes is left out whole. So are changes
 * that cannot be read as the model's rows, or were not logged; their transaction names the table
 * (`unreadable`). Every shape of the read must have been loaded. The last transaction's cursor is
 * the snapshot of the read.
 */
export function decode(
  read: Pick<LogRead, 'snapshot' | 'rows'>,
  position: Snapshot,
  shapes: ImageShapes,
): DecodedLogRead {
  const ordered = inFeedOrder(read.rows);
  const xids = BigInt64Array.from(ordered, ([row]) => row!.xid);
  const progress = new ReadPositions(position, read.snapshot, xids);
  const transactions: LoggedTransaction[] = [];
  let isLost = false;
  for (const [i, rows] of ordered.entries()) {
    const decoder = new TransactionDecoder(shapes);
    for (const row of rows) decoder.add(row);
    isLost ||= decoder.isLost;
    const after = progress.next();
    const transaction = decoder.finish();
    if (!transaction) continue;
    const { xid, loggedAt } = transaction;
    const anchor = { xid, loggedAt };
    const cursor = i === ordered.length - 1 ? { anchor, ...read.snapshot } : { ...after, anchor };
    transactions.push({ ...transaction, cursor });
  }
  const reset = 'the change log does not say what its images have in them; run `rivulet migrate`';
  return { transactions, reset: isLost ? reset : null };
}

/** By transaction, each one's rows by `seq`. */
function inFeedOrder(rows: readonly LoggedRow[]): readonly (readonly LoggedRow[])[] {
  const groups = new Map<bigint, LoggedRow[]>();
  for (const row of rows) {
    const group = groups.get(row.xid);
    if (group) group.push(row);
    else groups.set(row.xid, [row]);
  }
  for (const group of groups.values()) group.sort((a, b) => compare(a.seq, b.seq));
  return [...groups.values()].sort((a, b) => compare(a.at(-1)!.seq, b.at(-1)!.seq));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
