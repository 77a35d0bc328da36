import type { ListArgs } from '../../client/core/cache.js';
import type { ListShape } from '../../client/core/tree-shape.js';
import type { ModelRelation } from '../../shared/model/types.js';
import { model } from '../unit/client/blog.js';

/** A row as GraphQL shows it, with all its columns. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** By table and key. Never changed: a transaction gives another one. */
export type Database = ReadonlyMap<string, ReadonlyMap<string, Row>>;

/** What a query asks for: the oracle's `load` is what a server would answer. */
export interface Query extends ListArgs {
  readonly columns: readonly string[];
  readonly with: Readonly<Record<string, Query>>;
}

export const TABLES = ['persons', 'profiles', 'posts', 'comments', 'tags', 'labels', 'postLabels', 'follows'];

/** Answers a query by looking at every row, without an index, a plan or a cache. */
export function load(database: Database, table: string, query: Query): readonly unknown[] {
  const rows = [...database.get(table)!.values()].filter((row) => matches(row, query.where ?? {}));
  return windowOf(table, rows, query).map((row) => show(database, table, row, query));
}

/** One row, as `post(id:)` answers. */
export function loadOne(database: Database, table: string, key: string, query: Query): unknown {
  const row = database.get(table)!.get(key);
  return row ? show(database, table, row, query) : null;
}

function show(database: Database, table: string, row: Row, query: Query): unknown {
  const shown: Record<string, unknown> = {};
  for (const name of query.columns) shown[name] = name === 'id' ? keyOf(table, row) : row[name];
  for (const [name, inner] of Object.entries(query.with)) {
    const relation = model.table(table).findRelation(name)!;
    const rows = related(database, relation, row).filter((each) => matches(each, inner.where ?? {}));
    if (relation.kind === 'many') {
      shown[name] = windowOf(relation.target, rows, inner).map((each) =>
        show(database, relation.target, each, inner),
      );
    } else {
      const first = windowOf(relation.target, rows, { limit: 1 })[0];
      shown[name] = first ? show(database, relation.target, first, inner) : null;
    }
  }
  return shown;
}

/** The rows at the other end of a relation, its own `where` included. */
export function related(database: Database, relation: ModelRelation, row: Row): readonly Row[] {
  const { where, through } = relation;
  if (where?.on === 'source' && !matches(row, where.filter)) return [];
  const targets = [...database.get(relation.target)!.values()].filter(
    (target) => where?.on !== 'target' || matches(target, where.filter),
  );
  if (!through) return targets.filter((target) => joins(row, relation.from, target, relation.to));
  const junctions = [...database.get(through.table)!.values()].filter((junction) =>
    joins(row, relation.from, junction, through.from),
  );
  return targets.filter((target) =>
    junctions.some((junction) => joins(junction, through.to, target, relation.to)),
  );
}

type Columns = readonly { readonly name: string }[];

function joins(left: Row, leftColumns: Columns, right: Row, rightColumns: Columns): boolean {
  return leftColumns.every(({ name }, at) => {
    const value = left[name];
    return value !== null && value === right[rightColumns[at]!.name];
  });
}

export function keyOf(table: string, row: Row): string {
  return model
    .table(table)
    .key.map(({ name }) => String(row[name]))
    .join(':');
}

/** SQL's three truths for the operators that the tests use. */
export function matches(row: Row, where: Readonly<Record<string, unknown>>): boolean {
  return truthOf(row, where) === true;
}

function truthOf(row: Row, where: Readonly<Record<string, unknown>>): boolean | null {
  const truths = Object.entries(where).map(([name, condition]) => {
    if (name === 'NOT') {
      const truth = truthOf(row, condition as Record<string, unknown>);
      return truth === null ? null : !truth;
    }
    return columnTruth(row[name]!, condition);
  });
  if (truths.includes(false)) return false;
  return truths.includes(null) ? null : true;
}

function columnTruth(value: Row[string], condition: unknown): boolean | null {
  if (typeof condition !== 'object' || condition === null) return value === null ? null : value === condition;
  const [operator, operand] = Object.entries(condition)[0]!;
  if (operator === 'isNull') return value === null;
  if (value === null || value === undefined) return null;
  switch (operator) {
    case 'eq':
      return value === operand;
    case 'ne':
      return value !== operand;
    case 'in':
      return (operand as unknown[]).includes(value);
    case 'gte':
      return Number(value) >= Number(operand);
    case 'ilike':
      return String(value).toLowerCase().includes(String(operand).replaceAll('%', '').toLowerCase());
    default:
      throw new TypeError(`the oracle has no ${operator}`);
  }
}

function windowOf(table: string, rows: readonly Row[], args: ListArgs): readonly Row[] {
  const sorted = [...rows].sort((left, right) => compare(table, left, right, args));
  const offset = args.offset ?? 0;
  const limit = args.limit === null ? sorted.length : (args.limit ?? 100);
  return sorted.slice(offset, offset + limit);
}

function compare(table: string, left: Row, right: Row, args: ListArgs): number {
  for (const term of args.orderBy ?? []) {
    const [name, direction] = Object.entries(term)[0] as [string, string];
    const sign = compareValues(name, left[name]!, right[name]!, direction);
    if (sign !== 0) return sign;
  }
  for (const { name } of model.table(table).key) {
    const sign = Number(left[name]) - Number(right[name]);
    if (sign !== 0) return sign;
  }
  return 0;
}

function compareValues(name: string, left: Row[string], right: Row[string], direction: string): number {
  const descends = direction.startsWith('DESC');
  if (left === null || right === null) {
    if (left === right) return 0;
    const first = direction.endsWith('FIRST') || (descends && !direction.endsWith('LAST'));
    return (left === null) === first ? -1 : 1;
  }
  const sign = rank(name, left!) < rank(name, right!) ? -1 : rank(name, left!) > rank(name, right!) ? 1 : 0;
  return descends ? -sign : sign;
}

/** A collation that no client could guess: by the last character first. */
function rank(name: string, value: NonNullable<Row[string]>): string | number {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return value;
  if (name === 'id') return Number(value);
  if (name === 'mood') return value === 'in_doubt' ? 0 : 1;
  return name.endsWith('At') ? value : [...value].reverse().join('');
}

/** The options that tell `sync` how the value was asked for. */
export function shapeOf(query: Query): ListShape {
  return query;
}
