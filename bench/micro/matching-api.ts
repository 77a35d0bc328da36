/** What the filters of all scopes look like; each has values of its own. */
export type Shape = 'equality' | 'equality and range' | 'IN and OR' | 'tenant through a relation' | 'ILIKE';

export type Matcher = 'rivulet' | 'limit' | 'peer';

/** Scopes in one process, and changes matched against them. */
export interface MatchingApi {
  /** Makes the scopes; bytes that each holds. */
  prepare(options: { readonly shape: Shape; readonly scopes: number }): { readonly bytesPerScope: number };
  /** Time to find those whom one change concerns; `found` of each change, which must be the same for all matchers. */
  match(options: { readonly matcher: Matcher }): { readonly micros: number; readonly found: number };
  /** Adding one scope to those that are there, and removing it. */
  churn(none: undefined): { readonly addMicros: number; readonly removeMicros: number };
}
