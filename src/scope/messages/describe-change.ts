import type { RowCells } from '../../../shared/filter/types.js';
import type { ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { RowNode } from '../../query/types.js';
import type { NetChange } from './net-changes.js';
import type { ScopeChange } from './types.js';

const NO_RELATED: RowNode['related'] = new Map();

/** A row of which nothing but its own columns was asked for. */
export function plainNode(table: ModelTable, key: string, cells: RowCells): RowNode {
  return { table, key, cells, related: NO_RELATED };
}

export function enter(node: RowNode, op: ScopeChange['op']): ScopeChange {
  return { kind: 'ENTER', op, key: node.key, node, previous: null, changedColumns: [] };
}

/**
 * LEAVE carries the key alone and says nothing of why; only a deletion is named, with the row that
 * the subscriber had.
 */
export function leave(key: string, change: NetChange | null): ScopeChange {
  const deleted = change?.op === 'DELETE';
  return {
    kind: 'LEAVE',
    op: deleted ? 'DELETE' : null,
    key,
    node: null,
    previous: deleted ? change.old : null,
    changedColumns: [],
  };
}

/**
 * The change of a row for a subscriber that had it or not (`wasIn`) and sees it now as `node`;
 * `null` if nothing changed.
 */
export function became(
  table: ModelTable,
  change: NetChange,
  hidden: ReadonlySet<ModelColumn>,
  wasIn: boolean,
  node: RowNode | null,
): ScopeChange | null {
  if (node === null) return wasIn ? leave(change.key, change) : null;
  return wasIn ? update(table, change, node, hidden) : enter(node, change.op);
}

export function update(
  table: ModelTable,
  change: NetChange,
  node: RowNode,
  hidden: ReadonlySet<ModelColumn>,
): ScopeChange {
  const changedColumns = table.columns.filter(
    (column) => !hidden.has(column) && change.old?.[column.index] !== node.cells[column.index],
  );
  return { kind: 'UPDATE', op: change.op, key: node.key, node, previous: change.old, changedColumns };
}
