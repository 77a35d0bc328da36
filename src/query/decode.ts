import type { RowCells } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import { keyOf } from '../../shared/value/key.js';
import type { RelatedPlan, RowNode } from './types.js';

/** One row as `rowsToSql` writes it. */
export type JsonRow = PlainRow | CarryingRow;

/** Decodes rows of a plan without relations. */
type PlainRow = RowCells;

/** Decodes rows of any other plan, or of a source that numbers its rows. */
export type CarryingRow = readonly [
  cells: RowCells,
  related: readonly (readonly JsonRow[] | JsonRow | null)[],
  ordinal?: number,
];

/** Reads one row of `rowsToSql`'s answer for a plan with these relations. */
export function decodeRow(table: ModelTable, plans: readonly RelatedPlan[], row: JsonRow): RowNode {
  if (!isCarrying(row)) return { table, key: keyOf(table, row), cells: row, related: NONE };
  const [cells, related] = row;
  return {
    table,
    key: keyOf(table, cells),
    cells,
    related: plans.length === 0 ? NONE : decodeRelated(plans, related),
  };
}

function isCarrying(row: JsonRow): row is CarryingRow {
  return Array.isArray(row[0]);
}

const NONE: RowNode['related'] = new Map();

function decodeRelated(plans: readonly RelatedPlan[], values: CarryingRow[1]): RowNode['related'] {
  const found = new Map<string, readonly RowNode[] | RowNode | null>();
  for (const [index, { responseKey, relation, plan }] of plans.entries()) {
    const value = values[index] ?? null;
    if (relation.kind === 'many') {
      const rows = (value ?? []) as readonly JsonRow[];
      found.set(
        responseKey,
        rows.map((row) => decodeRow(plan.table, plan.related, row)),
      );
    } else {
      found.set(responseKey, value === null ? null : decodeRow(plan.table, plan.related, value as JsonRow));
    }
  }
  return found;
}

/** A row and all rows below it. */
export function countRows(rows: readonly RowNode[]): number {
  let count = rows.length;
  for (const row of rows) {
    for (const value of row.related.values()) {
      if (value === null) continue;
      count += countRows('key' in value ? [value] : value);
    }
  }
  return count;
}
