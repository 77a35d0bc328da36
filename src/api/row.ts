import type { RowCells } from '../../shared/filter/types.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import type { RowNode } from '../query/types.js';
import type { RelatedSpec } from '../scope/messages/types.js';
import { toDrizzleValue } from '../value/codec.js';
import type { UntypedRow } from './types.js';

/** The presentation of one level's rows. */
export interface RowView {
  readonly hidden: ReadonlySet<ModelColumn>;
  readonly graph: readonly RelatedSpec[];
}

/**
 * A row as Drizzle's `findMany` returns it; frozen, because all subscribers are handed the same.
 */
export function toRow(node: RowNode, view: RowView): UntypedRow {
  const row = columnsOf(node.table, node.cells, view.hidden);
  for (const inner of view.graph) {
    const found = node.related.get(inner.responseKey) ?? null;
    row[inner.responseKey] =
      found === null || 'key' in found
        ? found && toRow(found, inner)
        : Object.freeze(found.map((each) => toRow(each, inner)));
  }
  return Object.freeze(row);
}

/** An image as a row without relations; hidden columns are not there. */
export function toPlainRow(
  table: ModelTable,
  cells: RowCells,
  hidden: ReadonlySet<ModelColumn>,
): Readonly<UntypedRow> {
  return Object.freeze(columnsOf(table, cells, hidden));
}

function columnsOf(table: ModelTable, cells: RowCells, hidden: ReadonlySet<ModelColumn>): UntypedRow {
  const row: UntypedRow = {};
  for (const column of table.columns) {
    if (!hidden.has(column)) row[column.name] = toDrizzleValue(column, cells[column.index] ?? null);
  }
  return row;
}
