import { isPlain } from '../../shared/options/checks.js';
import { checkOptions } from './spec-checks.js';
import type { TableReference, WatcherOptions, WatcherSpec, WithRelations } from './types.js';

/**
 * An array of specs that can be added to: `watchers(tasks).and(users, { with: { projects: true }
 * })`.
 */
export interface WatcherList extends ReadonlyArray<WatcherSpec> {
  and(table: TableReference, options?: WatcherOptions): WatcherList;
}

export interface WatcherDeclarations {
  (table: TableReference, options?: WatcherOptions): WatcherList;
  (list: readonly WatcherSpec[], table: TableReference, options?: WatcherOptions): WatcherList;
  /**
   * The watchers without declarations, to add to: `watchers.defaults().and(posts, { label:
   * 'retitled', columns: ['title'] })`. They are every table with a policy, and the tables that
   * their relations reach.
   */
  defaults(): WatcherList;
}

/**
 * Declares what is watched. The same table (and label) twice is one declaration with both's
 * relations and columns. Nothing is refused here: `planWatchers` does that, with the model at hand,
 * and says everything at once.
 */
export const watchers: WatcherDeclarations = Object.assign(
  (
    first: readonly WatcherSpec[] | TableReference,
    second?: TableReference | WatcherOptions,
    third?: WatcherOptions,
  ): WatcherList => {
    if (Array.isArray(first)) return add(first as readonly WatcherSpec[], second as TableReference, third);
    return add([], first as TableReference, second as WatcherOptions | undefined);
  },
  { defaults: () => listOf([{ table: { defaults: true } }]) },
);

function add(list: readonly WatcherSpec[], table: TableReference, options: WatcherOptions = {}): WatcherList {
  if (checkOptions(options).problems.length > 0) {
    // To be refused with all else that is wrong.
    return listOf([...list, isPlain(options) ? { ...options, table } : malformed(table, options)]);
  }
  const place = list.findIndex((spec) => spec.table === table && spec.label === options.label);
  if (place < 0 || checkOptions(optionsOf(list[place]!)).problems.length > 0) {
    return listOf([...list, { ...options, table }]);
  }
  return listOf(list.map((spec, index) => (index === place ? merge(spec, options) : spec)));
}

function malformed(table: TableReference, options: unknown): WatcherSpec {
  return { table, options } as WatcherSpec;
}

function optionsOf({ table: _, ...options }: WatcherSpec): WatcherOptions {
  return options;
}

function listOf(specs: WatcherSpec[]): WatcherList {
  Object.defineProperty(specs, 'and', {
    value: (table: TableReference, options?: WatcherOptions) => add(specs, table, options),
  });
  return Object.freeze(specs) as unknown as WatcherList;
}

function merge(spec: WatcherSpec, options: WatcherOptions): WatcherSpec {
  const related = mergeRelations(spec.with, options.with);
  const extraColumns = union(spec.extraColumns, options.extraColumns);
  // Without columns every change counts, and that stays so.
  const isNarrow = spec.columns?.length && options.columns?.length;
  const columns = isNarrow ? union(spec.columns, options.columns) : undefined;
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
