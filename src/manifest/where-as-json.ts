import { isEmptyFilter, isPlainObject } from '../../shared/filter/parse-state.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { decodeValue } from '../../shared/value/decode.js';
import { encodeValue } from '../../shared/value/encode.js';

/** The parts of a model that clients may know. */
export interface ManifestVisibility {
  readonly table: (table: ModelTable) => boolean;
  readonly columns: (table: ModelTable) => ReadonlySet<ModelColumn>;
}

/**
 * A relation's own `where` as JSON that `parseFilter` reads as the same filter: values of
 * TypeScript (`Date`, `bigint`, bytes) in the form that GraphQL gives them. `undefined` where it
 * names something that clients may not know.
 */
export function whereAsJson(
  model: Model,
  known: ManifestVisibility,
  table: ModelTable,
  where: unknown,
): Readonly<Record<string, unknown>> | undefined {
  if (!isPlainObject(where)) return undefined;
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(where)) {
    if (isEmptyFilter(value)) continue;
    const json = entryAsJson(model, known, table, name, value);
    if (json === undefined) return undefined;
    result[table.findColumn(name)?.field ?? name] = json;
  }
  return result;
}

function entryAsJson(
  model: Model,
  known: ManifestVisibility,
  table: ModelTable,
  name: string,
  value: unknown,
): unknown {
  if (name === 'AND' || name === 'OR') {
    return allOf(value, (part) => whereAsJson(model, known, table, part));
  }
  if (name === 'NOT') return whereAsJson(model, known, table, value);
  const column = table.findColumn(name);
  if (column) return known.columns(table).has(column) ? conditionAsJson(column, value) : undefined;
  const relation = table.findRelation(name);
  const target = relation && model.table(relation.target);
  if (!target || !known.table(target)) return undefined;
  return typeof value === 'boolean' ? value : whereAsJson(model, known, target, value);
}

function conditionAsJson(column: ModelColumn, condition: unknown): unknown {
  if (!isPlainObject(condition)) return valueAsJson(column, condition);
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(condition)) {
    if (!isEmptyFilter(value)) result[name] = operandAsJson(column, name, value);
  }
  return result;
}

function operandAsJson(column: ModelColumn, operator: string, value: unknown): unknown {
  switch (operator) {
    case 'AND':
    case 'OR':
      return allOf(value, (part) => conditionAsJson(column, part));
    case 'NOT':
      return conditionAsJson(column, value);
    case 'in':
    case 'notIn':
      return allOf(value, (item) => valueAsJson(column, item));
    case 'isNull':
    case 'isNotNull':
    case 'like':
    case 'ilike':
    case 'notLike':
    case 'notIlike':
      return value;
    default:
      return valueAsJson(column, value);
  }
}

function valueAsJson(column: ModelColumn, value: unknown): unknown {
  return decodeValue(column.type, encodeValue(column.type, value));
}

function allOf(list: unknown, convert: (part: unknown) => unknown): unknown {
  if (!Array.isArray(list)) return undefined;
  const parts = list.map(convert);
  return parts.includes(undefined) ? undefined : parts;
}
