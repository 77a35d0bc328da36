import type { Model, ModelRelation, ModelTable } from '../model/types.js';
import { and, definite, EVERYTHING, normalize, not, or } from './normalize.js';
import { parseField } from './parse-field.js';
import {
  deeper,
  type FilterPlace,
  isEmptyFilter,
  noCondition,
  type ParseOptions,
  ParseState,
  unknownName,
} from './parse-state.js';
import type { Filter } from './types.js';

export type { ParseOptions } from './parse-state.js';

/**
 * Reads a `where` as Drizzle's relational filter has it (and GraphQL's `TaskFilter`) into normal
 * form.
 *
 * - A bare value is `eq`; several names in one object are joined by AND; `AND`, `OR`, `NOT` stand
 *   beside columns and beside operators.
 * - A relation takes a filter on its rows, `true` (there is one) or `false` (there is none); the
 *   relation's own `where` is added.
 * - As in Drizzle an empty object, also below `OR`, `NOT` or a relation, adds no condition;
 *   `strict` refuses it. `RAW` does not exist here.
 *
 * Throws `FILTER_UNKNOWN_FIELD`, `FILTER_INVALID`, `VALUE_INVALID` or `FILTER_TOO_LARGE`; message
 * and `details.path` name the place. `undefined` is an error everywhere and `null` is one in place
 * of a value: neither may widen a filter by accident.
 */
export function parseFilter(
  model: Model,
  table: ModelTable,
  input: unknown,
  options: ParseOptions = {},
): Filter {
  const state = new ParseState(options);
  const { path = 'where', strict = false, names = 'drizzle' } = options;
  const filter = parseTable(model, table, input, { state, path, depth: 0, strict, names });
  return filter ? normalize(filter) : EVERYTHING;
}

/** `undefined`: no condition. */
function parseTable(model: Model, table: ModelTable, input: unknown, at: FilterPlace): Filter | undefined {
  if (isEmptyFilter(input)) return noCondition(at);
  const conditions: Filter[] = [];
  for (const [name, value] of at.state.entries(input, at)) {
    const condition = parseEntry(model, table, name, value, deeper(at, name));
    if (condition) conditions.push(condition);
  }
  return conditions.length === 0 ? noCondition(at) : and(...conditions);
}

function parseEntry(
  model: Model,
  table: ModelTable,
  name: string,
  value: unknown,
  at: FilterPlace,
): Filter | undefined {
  if (isEmptyFilter(value)) return noCondition(at);
  switch (name) {
    case 'AND':
    case 'OR': {
      const parts = at.state
        .list(value, at)
        .map((part, index) => parseTable(model, table, part, deeper(at, index)))
        .filter((part) => part !== undefined);
      if (parts.length === 0) return noCondition(at);
      return name === 'AND' ? and(...parts) : or(...parts);
    }
    case 'NOT': {
      const negated = parseTable(model, table, value, at);
      return negated && not(negated);
    }
    default: {
      const column = at.names === 'graphql' ? table.findField(name) : table.findColumn(name);
      if (column) return parseField(column, value, at);
      const relation = table.findRelation(name);
      if (relation) return parseRelation(model, relation, value, at);
      throw unknownName(at, name);
    }
  }
}

function parseRelation(
  model: Model,
  relation: ModelRelation,
  value: unknown,
  at: FilterPlace,
): Filter | undefined {
  const target = model.table(relation.target);
  const wanted = typeof value === 'boolean' ? EVERYTHING : parseTable(model, target, value, at);
  if (!wanted) return undefined;
  const own = parseOwnWhere(model, relation, at);
  const onTarget = own && relation.where?.on === 'target' ? and(own, wanted) : wanted;
  const related: Filter = { kind: 'related', relation, filter: onTarget };
  const condition = own && relation.where?.on === 'source' ? and(definite(own), related) : related;
  return value === false ? not(condition) : condition;
}

/** The relation's own `where`, on the columns of the side that it names. */
function parseOwnWhere(model: Model, relation: ModelRelation, at: FilterPlace): Filter | undefined {
  if (!relation.where) return undefined;
  const { on, filter } = relation.where;
  return parseTable(model, model.table(on === 'source' ? relation.source : relation.target), filter, {
    ...at,
    strict: false,
    names: 'drizzle',
    path: `${at.path}.(where of ${relation.source}.${relation.name})`,
  });
}

/** The whole filter of a relation's rows without any condition of the caller: its own `where`. */
export function relationFilter(model: Model, relation: ModelRelation): Filter {
  if (relation.where?.on !== 'target') return EVERYTHING;
  return parseFilter(model, model.table(relation.target), relation.where.filter, {
    path: `(where of ${relation.source}.${relation.name})`,
  });
}

/** The condition that a relation sets on its source row before it leads anywhere. */
export function relationSourceFilter(model: Model, relation: ModelRelation): Filter {
  if (relation.where?.on !== 'source') return EVERYTHING;
  const filter = parseFilter(model, model.table(relation.source), relation.where.filter, {
    path: `(where of ${relation.source}.${relation.name})`,
  });
  return definite(filter);
}
