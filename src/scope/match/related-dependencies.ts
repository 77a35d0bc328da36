import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import { type RelationPath, relationPaths, tablesOf } from '../../filter/paths.js';
import type { NetChanges, TableChanges } from '../messages/net-changes.js';
import { candidateFilter } from './candidate-rows.js';
import { ColumnDependencies } from './column-dependencies.js';
import { type EqualityCondition, relatedEqualityConditions } from './equality-conditions.js';

/**
 * The effects of other rows on a filter through relations. They are computed on demand, because
 * most are never needed.
 */
export class RelatedDependencies {
  /** The tables that the filter's relations lead through. */
  readonly tables: ReadonlySet<string>;
  readonly #table: ModelTable;
  readonly #filter: Filter;
  #made: Made | undefined;

  constructor(table: ModelTable, filter: Filter) {
    this.#table = table;
    this.#filter = filter;
    this.tables = tablesOf(filter);
  }

  get lookedAt(): ColumnDependencies {
    return this.#make().lookedAt;
  }

  /** True if a change can matter to rows that did not change themselves. */
  isTouchedBy(net: NetChanges): boolean {
    for (const [name, changed] of net) if (this.#touching(name, changed)) return true;
    return false;
  }

  /** As `candidateFilter`, of those changes that can matter. */
  candidates(net: NetChanges): Filter | 'all' | null {
    const touching = new Map<string, TableChanges>();
    for (const [name, changed] of net) {
      const those = this.#touching(name, changed);
      if (those) touching.set(name, those);
    }
    return touching.size === 0 ? null : candidateFilter(this.#make().paths, touching);
  }

  #touching(name: string, changed: TableChanges): TableChanges | null {
    if (!this.tables.has(name)) return null;
    if (changed.truncated) return changed;
    const { lookedAt, atoms: atomsOfTables } = this.#make();
    const atoms = atomsOfTables.get(name);
    const rows = changed.rows.filter(
      (row) =>
        lookedAt.isTouched(name, row) && (!atoms || meetsAny(row.old, atoms) || meetsAny(row.new, atoms)),
    );
    return rows.length === 0 ? null : { ...changed, rows };
  }

  #make(): Made {
    const filter = this.#filter;
    this.#made ??= {
      lookedAt: new ColumnDependencies(this.#table, filter),
      paths: relationPaths(filter),
      atoms: new Map([...this.tables].map((name) => [name, atomsIn(filter, name)])),
    };
    return this.#made;
  }
}

interface Made {
  readonly lookedAt: ColumnDependencies;
  readonly paths: readonly RelationPath[];
  /** The condition that a row of a table must meet to count; `null` if there is none. */
  readonly atoms: ReadonlyMap<string, readonly EqualityCondition[] | null>;
}

function atomsIn(filter: Filter, table: string): readonly EqualityCondition[] | null {
  const atoms = relatedEqualityConditions(filter, table);
  return atoms && atoms.length > 0 ? atoms : null;
}

function meetsAny(cells: RowCells | null, atoms: readonly EqualityCondition[]): boolean {
  if (!cells) return false;
  return atoms.some(({ column, values }) => {
    const cell = cells[column.index];
    return cell !== null && cell !== undefined && values.includes(cell);
  });
}
