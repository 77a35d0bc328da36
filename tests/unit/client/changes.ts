import type { ChangeData, SelectedChange, WireRow } from '../../../shared/protocol/selected.js';

/** Short ways to write the messages of plain streams: the change of one row, as its table's own stream sends it. */
export function inserted(table: string, node: WireRow): ChangeData {
  return change(table, { kind: 'ENTER', op: 'INSERT', key: keyOf(node), node });
}

export function updated(table: string, node: WireRow, more: Partial<SelectedChange> = {}): ChangeData {
  return change(table, { kind: 'UPDATE', op: 'UPDATE', key: keyOf(node), node, ...more });
}

export function deleted(table: string, key: string, previous?: WireRow): ChangeData {
  return change(table, { kind: 'LEAVE', op: 'DELETE', key, node: null, ...(previous ? { previous } : {}) });
}

export function change(table: string, row: SelectedChange): ChangeData {
  return { [`${singular(table)}Changes`]: { changes: [row] } };
}

function singular(table: string): string {
  return table.replace(/s$/, '');
}

function keyOf(node: WireRow): string {
  return String(node.id ?? `${node.postId}:${node.labelId}`);
}

/** Freezes all of a value, so that writing to it throws. */
export function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}
