import { parseOrder } from '../../shared/filter/order.js';
import { parseFilter } from '../../shared/filter/parse.js';
import type { OrderTerm } from '../../shared/filter/types.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { comparisonOf } from '../../shared/value/compare.js';
import type { ListArgs } from './cache.js';
import type { CellReader } from './row.js';
import { conditionOf, type RowCondition } from './row-condition.js';
import type { ClientSchema } from './schema.js';

/** A list's arguments, read once. */
export interface ListRule {
  readonly condition: RowCondition;
  /** Ends with the primary key, as on the server. */
  readonly order: readonly OrderTerm[];
  readonly limit: number | null;
  readonly offset: number;
  /** Equal for equal arguments. */
  readonly key: string;
}

/** Throws the coded errors of filters and orders on arguments that the server would refuse. */
export function readList(schema: ClientSchema, table: ModelTable, args: ListArgs): ListRule {
  const where = args.where ?? {};
  const filter = parseFilter(schema.model, table, where, { encode: schema.encode });
  const condition = conditionOf(table, filter);
  const order = parseOrder(table, args.orderBy);
  const limit = args.limit === undefined ? schema.manifest.limits.defaultRows : args.limit;
  const offset = args.offset ?? 0;
  const directions = order.map(({ column, direction }) => `${column.name} ${direction}`);
  return {
    condition,
    order,
    limit,
    offset,
    key: JSON.stringify([condition.key, directions, limit, offset]),
  };
}

/**
 * Negative where `left` comes first, as Postgres orders; `undefined` where only Postgres knows:
 * text that differs (its order is that of a collation), or a column that is not known.
 */
export function compareRows(
  order: readonly OrderTerm[],
  left: CellReader,
  right: CellReader,
): number | undefined {
  for (const { column, direction } of order) {
    const difference = compareCells(column, direction, left(column), right(column));
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareCells(
  column: ModelColumn,
  direction: OrderTerm['direction'],
  left: string | null | undefined,
  right: string | null | undefined,
): number | undefined {
  if (left === undefined || right === undefined) return undefined;
  const descends = direction.startsWith('DESC');
  if (left === null || right === null) {
    if (left === right) return 0;
    const nullsFirst = direction.endsWith('NULLS_FIRST') || direction === 'DESC';
    return (left === null) === nullsFirst ? -1 : 1;
  }
  const difference = compareTexts(column, left, right);
  return difference === undefined ? undefined : descends ? -difference : difference;
}

function compareTexts(column: ModelColumn, left: string, right: string): number | undefined {
  if (left === right) return 0;
  const comparison = comparisonOf(column.type);
  if (!comparison || !areDeclared(column, left, right)) return undefined;
  const difference = comparison.compare(comparison.read(left), comparison.read(right));
  return difference === 0 || comparison.ordered ? difference : undefined;
}

/** A label that the schema does not know yet may stand anywhere in the database's order. */
function areDeclared({ type }: ModelColumn, left: string, right: string): boolean {
  if (type.kind === 'array') return type.of.kind !== 'enum';
  return type.kind !== 'enum' || (type.values.includes(left) && type.values.includes(right));
}
