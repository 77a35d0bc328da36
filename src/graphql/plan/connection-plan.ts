import { RivuletError } from '../../../shared/errors.js';
import { and, normalize } from '../../../shared/filter/normalize.js';
import type { Filter, OrderTerm, RowCells } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import { afterFilter, reverseOrder } from '../../query/keyset.js';
import type { SelectPlan } from '../../query/types.js';
import { type PlanContext, planFilter, planOrder, planRelated, shownColumns } from './list-plan.js';
import { assertPossibleRows, limitOf } from './plan-limits.js';
import { type SelectionSets, selectionAt } from './selection.js';

export interface PageArgs {
  readonly where?: unknown;
  readonly orderBy?: unknown;
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly before?: string | null;
}

export interface PagePlan {
  /** Reads one row more than the page has, to know whether there are more. */
  readonly plan: SelectPlan;
  readonly size: number;
  /** True if the plan reads from the end, so that its rows must be reversed. */
  readonly backward: boolean;
  readonly orderBy: readonly OrderTerm[];
}

/**
 * Throws `PAGE_INVALID` if `first` and `last` are both given, `PAGE_CURSOR_INVALID` on a cursor of
 * another list.
 */
export function pagePlan(
  planning: PlanContext,
  table: ModelTable,
  args: PageArgs,
  selection: SelectionSets,
): PagePlan {
  const { limits } = planning.types;
  const backward = args.last != null;
  if (backward && args.first != null) throw new RivuletError('PAGE_INVALID', 'Use either `first` or `last`');
  const size = backward ? limitOf(limits, args.last, 'last') : limitOf(limits, args.first, 'first');
  const orderBy = planOrder(planning, table, args.orderBy);
  const parts: Filter[] = [planFilter(planning, table, args.where), planning.rights.filter(table, 'read')];
  if (args.after != null) parts.push(afterFilter(orderBy, readPageCursor(orderBy, args.after)));
  if (args.before != null)
    parts.push(afterFilter(reverseOrder(orderBy), readPageCursor(orderBy, args.before)));
  const rows = rowSelection(planning, table, selection);
  const plan: SelectPlan = {
    table,
    filter: normalize(and(...parts)),
    orderBy: backward ? reverseOrder(orderBy) : orderBy,
    limit: size + 1,
    offset: 0,
    related: planRelated(planning, table, rows),
    // A cursor contains the values that the row is ordered by.
    columns: new Set([...shownColumns(planning, table, rows), ...orderBy.map(({ column }) => column)]),
  };
  assertPossibleRows(limits, plan);
  return { plan, size, backward, orderBy };
}

/** `edges { node }` and `nodes` show the same rows, so they are planned together. */
function rowSelection({ info }: PlanContext, table: ModelTable, selection: SelectionSets): SelectionSets {
  const type = `${table.typeName}Connection`;
  return [
    ...selectionAt(info, selection, [{ type, field: 'nodes' }]),
    ...selectionAt(info, selection, [
      { type, field: 'edges' },
      { type: `${table.typeName}Edge`, field: 'node' },
    ]),
  ];
}

/**
 * A row's place in an order: the ordering columns and their texts. It contains nothing that the row
 * does not show.
 */
export function encodePageCursor(orderBy: readonly OrderTerm[], cells: RowCells): string {
  const texts = orderBy.map((term) => cells[term.column.index] ?? null);
  return Buffer.from(JSON.stringify([signature(orderBy), ...texts]), 'utf8').toString('base64url');
}

function readPageCursor(orderBy: readonly OrderTerm[], cursor: string): readonly (string | null)[] {
  const [order, ...texts] = parseArray(Buffer.from(cursor, 'base64url').toString('utf8'));
  const isText = (value: unknown): value is string | null => value === null || typeof value === 'string';
  if (order !== signature(orderBy) || texts.length !== orderBy.length || !texts.every(isText)) {
    throw new RivuletError('PAGE_CURSOR_INVALID', 'The cursor is not of a list in this order');
  }
  return texts;
}

function parseArray(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function signature(orderBy: readonly OrderTerm[]): string {
  return orderBy.map(({ column, direction }) => `${column.name} ${direction}`).join(', ');
}
