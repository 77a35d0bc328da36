/** SQL text with its parameters. Every parameter is text (or NULL) and is cast in the SQL: `$1::text::integer`. */
export interface Statement {
  readonly text: string;
  readonly params: readonly (string | null)[];
}

/** Collects parameters while a statement's text is put together. Equal values share one placeholder. */
export class Params {
  readonly values: (string | null)[] = [];
  readonly #places = new Map<string | null, string>();

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
