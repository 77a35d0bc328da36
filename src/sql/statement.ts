import { quoteName } from './quote.js';

/**
 * SQL text with its parameters. Every parameter is text (or NULL) and is cast in the SQL:
 * `$1::text::integer`.
 */
export interface Statement {
  readonly text: string;
  readonly params: readonly (string | null)[];
}

/** A table as a FROM item that calls its rows `alias`. */
export type FromTable = (
  table: { readonly sqlSchema: string; readonly sqlName: string },
  alias: string,
) => string;

/** The table itself, as it is now. */
export const fromTable: FromTable = ({ sqlSchema, sqlName }, alias) =>
  `${quoteName(sqlSchema, sqlName)} as ${alias}`;

/**
 * Parameters of a statement under construction, and the sources of its tables. Equal values share
 * one placeholder.
 */
export class StatementParams {
  /** `fromTable`, unless the statement reads tables as they were at another moment. */
  readonly from: FromTable;
  readonly values: (string | null)[] = [];
  /**
   * Rows that the statement may read on all levels together before it stops; `null`: as many as
   * there are. See `query/row-cap.ts`.
   */
  rowCap: number | null = null;
  readonly #places = new Map<string | null, string>();

  constructor(from: FromTable = fromTable) {
    this.from = from;
  }

  /** The placeholder for `value` as text: `$3::text`. */
  text(value: string | null): string {
    let place = this.#places.get(value);
    if (place === undefined) {
      this.values.push(value);
      place = `$${this.values.length}::text`;
      this.#places.set(value, place);
    }
    return place;
  }

  /** The placeholder for `value` cast to `castType` (already quoted): `$3::text::integer`. */
  cast(value: string | null, castType: string): string {
    return `${this.text(value)}::${castType}`;
  }
}
