import type { ModelColumn } from '../../shared/model/types.js';
import { quoteIdent } from '../sql/quote.js';

/** `t0."project_id"`. The alias goes into the SQL as it is. */
export function columnSql(alias: string, column: ModelColumn): string {
  return `${alias}.${quoteIdent(column.sqlName)}`;
}

/** `l."a" = r."x" and l."b" = r."y"`. */
export function pairsSql(
  left: string,
  leftColumns: readonly ModelColumn[],
  right: string,
  rightColumns: readonly ModelColumn[],
): string {
  return leftColumns
    .map((column, index) => `${columnSql(left, column)} = ${columnSql(right, rightColumns[index]!)}`)
    .join(' and ');
}
