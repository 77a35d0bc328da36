import type { Filter } from '../../../shared/filter/types.js';
import type { ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { NetChange, NetChanges, TableChanges } from '../messages/net-changes.js';

/**
 * The columns that a filter looks at, in its own table and in those that its relations lead
 * through.
 */
export class ColumnDependencies {
  readonly #columns = new Map<string, Set<number>>();

  constructor(table: ModelTable, filter: Filter) {
    this.#walk(table.name, filter);
  }

  /**
   * True if this change of a row can change the filter's result on it, apart from changes of other
   * rows.
   */
  isTouched(table: string, { old, new: after }: NetChange): boolean {
    const columns = this.#columns.get(table);
    if (!columns) return false;
    if (old === null || after === null) return true;
    for (const column of columns) if (old[column] !== after[column]) return true;
    return false;
  }

  isTouchedBy({ table, truncated, rows }: TableChanges): boolean {
    return truncated || rows.some((row) => this.isTouched(table.name, row));
  }

  /** The changes in some tables that can matter. */
  touching(net: NetChanges, tables: Iterable<string>): NetChanges {
    const found = new Map<string, TableChanges>();
    for (const name of tables) {
      const changed = net.get(name);
      if (!changed || !this.isTouchedBy(changed)) continue;
      found.set(name, { ...changed, rows: changed.rows.filter((row) => this.isTouched(name, row)) });
    }
    return found;
  }

  #walk(table: string, filter: Filter): void {
    switch (filter.kind) {
      case 'const':
        break;
      case 'and':
      case 'or':
        for (const part of filter.filters) this.#walk(table, part);
        break;
      case 'not':
        this.#walk(table, filter.filter);
        break;
      case 'related': {
        const { source, target, from, to, through } = filter.relation;
        this.#add(source, from);
        this.#add(target, to);
        if (through) {
          this.#add(through.table, through.from);
          this.#add(through.table, through.to);
        }
        this.#walk(target, filter.filter);
        if (filter.via && through) this.#walk(through.table, filter.via);
        break;
      }
      default:
        this.#add(table, [filter.column]);
    }
  }

  #add(table: string, columns: readonly ModelColumn[]): void {
    let known = this.#columns.get(table);
    if (!known) {
      known = new Set();
      this.#columns.set(table, known);
    }
    for (const { index } of columns) known.add(index);
  }
}
