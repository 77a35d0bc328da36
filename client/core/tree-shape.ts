import type { ModelTable } from '../../shared/model/types.js';
import type { ListArgs } from './cache.js';

/**
 * The arguments of a list and of the lists below its rows: what the query says that the answer does
 * not show.
 */
export interface ListShape extends ListArgs {
  /**
   * The columns that the rows show. Default: what the rows that are there show, and all that is
   * sent where there are none.
   */
  readonly columns?: readonly string[] | undefined;
  /**
   * By relation: these are loaded, and below them what their own `with` says, else nothing.
   * Default: what the rows that are there have loaded, and all that is sent where there are none.
   */
  readonly with?: Readonly<Record<string, ListShape>> | undefined;
}

/**
 * The shape of rows at one place of a tree, gathered from the present rows for those that enter.
 */
export class TreeShape {
  readonly table: ModelTable;
  readonly args: ListShape;
  /** Names of everything in a row that is no relation, in the order in which they were seen. */
  readonly columns = new Set<string>();
  readonly #inner = new Map<string, TreeShape>();
  /** Relations that rows at this place have loaded. */
  readonly loaded = new Set<string>();
  /** True once a row was seen at this place. */
  hasRows = false;

  /** A `with` here or above says what is loaded. */
  readonly #isDescribed: boolean;

  constructor(table: ModelTable, args: ListShape, isDescribed = false) {
    this.table = table;
    this.args = args;
    this.#isDescribed = isDescribed || args.with !== undefined;
    for (const name of args.columns ?? []) this.columns.add(name);
    for (const name of Object.keys(args.with ?? {})) {
      if (table.findRelation(name)) this.loaded.add(name);
    }
  }

  /** True if nothing says which relations the rows at this place have loaded. */
  get isOpen(): boolean {
    return !this.hasRows && !this.#isDescribed;
  }

  inner(name: string, target: ModelTable): TreeShape {
    const known = this.#inner.get(name);
    if (known) return known;
    const args = this.args.with && Object.hasOwn(this.args.with, name) ? this.args.with[name] : undefined;
    const shape = new TreeShape(target, args ?? {}, this.#isDescribed);
    this.#inner.set(name, shape);
    return shape;
  }
}
