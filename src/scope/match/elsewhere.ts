import { type RelationPath, relationPaths, tablesOf } from '../../filter/paths.js';
import type { Cells, Filter } from '../../filter/types.js';
import type { ModelTable } from '../../model/types.js';
import { candidateFilter } from '../candidates.js';
import type { NetChanges, TableChanges } from '../net.js';
import { type Atom, atomsElsewhere } from './atoms.js';
import { LookedAt } from './looked-at.js';

/** What other rows than its own mean to a filter that passes through relations. */
export class Elsewhere {
  readonly lookedAt: LookedAt;
  readonly #paths: readonly RelationPath[];
  /** The tables that its relations lead through, and what a row there must meet to count; `null`: nothing. */
  readonly #tables: ReadonlyMap<string, readonly Atom[] | null>;

  constructor(table: ModelTable, filter: Filter) {
    this.lookedAt = new LookedAt(table, filter);
    this.#paths = relationPaths(filter);
    this.#tables = new Map([...tablesOf(filter)].map((name) => [name, atomsIn(filter, name)]));
  }

  /** Whether some change can matter to rows that did not change themselves. */
  isTouchedBy(net: NetChanges): boolean {
    for (const [name, changed] of net) if (this.#touching(name, changed)) return true;
    return false;
  }

  /** As `candidateFilter`, of those changes that can matter. */
  candidates(net: NetChanges): Filter | 'all' | null {
    if (this.#paths.length === 0) return null;
    const touching = new Map<string, TableChanges>();
    for (const [name, changed] of net) {
      const those = this.#touching(name, changed);
      if (those) touching.set(name, those);
    }
    return touching.size === 0 ? null : candidateFilter(this.#paths, touching);
  }

  #touching(name: string, changed: TableChanges): TableChanges | null {
    const atoms = this.#tables.get(name);
    if (atoms === undefined) return null;
    if (changed.truncated) return changed;
    const rows = changed.rows.filter(
      (row) =>
        this.lookedAt.isTouched(name, row) &&
        (!atoms || meetsAny(row.old, atoms) || meetsAny(row.new, atoms)),
    );
    return rows.length === 0 ? null : { ...changed, rows };
  }
}

function atomsIn(filter: Filter, table: string): readonly Atom[] | null {
  const atoms = atomsElsewhere(filter, table);
  return atoms && atoms.length > 0 ? atoms : null;
}

function meetsAny(cells: Cells | null, atoms: readonly Atom[]): boolean {
  if (!cells) return false;
  return atoms.some(({ column, values }) => {
    const cell = cells[column.index];
    return cell !== null && cell !== undefined && values.includes(cell);
  });
}
