import type { TableReference, WatcherOptions, WatcherSpec, WithRelations } from './types.js';

/** An array of specs that can be added to: `watchers(tasks).and(users, { with: { projects: true } })`. */
export interface WatcherList extends ReadonlyArray<WatcherSpec> {
  and(table: TableReference, options?: WatcherOptions): WatcherList;
}

/**
 * Declares what is watched. The same table (and label) twice is one declaration with both's relations and columns.
 * Nothing is checked here: `planWatchers` does that, with the model at hand.
 */
export function watchers(table: TableReference, options?: WatcherOptions): WatcherList;
export function watchers(
  list: readonly WatcherSpec[],
  table: TableReference,
  options?: WatcherOptions,
): WatcherList;
export function watchers(
  first: readonly WatcherSpec[] | TableReference,
  second?: TableReference | WatcherOptions,
  third?: WatcherOptions,
): WatcherList {
  if (Array.isArray(first))
    return add(first as readonly WatcherSpec[], second as TableReference, third ?? {});
  return add([], first as TableReference, (second as WatcherOptions | undefined) ?? {});
}

function add(list: readonly WatcherSpec[], table: TableReference, options: WatcherOptions): WatcherList {
  const place = list.findIndex((spec) => spec.table === table && spec.label === options.label);
  const specs =
    place < 0
      ? [...list, { ...options, table }]
      : list.map((spec, index) => (index === place ? merge(spec, options) : spec));
  Object.defineProperty(specs, 'and', {
    value: (other: TableReference, otherOptions: WatcherOptions = {}) => add(specs, other, otherOptions),
  });
  return Object.freeze(specs) as unknown as WatcherList;
}

function merge(spec: WatcherSpec, options: WatcherOptions): WatcherSpec {
  const related = mergeRelations(spec.with, options.with);
  const extraColumns = union(spec.extraColumns, options.extraColumns);
  // Without `columns` every change counts, and that stays so.
  const columns = spec.columns && options.columns ? union(spec.columns, options.columns) : undefined;
  return {
    table: spec.table,
    ...(spec.label !== undefined && { label: spec.label }),
    ...(related && { with: related }),
    ...(extraColumns && { extraColumns }),
    ...(columns && { columns }),
  };
}

function union(a?: readonly string[], b?: readonly string[]): readonly string[] | undefined {
  return a || b ? [...new Set([...(a ?? []), ...(b ?? [])])] : undefined;
}

function mergeRelations(a?: WithRelations, b?: WithRelations): WithRelations | undefined {
  if (!a || !b) return a ?? b;
  const merged: Record<string, true | WithRelations> = { ...a };
  for (const [name, below] of Object.entries(b)) {
    const known = merged[name];
    merged[name] =
      known && known !== true && below !== true ? mergeRelations(known, below)! : pickDeeper(known, below);
  }
  return merged;
}

function pickDeeper(
  known: true | WithRelations | undefined,
  below: true | WithRelations,
): true | WithRelations {
  return known && known !== true ? known : below;
}
