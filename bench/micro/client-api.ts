/** Who brings a transaction's changes into a client's cache and list. */
export type Way =
  /** The plugin. */
  | 'rivulet'
  /** One message that carries the changed entities: written, and what shows them read again. */
  | 'limit'
  /** The list is asked for again. */
  | 'refetch'
  /** One message for each changed entity, as a subscription without transactions gives them. */
  | 'one message per change';

/** One client with one list shown, in a process of its own. */
export interface ClientApi {
  prepare(options: { readonly way: Way; readonly rows: number }): Promise<void>;
  /** So many transactions, each when the one before is shown. */
  apply(options: { readonly transactions: number; readonly changes: number }): Promise<ApplyResult>;
}

export interface ApplyResult {
  readonly cpuMs: number;
  readonly p50Ms: number;
  /** Rows that do not show what they should in the end. */
  readonly wrong: number;
}
