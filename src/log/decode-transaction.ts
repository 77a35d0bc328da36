import type { RowCells } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import type { ImageShapes } from './image-shapes.js';
import type { LoggedRow } from './read.js';
import { RowOrder } from './row-order.js';
import type { LoggedChange, LoggedTransaction } from './types.js';

/**
 * Turns the rows of one transaction into its changes, by parts where they are many. Rows are added
 * in the order of `seq`, and their shapes must have been loaded.
 */
export class TransactionDecoder {
  readonly #shapes: ImageShapes;
  readonly #order = new RowOrder();
  readonly #unreadable = new Map<ModelTable, string>();
  #first: LoggedRow | null = null;
  #mutationId: string | null = null;
  #isLost = false;

  constructor(shapes: ImageShapes) {
    this.#shapes = shapes;
  }

  /** It cannot be said what some images have in them, nor of which table they are. */
  get isLost(): boolean {
    return this.#isLost;
  }

  add(row: LoggedRow): void {
    this.#first ??= row;
    this.#mutationId ??= row.mutationId;
    const decoded = decodeRow(row, this.#shapes);
    if (decoded.kind === 'lost') this.#isLost = true;
    else if (decoded.kind === 'unreadable') this.#unreadable.set(decoded.table, decoded.reason);
    else for (const change of decoded.changes) this.#order.add(change, decoded.logged);
  }

  /** Without its cursor; `null` where nothing of it concerns the model. */
  finish(): Omit<LoggedTransaction, 'cursor'> | null {
    const changes = this.#order.finish();
    for (const table of this.#order.broken) {
      this.#unreadable.set(table, `some changes of ${table.sqlName} went by without being logged`);
    }
    if (!this.#first || (changes.length === 0 && this.#unreadable.size === 0)) return null;
    const { xid, loggedAt } = this.#first;
    const isTooLarge = this.#first.op === 'TOO_MANY';
    return { xid, loggedAt, mutationId: this.#mutationId, changes, unreadable: this.#unreadable, isTooLarge };
  }
}

type DecodedRow =
  | {
      readonly kind: 'changes';
      readonly changes: readonly LoggedChange[];
      /** Places of the columns of which every change is logged; `null`: all. */
      readonly logged: readonly number[] | null;
    }
  | { readonly kind: 'unreadable'; readonly table: ModelTable; readonly reason: string }
  | { readonly kind: 'lost' };

const NOTHING: DecodedRow = { kind: 'changes', changes: [], logged: null };

function decodeRow(row: LoggedRow, shapes: ImageShapes): DecodedRow {
  const { seq, op } = row;
  const table = shapes.tableOf(row);
  if (table === null) return NOTHING;
  if (table === 'lost') return { kind: 'lost' };
  if (op === 'UNKNOWN') {
    return { kind: 'unreadable', table, reason: `${table.sqlName} may have changed without being logged` };
  }
  if (op === 'TOO_MANY') {
    return { kind: 'unreadable', table, reason: `too many rows of ${table.sqlName} were changed at once` };
  }
  if (op === 'TRUNCATE') {
    return { kind: 'changes', changes: [{ seq, table, op, old: null, new: null }], logged: null };
  }
  const images: (RowCells | null)[] = [];
  let logged: readonly number[] | null = null;
  for (const image of [row.old, row.new]) {
    const of = image && shapes.of(row.shape, image);
    if (of?.shape.kind === 'unfit') return { kind: 'unreadable', table, reason: of.shape.reason };
    if (of?.shape.kind !== 'known') images.push(null);
    else {
      images.push(of.shape.read(of.image));
      logged = of.shape.logged;
    }
  }
  return {
    kind: 'changes',
    changes: changesOf(seq, table, op, images[0] ?? null, images[1] ?? null),
    logged,
  };
}

/**
 * An update that changed the key is two changes, also where what logged it took other columns for
 * the key.
 */
function changesOf(
  seq: bigint,
  table: ModelTable,
  op: LoggedChange['op'],
  old: RowCells | null,
  next: RowCells | null,
): readonly LoggedChange[] {
  const isSameRow = !old || !next || table.key.every(({ index }) => old[index] === next[index]);
  if (isSameRow) return [{ seq, table, op, old, new: next }];
  return [
    { seq, table, op: 'DELETE', old, new: null },
    { seq, table, op: 'INSERT', old: null, new: next },
  ];
}
