import type { RowCells } from '../../shared/filter/types.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { quoteIdent } from '../sql/quote.js';
import type { StatementParams } from '../sql/statement.js';

/** The source of a statement's rows: the table, or images of its rows that came with a change. */
export interface RowSource {
  /** A FROM item with the table's columns under their SQL names. */
  from(alias: string): string;
  /** The row's number in the source, from 1, where it has one. */
  ordinal?(alias: string): string;
  /** The source's own order, which then wins over the plan's. */
  orderBy?(alias: string): string;
}

/** The table, from where the statement reads it. */
export function tableSource(table: ModelTable, params: StatementParams): RowSource {
  return { from: (alias) => params.from(table, alias) };
}

/**
 * Images as if they were the table: one `text[]` parameter a column, each value cast back to the
 * column's type. Rows keep the order of `images` and are numbered from 1. Equal images share their
 * parameters within one statement.
 *
 * Not `jsonb_populate_recordset`: it would read a `json` column's text as another value and needs
 * the table's row type.
 */
export function imagesSource(
  table: ModelTable,
  images: readonly RowCells[],
  params: StatementParams,
): RowSource {
  const ordinal = quoteIdent(freeName(table));
  const arrays = table.columns.map((column) =>
    params.cast(textArray(images.map((image) => image[column.index] ?? null)), 'text[]'),
  );
  const names = table.columns.map((_, index) => `c${index}`);
  const columns = table.columns.map(
    (column, index) => `${castCell(`u.c${index}`, column)} as ${quoteIdent(column.sqlName)}`,
  );
  const unnest = `unnest(${arrays.join(', ')}) with ordinality as u(${[...names, 'n'].join(', ')})`;
  return {
    from: (alias) => `(select ${columns.join(', ')}, u.n as ${ordinal} from ${unnest}) as ${alias}`,
    ordinal: (alias) => `${alias}.${ordinal}`,
    orderBy: (alias) => `${alias}.${ordinal}`,
  };
}

/** Equality depends on the collation, which a cast of the text does not have. */
function castCell(cell: string, { castType, facts }: ModelColumn): string {
  const value = `${cell}::${castType}`;
  return facts.collation === undefined ? value : `${value} collate ${facts.collation}`;
}

/** The literal of a one-dimensional `text[]`: `{"a","b",NULL}`. */
export function textArray(values: readonly (string | null)[]): string {
  const items = values.map((value) => (value === null ? 'NULL' : `"${value.replaceAll(/["\\]/g, '\\$&')}"`));
  return `{${items.join(',')}}`;
}

function freeName(table: ModelTable): string {
  let name = 'ordinal';
  while (table.columns.some((column) => column.sqlName === name)) name = `_${name}`;
  return name;
}
