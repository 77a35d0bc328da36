import { filterKey, normalize } from '../../shared/filter/normalize.js';
import { compilePredicate } from '../../shared/filter/predicate.js';
import type { Filter, RowPredicate } from '../../shared/filter/types.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import type { CellReader } from './row.js';

/** A filter as far as a client can decide it. */
export interface RowCondition {
  /** True if it selects the row; `undefined` if only Postgres, or unknown columns, can decide. */
  evaluate(row: CellReader): boolean | undefined;
  /** The columns of the row itself that it reads. */
  readonly columns: ReadonlySet<ModelColumn>;
  /** True where it selects every row. */
  readonly always: boolean;
  /** Equal for equal filters on the same table. */
  readonly key: string;
  /** In normal form. */
  readonly filter: Filter;
}

/**
 * The part of the filter that JavaScript decides exactly is decided by the same code as on the
 * server; the rest is left open.
 */
export function conditionOf(table: ModelTable, filter: Filter): RowCondition {
  const columns = new Set<ModelColumn>();
  collectColumns(filter, columns);
  return {
    evaluate: compileCondition(table, filter),
    columns,
    always: filter.kind === 'const' && filter.value,
    key: filterKey(filter),
    filter: normalize(filter),
  };
}

type EvaluateRow = RowCondition['evaluate'];

/** SQL's unknown selects no row, so at the top, and below AND and OR, it counts as false. */
function compileCondition(table: ModelTable, filter: Filter): EvaluateRow {
  if (filter.kind === 'and' || filter.kind === 'or') {
    const parts = filter.filters.map((part) => compileCondition(table, part));
    const decisive = filter.kind === 'or';
    return (row) => {
      let result: boolean | undefined = !decisive;
      for (const part of parts) {
        const next = part(row);
        if (next === decisive) return decisive;
        if (next === undefined) result = undefined;
      }
      return result;
    };
  }
  const predicate = compilePredicate(filter);
  if (!predicate) return () => undefined;
  const columns = new Set<ModelColumn>();
  collectColumns(filter, columns);
  return (row) => evaluatePredicate(table, predicate, columns, row);
}

function evaluatePredicate(
  table: ModelTable,
  predicate: RowPredicate,
  columns: ReadonlySet<ModelColumn>,
  row: CellReader,
): boolean | undefined {
  const cells: (string | null)[] = table.columns.map(() => null);
  for (const column of columns) {
    const cell = row(column);
    if (cell === undefined) return undefined;
    cells[column.index] = cell;
  }
  return predicate(cells) === true;
}

function collectColumns(filter: Filter, columns: Set<ModelColumn>): void {
  switch (filter.kind) {
    case 'const':
      break;
    case 'and':
    case 'or':
      for (const part of filter.filters) collectColumns(part, columns);
      break;
    case 'not':
      collectColumns(filter.filter, columns);
      break;
    case 'related':
      for (const column of filter.relation.from) columns.add(column);
      break;
    case 'compare':
    case 'in':
    case 'isNull':
    case 'like':
    case 'array':
      columns.add(filter.column);
      break;
  }
}
