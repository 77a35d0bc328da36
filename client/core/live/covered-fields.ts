import type { EntityReference } from '../cache.js';
import type { LiveCoverage, StoredField } from '../lists/list-store.js';
import { entityId } from '../message-facts.js';
import { isObject } from '../row.js';
import { type LivePlan, type LiveRoot, whereKey } from './derive.js';
import { relationId } from './held-rows.js';
import type { RowReading } from './row-reading.js';
import { stableText } from './stable-text.js';

/** The places of a cache that one live query keeps true. */
export class CoveredFields implements Omit<LiveCoverage, 'isOwnWrite'> {
  readonly #roots = new Set<string>();
  /** Fields whose contents were not read yet. */
  readonly #unread: { readonly reading: RowReading; readonly tree: unknown }[] = [];
  readonly #below = new Set<string>();
  readonly #rows = new Map<string, ReadonlySet<string>>();
  readonly #columns = new Map<RowReading, ReadonlySet<string>>();

  constructor(plan: LivePlan, treeOf: (root: LiveRoot) => unknown) {
    for (const root of plan.roots) {
      if (root.kind !== 'applied') continue;
      const { table, args } = root.reading;
      const asked = root.id === undefined ? args : { where: whereKey(table, root.id), limit: null };
      this.#roots.add(rootName(table.name, root.id === undefined ? 'many' : 'one', asked));
      this.#unread.push({ reading: root.reading, tree: treeOf(root) });
    }
  }

  field({ name, parent, relation, table, kind, args, isOpaque }: StoredField): boolean {
    if (isOpaque || name === 'node') return false;
    if (!parent || !relation) return this.#roots.has(rootName(table, kind, args));
    this.#read();
    return this.#below.has(belowName(parent, relation.name, args));
  }

  row({ table, key }: EntityReference): boolean {
    this.#read();
    return this.#rows.has(entityId(table, key));
  }

  column({ table, key }: EntityReference, name: string): boolean {
    this.#read();
    return this.#rows.get(entityId(table, key))?.has(name) ?? false;
  }

  #read(): void {
    for (const { reading, tree } of this.#unread.splice(0)) this.#add(reading, tree);
  }

  #columnsOf(reading: RowReading): ReadonlySet<string> {
    const known = this.#columns.get(reading) ?? new Set(reading.columns.map(({ name }) => name));
    this.#columns.set(reading, known);
    return known;
  }

  #add(reading: RowReading, tree: unknown): void {
    if (Array.isArray(tree)) for (const row of tree) this.#add(reading, row);
    else if (isObject(tree) && typeof tree.id === 'string') {
      const row = { table: reading.table.name, key: tree.id };
      const id = entityId(row.table, row.key);
      const [known, columns] = [this.#rows.get(id), this.#columnsOf(reading)];
      this.#rows.set(id, known && known !== columns ? new Set([...known, ...columns]) : columns);
      for (const { relation, row: inner } of reading.relations) {
        this.#below.add(belowName(row, relation.name, inner.args));
        this.#add(inner, tree[relation.name]);
      }
    }
  }
}

function rootName(table: string, kind: 'one' | 'many', args: object): string {
  return `${kind} ${table} ${stableText(args)}`;
}

function belowName({ table, key }: EntityReference, relation: string, args: object): string {
  return `${relationId(table, key, relation)} ${stableText(args)}`;
}
