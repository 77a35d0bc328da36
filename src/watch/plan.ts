import { RivuletError } from '../../shared/errors.js';
import type { Model, ModelRelation, ModelTable } from '../../shared/model/types.js';
import { isPlain } from '../../shared/options/checks.js';
import { findByDrizzle } from '../model/drizzle.js';
import { typeName } from '../model/type-names.js';
import { shapeId } from './names.js';
import { checkOptions, isDefaultTables, isPlainTable, tableProblems } from './spec-checks.js';
import type {
  DefaultTables,
  PlainTable,
  TableReference,
  WatchedTable,
  WatcherOptions,
  WatcherSpec,
  WatchLabel,
  WatchPlan,
  WithRelations,
} from './types.js';
import { WatchProblems } from './watch-problems.js';

interface Draft {
  readonly sqlSchema: string;
  readonly sqlName: string;
  /** With their types. */
  readonly columns: Map<string, string | null>;
  readonly key: readonly string[];
  /** `null` as soon as one watcher wants every change. */
  onlyColumns: Set<string> | null;
}

export interface PlanOptions {
  /** The declarations that `watchers.defaults()` stands for. */
  readonly defaults?: readonly WatcherSpec[];
  /**
   * True for tables of which every change must be logged, whatever columns labels name. Default:
   * for none.
   */
  readonly isFull?: (table: ModelTable) => boolean;
}

/**
 * Checks declarations against the model and merges them into one entry a table. Throws
 * WATCH_UNKNOWN_TABLE, WATCH_UNKNOWN_COLUMN, WATCH_UNKNOWN_RELATION (each lists what exists) or
 * WATCH_INVALID; where more than one thing is wrong, WATCH_INVALID with all of it.
 */
export function planWatchers(
  model: Model,
  specs: readonly WatcherSpec[],
  { defaults = [], isFull = () => false }: PlanOptions = {},
): WatchPlan {
  const problems = new WatchProblems();
  const drafts = new Drafts(model, isFull);
  const labels: Omit<WatchLabel, 'logged'>[] = [];
  const plan = (spec: WatcherSpec, path: string): void => {
    const { table, options } = checkSpec(spec, path, problems);
    if (table === null) return;
    if (isDefaultTables(table)) {
      for (const each of defaults) plan(each, path);
      return;
    }
    const target = problems.attempt(() => resolve(model, table));
    if (!target) return;
    const draft = drafts.of(target);
    const named = (names: readonly string[]) =>
      names.flatMap((name) => problems.attempt(() => columnName(target, name, draft)) ?? []);
    for (const name of options.extraColumns ?? []) {
      const column = problems.attempt(() => (target.model ? columnName(target, name, draft) : name));
      if (column !== undefined) addColumns(draft, [[column, null]]);
    }
    const only = options.columns?.length ? named(options.columns) : undefined;
    if (only && options.label === undefined) {
      problems.invalid(`${path}: The watcher of ${target.sqlName} has columns, but no label.`);
    }
    watchUpdates(draft, only);
    if (options.label !== undefined) {
      if (labels.some(({ label }) => label === options.label)) {
        problems.invalid(`${path}: Two watchers have the label ${options.label}.`);
      }
      const { sqlSchema, sqlName } = target;
      labels.push({ label: options.label, sqlSchema, sqlName, columns: only ?? null });
    }
    if (options.with) follow(model, drafts, target, options.with, problems);
  };
  if (!Array.isArray(specs)) problems.invalid('watchers: must be a list, as `watchers(table)` returns it.');
  else for (const [at, spec] of specs.entries()) plan(spec, `watchers[${at}]`);
  problems.throwIfAny();
  const tables = drafts.all.map(finish).sort(bySchemaAndName);
  return { tables, labels: labels.map((label) => ({ ...label, logged: drafts.loggedOf(label) })) };
}

/** The parts of a declaration that can be read; the others are problems. */
function checkSpec(
  spec: unknown,
  path: string,
  problems: WatchProblems,
): { readonly table: TableReference | DefaultTables | null; readonly options: WatcherOptions } {
  if (!isPlain(spec)) {
    problems.invalid(`${path}: must be a watcher, as \`watchers(table)\` makes it.`);
    return { table: null, options: {} };
  }
  const { table, ...given } = spec;
  const wrong = tableProblems(table, `${path}.table`);
  const { sound, problems: others } = checkOptions(given, path);
  for (const problem of [...wrong, ...others]) problems.invalid(problem);
  const isFine = wrong.length === 0;
  if (isFine && isDefaultTables(table) && Object.keys(given).length > 0) {
    problems.invalid(`${path}: \`watchers.defaults()\` takes no options.`);
  }
  return { table: isFine ? (table as TableReference | DefaultTables) : null, options: sound };
}

interface PlanTarget {
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly (readonly [sqlName: string, type: string | null])[];
  readonly key: readonly string[];
  readonly model: ModelTable | null;
}

function resolve(model: Model, reference: TableReference): PlanTarget {
  if (isPlainTable(reference)) return plainTarget(model, reference);
  const found = typeof reference === 'string' ? model.find(reference) : findByDrizzle(model, reference);
  if (found) return modelTarget(found);
  const name = typeof reference === 'string' ? reference : 'The given Drizzle table';
  throw new RivuletError(
    'WATCH_UNKNOWN_TABLE',
    `${name} is not in the relations config. It has: ${model.tables.map((table) => table.name).join(', ')}.`,
    { tables: model.tables.map((table) => table.name) },
  );
}

