import type { Cells } from '../filter/types.js';
import type { ModelTable } from '../model/types.js';
import { inCausalOrder } from './order.js';
import type { LoggedRow, LogRead } from './read.js';
import type { Shapes } from './shapes.js';
import { positionWithin, type Snapshot } from './snapshot.js';
import type { Change, LoggedTransaction } from './types.js';

export interface Decoded {
  /** In the order in which whoever waited for a row's lock comes after whom it waited for. */
  readonly transactions: readonly LoggedTransaction[];
  /** Set when it cannot be said what some images have in them, nor of which table they are. */
  readonly reset: string | null;
}

/**
 * Turns a read that started at `position` into transactions, ordered by their largest `seq`: a transaction that waited for a row
 * wrote it after the other's commit, so the other's last `seq` is smaller. (By the smallest, an interleaved pair comes out backwards.)
 * Changes of tables outside the model are left out; a transaction with no other changes is left out whole. So are changes that cannot be read as
 * the model's rows, or were not logged; their transaction names the table (`unreadable`).
 * Every shape of the read must have been loaded. The last transaction's cursor is the snapshot of the read.
 */
export function decode(
  read: Pick<LogRead, 'snapshot' | 'rows'>,
  position: Snapshot,
  shapes: Shapes,
): Decoded {
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
    const unreadable = new Map<ModelTable, string>();
    for (const row of rows) {
      const decoded = decodeRow(row, shapes);
      if (decoded.kind === 'changes') changes.push(...decoded.changes);
      else if (decoded.kind === 'unreadable') unreadable.set(decoded.table, decoded.reason);
      else reset ??= 'the change log does not say what its images have in them; run `rivulet migrate`';
    }
    if (changes.length === 0 && unreadable.size === 0) return;
    const { loggedAt } = rows[0]!;
    const isLast = i === ordered.length - 1;
    const cursor = lazy((): Snapshot => {
      const anchor = { xid, loggedAt };
      if (isLast) return { anchor, ...read.snapshot };
      return {
        ...positionWithin(position, read.snapshot, xids.slice(0, i + 1), xids.slice(i + 1)),
        anchor,
      };
    });
    transactions.push({
      xid,
      loggedAt,
      mutationId: rows.find((row) => row.mutationId !== null)?.mutationId ?? null,
      changes: orderByRow(changes),
      unreadable,
      // Costs as much as there are transactions in the read: made when somebody asks.
      get cursor() {
        return cursor();
      },
    });
  });
  return { transactions, reset };
}

type DecodedRow =
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  | { readonly kind: 'unreadable'; readonly table: ModelTable; readonly reason: string }
  | { readonly kind: 'lost' };

const NOTHING: DecodedRow = { kind: 'changes', changes: [] };

function decodeRow(row: LoggedRow, shapes: Shapes): DecodedRow {
  const { seq, op } = row;
  const table = shapes.tableOf(row);
  if (table === null) return NOTHING;
  if (table === 'lost') return { kind: 'lost' };
  if (op === 'UNKNOWN') {
    return { kind: 'unreadable', table, reason: `${table.sqlName} may have changed without being logged` };
  }
  if (op === 'TRUNCATE') return { kind: 'changes', changes: [{ seq, table, op, old: null, new: null }] };
  const images: (Cells | null)[] = [];
  for (const image of [row.old, row.new]) {
    const of = image && shapes.of(row.shape, image);
    if (of?.shape.kind === 'unfit') return { kind: 'unreadable', table, reason: of.shape.reason };
    images.push(of?.shape.kind === 'known' ? of.shape.read(of.image) : null);
  }
  return { kind: 'changes', changes: changesOf(seq, table, op, images[0] ?? null, images[1] ?? null) };
}

/** An update that changed the key is two changes, also where what logged it took other columns for the key. */
function changesOf(
  seq: bigint,
  table: ModelTable,
  op: Change['op'],
  old: Cells | null,
  next: Cells | null,
): readonly Change[] {
  const isSameRow = !old || !next || table.key.every(({ index }) => old[index] === next[index]);
  if (isSameRow) return [{ seq, table, op, old, new: next }];
  return [
    { seq, table, op: 'DELETE', old, new: null },
    { seq, table, op: 'INSERT', old: null, new: next },
  ];
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
