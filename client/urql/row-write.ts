import type { Cache } from '@urql/exchange-graphcache';
import type { ChangedRow } from '../core/live/index.js';
import { isObject } from '../core/row.js';

/** Rows on their way into Graphcache, which are to be written by themselves, all or none. */
export class RowWrite {
  readonly #rows: readonly ChangedRow[];
  readonly #variables: Readonly<Record<string, unknown>>;
  #isDone = false;

  /** `variables`: of the query that shows the rows, with its defaults. */
  constructor(rows: readonly ChangedRow[], variables: Readonly<Record<string, unknown>>) {
    this.#rows = rows;
    this.#variables = variables;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Inside of one of Graphcache's updates. Writes nothing where one of the rows is not what
   * Graphcache takes it for.
   */
  write(cache: Cache): void {
    if (this.#isDone || isLayered(cache)) return;
    if (!this.#rows.every(({ id, data }) => cache.keyOfEntity(data as { __typename: string }) === id)) return;
    for (const { fragment, data } of this.#rows) {
      cache.writeFragment(fragment, data, this.#variables);
    }
    this.#isDone = true;
  }
}

/**
 * Returns true if Graphcache has layers above its base: pending and optimistic results have a layer
 * each, in an order in which rows would hide later results of their query. Graphcache does not
 * expose it; if it cannot be seen, true is assumed.
 */
function isLayered(cache: Cache): boolean {
  const { data } = cache as { readonly data?: unknown };
  if (!isObject(data) || data.hydrating !== false || !Array.isArray(data.optimisticOrder)) return true;
  return data.optimisticOrder.length > 0;
}

const WRITE = Symbol('rows to be written, whatever else the data says');

/** The data with the write; nobody who shows or compares it sees that. */
export function withRows<Data extends object>(data: Data, write: RowWrite): Data {
  return Object.defineProperty({ ...data }, WRITE, { value: write });
}

export function rowsIn(data: object): RowWrite | undefined {
  return Object.getOwnPropertyDescriptor(data, WRITE)?.value as RowWrite | undefined;
}
