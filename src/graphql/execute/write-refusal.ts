import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { Database } from '../../database/types.js';
import { drizzleColumn } from '../../model/drizzle.js';
import { runExpressions, runSelect } from '../../query/select.js';
import { imagesSource } from '../../query/source.js';
import type { WrittenValues } from '../../query/write.js';
import {
  checkedColumns,
  isUnchecked,
  readRefusal,
  refusalToSql,
  type WriteCheck,
  type WriteRefusal,
} from '../../query/write-check.js';
import { StatementParams } from '../../sql/statement.js';
import { fromDrizzleValue } from '../../value/codec.js';

/**
 * The refusal of an insert that violated a constraint; `undefined`: all rows would have been
 * allowed.
 *
 * Postgres reports a violated unique, exclusion or check constraint before the check of the writing
 * statement is evaluated, and the error would say which rows exist to somebody who may not write
 * there. So the constraint is reported only if the check is true on every row. A row is refused if
 * the check reads a column whose value only the database would have filled in.
 */
export async function insertRefusal(
  database: Database,
  model: Model,
  table: ModelTable,
  check: WriteCheck,
  rows: readonly WrittenValues[],
): Promise<WriteRefusal | undefined> {
  const images = rows.map((row) =>
    imageOf(table, (column) => {
      if (row.has(column)) return row.get(column)!;
      return column.hasDefault ? declaredDefault(column) : null;
    }),
  );
  return firstRefusal(database, model, table, check, images);
}

/**
 * The same for an update of the rows on which `target` is true. Refuses if there is no such row,
 * because the updated rows are not known.
 */
export async function updateRefusal(
  database: Database,
  model: Model,
  table: ModelTable,
  target: Filter,
  check: WriteCheck,
  set: WrittenValues,
  limit: number,
): Promise<WriteRefusal | undefined> {
  if (isUnchecked(check)) return undefined;
  const plan = { table, filter: target, orderBy: [], limit, offset: 0, related: [] };
  const { rows } = await runSelect(database, model, plan);
  if (rows.length === 0) return 'policy';
  const images = rows.map(({ cells }) =>
    imageOf(table, (column) => {
      if (set.has(column)) return set.get(column)!;
      return drizzleColumn(column).generated === undefined ? (cells[column.index] ?? null) : undefined;
    }),
  );
  return firstRefusal(database, model, table, check, images);
}

interface RowImage {
  readonly cells: RowCells;
  /** Columns whose value only the database knows. */
  readonly unknown: ReadonlySet<ModelColumn>;
}

/** `cellOf` returns `undefined` if only the database knows the value. */
function imageOf(table: ModelTable, cellOf: (column: ModelColumn) => string | null | undefined): RowImage {
  const unknown = new Set<ModelColumn>();
  const cells = table.columns.map((column) => {
    const value = cellOf(column);
    if (value === undefined) unknown.add(column);
    return value ?? null;
  });
  return { cells, unknown };
}

/** The text of a default that is a plain value in the Drizzle schema. */
function declaredDefault(column: ModelColumn): string | undefined {
  const value: unknown = drizzleColumn(column).default;
  if (value === undefined) return undefined;
  try {
    return fromDrizzleValue(column, value) ?? undefined;
  } catch {
    return undefined;
  }
}

async function firstRefusal(
  database: Database,
  model: Model,
  table: ModelTable,
  check: WriteCheck,
  images: readonly RowImage[],
): Promise<WriteRefusal | undefined> {
  if (isUnchecked(check)) return undefined;
  const read = [...checkedColumns(check)];
  const isUnknown = ({ unknown }: RowImage) => read.some((column) => unknown.has(column));
  const blind = images.findIndex(isUnknown);
  const known = blind < 0 ? images : images.slice(0, blind);
  const refusal = known.length === 0 ? undefined : await evaluate(database, model, table, check, known);
  return refusal ?? (blind < 0 ? undefined : 'policy');
}

async function evaluate(
  database: Database,
  model: Model,
  table: ModelTable,
  check: WriteCheck,
  images: readonly RowImage[],
): Promise<WriteRefusal | undefined> {
  const params = new StatementParams();
  const source = imagesSource(
    table,
    images.map(({ cells }) => cells),
    params,
  );
  const refusal = refusalToSql(model, check, 't0', params, source.from);
  const refused = `select ${refusal} as refusal, ${source.ordinal!('t0')} as place from ${source.from('t0')}`;
  const first = `(select coalesce((select r.refusal from (${refused}) as r where r.refusal is not null order by r.place limit 1), ''))`;
  const { values } = await runExpressions(database, [first], params);
  return values[0] === '' ? undefined : readRefusal(values[0]!);
}