/** A description of a table that the schema has adds columns; the key is the schema's. */
function plainTarget(model: Model, plain: PlainTable): PlanTarget {
  const sqlSchema = plain.sqlSchema ?? 'public';
  const { sqlName } = plain;
  const known = model.tables.find((table) => table.sqlSchema === sqlSchema && table.sqlName === sqlName);
  const own = known && modelTarget(known);
  const names = [...new Set([...plain.key, ...plain.columns])];
  const columns = new Map(own?.columns);
  for (const name of names) columns.set(name, columns.get(name) ?? null);
  return { sqlSchema, sqlName, columns: [...columns], key: own?.key ?? plain.key, model: null };
}

function modelTarget(table: ModelTable): PlanTarget {
  return {
    sqlSchema: table.sqlSchema,
    sqlName: table.sqlName,
    columns: table.columns.map((column) => [column.sqlName, typeName(column)]),
    key: table.key.map((column) => column.sqlName),
    model: table,
  };
}

function columnName({ model, sqlName }: PlanTarget, name: string, draft: Draft): string {
  const found = model ? model.findColumn(name)?.sqlName : draft.columns.has(name) ? name : undefined;
  if (found !== undefined) return found;
  const known = model ? model.columns.map((each) => each.name) : [...draft.columns.keys()];
  const table = model?.name ?? sqlName;
  throw new RivuletError(
    'WATCH_UNKNOWN_COLUMN',
    `${table} has no column ${name}. It has: ${known.join(', ')}.`,
    {
      table,
      column: name,
      columns: known,
    },
  );
}

/** One draft for each table, however it is named. */
class Drafts {
  readonly #model: Model;
  readonly #isFull: (table: ModelTable) => boolean;
  readonly #drafts = new Map<string, Draft>();

  constructor(model: Model, isFull: (table: ModelTable) => boolean) {
    this.#model = model;
    this.#isFull = isFull;
  }

  get all(): readonly Draft[] {
    return [...this.#drafts.values()];
  }

  of(target: PlanTarget): Draft {
    const id = idOf(target);
    const known = this.#drafts.get(id);
    if (known) {
      addColumns(known, target.columns);
      return known;
    }
    const { sqlSchema, sqlName, key } = target;
    const table = this.#model.tables.find((each) => idOf(each) === id);
    const onlyColumns = table && this.#isFull(table) ? null : new Set<string>();
    const draft: Draft = { sqlSchema, sqlName, key, columns: new Map(), onlyColumns };
    addColumns(draft, target.columns);
    this.#drafts.set(id, draft);
    return draft;
  }

  loggedOf(table: { readonly sqlSchema: string; readonly sqlName: string }): readonly string[] | null {
    const only = this.#drafts.get(idOf(table))?.onlyColumns ?? null;
    return only && [...only];
  }
}

function idOf({ sqlSchema, sqlName }: { readonly sqlSchema: string; readonly sqlName: string }): string {
  return JSON.stringify([sqlSchema, sqlName]);
}

/**
 * The same column from the schema and from a plain description has the type that the schema says.
 */
function addColumns(draft: Draft, columns: PlanTarget['columns']): void {
  for (const [name, type] of columns) draft.columns.set(name, draft.columns.get(name) ?? type);
}

function watchUpdates(draft: Draft, only: readonly string[] | undefined): void {
  if (!only) draft.onlyColumns = null;
  for (const column of only ?? []) draft.onlyColumns?.add(column);
}

function follow(
  model: Model,
  drafts: Drafts,
  from: PlanTarget,
  relations: WithRelations,
  problems: WatchProblems,
): void {
  for (const [name, below] of Object.entries(relations)) {
    const relation = problems.attempt(() => relationOf(from, name));
    if (!relation) continue;
    const reached = [relation.target, ...(relation.through ? [relation.through.table] : [])];
    for (const table of reached) watchUpdates(drafts.of(modelTarget(model.table(table))), undefined);
    if (below !== true) follow(model, drafts, modelTarget(model.table(relation.target)), below, problems);
  }
}

function relationOf({ model, sqlName }: PlanTarget, name: string): ModelRelation {
  const relation = model?.findRelation(name);
  if (relation) return relation;
  const known = model?.relations.map((each) => each.name) ?? [];
  const table = model?.name ?? sqlName;
  throw new RivuletError(
    'WATCH_UNKNOWN_RELATION',
    `${table} has no relation ${name}. It has: ${known.join(', ') || 'none'}.`,
    { table, relation: name, relations: known },
  );
}

function finish(draft: Draft): WatchedTable {
  const { sqlSchema, sqlName, key } = draft;
  const columns = [...draft.columns.keys()];
  const types = [...draft.columns.values()];
  const onlyColumns = draft.onlyColumns ? columns.filter((column) => draft.onlyColumns!.has(column)) : null;
  const shape = { sqlSchema, sqlName, columns, types, key, onlyColumns };
  return { ...shape, shape: shapeId(shape) };
}

function bySchemaAndName(a: WatchedTable, b: WatchedTable): number {
  const [left, right] = [JSON.stringify([a.sqlSchema, a.sqlName]), JSON.stringify([b.sqlSchema, b.sqlName])];
  return left < right ? -1 : left > right ? 1 : 0;
}
