import type { ColumnType } from '../model/types.js';

/**
 * The text of a value by which rows are linked, such that equal values of a number's type have one text: Postgres writes `1.0` and
 * `1.00` as they were stored and finds them equal. Of other types Postgres's own text is taken for the value.
 */
export function linkText(type: ColumnType, text: string): string {
  switch (type.kind) {
    case 'numeric':
      return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
    case 'float':
      return text === '-0' ? '0' : text;
    default:
      return text;
  }
}
