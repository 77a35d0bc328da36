import type { RowFields } from '../cache.js';
import { isObject } from '../row.js';
import type { RowReading } from './row-reading.js';

/**
 * An answer's rows as the reducer wants them: everything under its own name, what several aliases
 * show in one row.
 */
export function treeOf(reading: RowReading, data: unknown): unknown {
  if (Array.isArray(data)) return data.map((row) => treeOf(reading, row));
  if (!isObject(data)) return null;
  const row: Record<string, unknown> = {};
  for (const { name, responseKey } of reading.columns) row[name] = data[responseKey];
  for (const { relation, responseKey, row: inner } of reading.relations) {
    row[relation.name] = merged(row[relation.name], treeOf(inner, data[responseKey]));
  }
  return row;
}

/** The same rows, of which each value knows a part. */
function merged(one: unknown, other: unknown): unknown {
  if (one === undefined) return other;
  if (Array.isArray(one) && Array.isArray(other)) return one.map((item, at) => merged(item, other[at]));
  if (!isObject(one) || !isObject(other)) return one;
  const row: Record<string, unknown> = { ...other };
  for (const [name, value] of Object.entries(one)) row[name] = merged(value, other[name]);
  return row;
}

/**
 * Shows rows as the query asked for them. What is the same object in the tree is the same object in
 * what is shown, so a reader that compares by identity sees what changed and nothing else.
 */
export class ResponseProjection {
  readonly #shown = new WeakMap<RowReading, WeakMap<object, unknown>>();

  show(reading: RowReading, tree: unknown): unknown {
    if (typeof tree !== 'object' || tree === null) return tree;
    let known = this.#shown.get(reading);
    if (!known) {
      known = new WeakMap();
      this.#shown.set(reading, known);
    }
    if (known.has(tree)) return known.get(tree);
    const shown = Array.isArray(tree)
      ? tree.map((row) => this.show(reading, row))
      : this.#row(reading, tree as RowFields);
    known.set(tree, shown);
    return shown;
  }

  #row(reading: RowReading, row: RowFields): unknown {
    const shown: Record<string, unknown> = {};
    for (const { name, responseKey, shown: isShown } of reading.columns) {
      if (isShown) shown[responseKey] = row[name];
    }
    for (const { relation, responseKey, row: inner } of reading.relations) {
      shown[responseKey] = this.show(inner, row[relation.name]);
    }
    return shown;
  }
}
