import { RivuletError } from '../errors.js';
import { typeName } from '../model/type-names.js';
import type { Model, ModelTable } from '../model/types.js';
import { shapeId } from './names.js';
import type {
  PlainTable,
  TableReference,
  WatchedTable,
  WatcherSpec,
  WatchLabel,
  WatchPlan,
  WithRelations,
} from './types.js';

interface Draft {
  readonly sqlSchema: string;
  readonly sqlName: string;
  /** With their types. */
  readonly columns: Map<string, string | null>;
  readonly key: readonly string[];
  /** `null` as soon as somebody wants every change. */
  onlyColumns: Set<string> | null;
}

/**
 * Checks declarations against the model and merges them into one entry a table. Throws WATCH_UNKNOWN_TABLE,
 * WATCH_UNKNOWN_COLUMN, WATCH_UNKNOWN_RELATION (each lists what exists) or WATCH_INVALID.
 */
export function planWatchers(model: Model, specs: readonly WatcherSpec[]): WatchPlan {
  const drafts = new Map<string, Draft>();
  const labels = new Map<string, WatchLabel>();
  for (const spec of specs) {
    const target = resolve(model, spec.table);
    const draft = draftOf(drafts, target);
    for (const name of spec.extraColumns ?? []) addColumns(draft, [[columnName(target, name), null]]);
    const only = spec.columns?.map((name) => columnName(target, name));
    if (only && spec.label === undefined) {
      throw new RivuletError('WATCH_INVALID', `The watcher of ${target.sqlName} has columns, but no label.`, {
        table: target.sqlName,
      });
    }
    watchUpdates(draft, only);
    if (spec.label !== undefined) {
      if (labels.has(spec.label)) {
        throw new RivuletError('WATCH_INVALID', `Two watchers have the label ${spec.label}.`, {
          label: spec.label,
        });
      }
      const { sqlSchema, sqlName } = target;
      labels.set(spec.label, { label: spec.label, sqlSchema, sqlName, columns: only ?? null });
    }
    if (spec.with) follow(model, drafts, target, spec.with);
  }
  const tables = [...drafts.values()].map(finish).sort(bySchemaAndName);
  return { tables, labels: [...labels.values()] };
}

interface Target {
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly (readonly [sqlName: string, type: string | null])[];
  readonly key: readonly string[];
  readonly model: ModelTable | null;
}

function resolve(model: Model, reference: TableReference): Target {
  if (typeof reference !== 'string' && isPlain(reference)) return plainTarget(reference);
  const found =
    typeof reference === 'string'
      ? model.find(reference)
      : model.tables.find((table) => table.drizzle === reference);
  if (found) return modelTarget(found);
  const name = typeof reference === 'string' ? reference : 'The given Drizzle table';
  throw new RivuletError(
    'WATCH_UNKNOWN_TABLE',
    `${name} is not in the relations config. It has: ${model.tables.map((table) => table.name).join(', ')}.`,
    { tables: model.tables.map((table) => table.name) },
  );
}

function isPlain(reference: Exclude<TableReference, string>): reference is PlainTable {
  return 'sqlName' in reference && typeof reference.sqlName === 'string' && Array.isArray(reference.key);
}

function plainTarget(plain: PlainTable): Target {
  if (plain.key.length === 0) {
    throw new RivuletError('WATCH_INVALID', `The table ${plain.sqlName} is described without a key.`, {
      table: plain.sqlName,
    });
  }
  const columns = [...new Set([...plain.key, ...plain.columns])];
  return {
    sqlSchema: plain.sqlSchema ?? 'public',
    sqlName: plain.sqlName,
    columns: columns.map((name) => [name, null]),
    key: plain.key,
    model: null,
  };
}

function modelTarget(table: ModelTable): Target {
  return {
    sqlSchema: table.sqlSchema,
    sqlName: table.sqlName,
    columns: table.columns.map((column) => [column.sqlName, typeName(column)]),
    key: table.key.map((column) => column.sqlName),
    model: table,
  };
}

function columnName(target: Target, name: string): string {
  if (!target.model) return name;
  const column = target.model.findColumn(name);
  if (column) return column.sqlName;
  const known = target.model.columns.map((each) => each.name);
  throw new RivuletError(
    'WATCH_UNKNOWN_COLUMN',
    `${target.model.name} has no column ${name}. It has: ${known.join(', ')}.`,
    { table: target.model.name, column: name, columns: known },
  );
}

function draftOf(drafts: Map<string, Draft>, target: Target): Draft {
  const id = JSON.stringify([target.sqlSchema, target.sqlName]);
  const known = drafts.get(id);
  if (known) {
    addColumns(known, target.columns);
    return known;
  }
  const { sqlSchema, sqlName, key } = target;
  const draft: Draft = { sqlSchema, sqlName, key, columns: new Map(), onlyColumns: new Set<string>() };
  addColumns(draft, target.columns);
  drafts.set(id, draft);
  return draft;
}

/** The same column from the schema and from a plain description has the type that the schema says. */
function addColumns(draft: Draft, columns: Target['columns']): void {
  for (const [name, type] of columns) draft.columns.set(name, draft.columns.get(name) ?? type);
}

function watchUpdates(draft: Draft, only: readonly string[] | undefined): void {
  if (!only) draft.onlyColumns = null;
  for (const column of only ?? []) draft.onlyColumns?.add(column);
}

function follow(model: Model, drafts: Map<string, Draft>, from: Target, relations: WithRelations): void {
  for (const [name, below] of Object.entries(relations)) {
    const relation = from.model?.findRelation(name);
    if (!relation) {
      const known = from.model?.relations.map((each) => each.name) ?? [];
      throw new RivuletError(
        'WATCH_UNKNOWN_RELATION',
        `${from.model?.name ?? from.sqlName} has no relation ${name}. It has: ${known.join(', ') || 'none'}.`,
        { table: from.model?.name ?? from.sqlName, relation: name, relations: known },
      );
    }
    const reached = [relation.target, ...(relation.through ? [relation.through.table] : [])];
    for (const table of reached) watchUpdates(draftOf(drafts, modelTarget(model.table(table))), undefined);
    if (below !== true) follow(model, drafts, modelTarget(model.table(relation.target)), below);
  }
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
