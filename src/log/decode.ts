import type { ModelTable } from '../model/types.js';
import { inCausalOrder } from './order.js';
import type { LoggedRow, LogRead } from './read.js';
import type { Shapes } from './shapes.js';
import { type Snapshot, withVisible } from './snapshot.js';
import type { Change, LoggedTransaction } from './types.js';

export interface Decoded {
  /** In the order in which whoever waited for a row's lock comes after whom it waited for. */
  readonly transactions: readonly LoggedTransaction[];
  /** Set when an image could not be read as the model's row. */
  readonly reset: string | null;
}

/**
 * Turns a read that started at `position` into transactions, ordered by their largest `seq`: a transaction that waited for a row
 * wrote it after the other's commit, so the other's last `seq` is smaller. (By the smallest, an interleaved pair comes out backwards.)
 * Changes of tables outside the model are left out; a transaction with no other changes is left out whole.
 * Every shape of the read must have been loaded.
 */
export function decode(read: LogRead, position: Snapshot, shapes: Shapes): Decoded {
  const groups = new Map<bigint, { rows: LoggedRow[]; last: bigint }>();
  for (const row of read.rows) {
    const group = groups.get(row.xid);
    if (!group) groups.set(row.xid, { rows: [row], last: row.seq });
    else {
      group.rows.push(row);
      if (row.seq > group.last) group.last = row.seq;
    }
  }
  const ordered = [...groups].sort(([, a], [, b]) => compare(a.last, b.last));
  const xids = ordered.map(([xid]) => xid);
  let reset: string | null = null;
  const transactions: LoggedTransaction[] = [];
  ordered.forEach(([xid, { rows }], i) => {
    rows.sort((a, b) => compare(a.seq, b.seq));
    const changes: Change[] = [];
    for (const row of rows) {
      const shape = shapes.get(row.shape);
      if (shape.kind === 'unfit') reset ??= `${shape.reason}; run \`rivulet migrate\``;
      if (shape.kind !== 'known') continue;
      const { seq, op } = row;
      changes.push({
        seq,
        table: shape.table,
        op,
        old: row.old && shape.read(row.old),
        new: row.new && shape.read(row.new),
      });
    }
    if (changes.length === 0) return;
    const isLast = i === ordered.length - 1;
    const cursor = lazy(() => (isLast ? read.snapshot : withVisible(position, xids.slice(0, i + 1))));
    const first = rows[0]!;
    transactions.push({
      xid,
      loggedAt: first.loggedAt,
      mutationId: rows.find((row) => row.mutationId !== null)?.mutationId ?? null,
      changes: orderByRow(changes),
      // Costs as much as there are transactions before it: made when somebody asks.
      get cursor() {
        return cursor();
      },
    });
  });
  return { transactions, reset };
}

/** Mends the order within each row that was changed more than once; between rows, and around a TRUNCATE, `seq` decides. */
function orderByRow(changes: readonly Change[]): readonly Change[] {
  if (changes.length < 2) return changes;
  const groups = new Map<string, { places: number[]; changes: Change[] }>();
  const tables = new Map<ModelTable, { id: number; truncates: number }>();
  changes.forEach((change, place) => {
    let table = tables.get(change.table);
    if (!table) {
      table = { id: tables.size, truncates: 0 };
      tables.set(change.table, table);
    }
    const cells = change.new ?? change.old;
    if (!cells) {
      table.truncates++;
      return;
    }
    const id = JSON.stringify([
      table.id,
      table.truncates,
      change.table.key.map((column) => cells[column.index]),
    ]);
    const group = groups.get(id);
    if (!group) groups.set(id, { places: [place], changes: [change] });
    else {
      group.places.push(place);
      group.changes.push(change);
    }
  });
  const result = [...changes];
  for (const group of groups.values()) {
    const ordered = inCausalOrder(group.changes);
    group.places.forEach((place, i) => {
      result[place] = ordered[i]!;
    });
  }
  return result;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function lazy<T>(make: () => T): () => T {
  let value: { made: T } | undefined;
  return () => {
    value ??= { made: make() };
    return value.made;
  };
}
