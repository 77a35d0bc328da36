import type { ColumnType } from '../model/types.js';

/** The operators of a `where` on a column. */
export type FilterOperator =
  | 'eq'
  | 'ne'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'in'
  | 'notIn'
  | 'like'
  | 'ilike'
  | 'notLike'
  | 'notIlike'
  | 'isNull'
  | 'isNotNull'
  | 'arrayContains'
  | 'arrayContained'
  | 'arrayOverlaps';

export const OPERATORS: readonly FilterOperator[] = [
  'eq',
  'ne',
  'gt',
  'gte',
  'lt',
  'lte',
  'in',
  'notIn',
  'like',
  'ilike',
  'notLike',
  'notIlike',
  'isNull',
  'isNotNull',
  'arrayContains',
  'arrayContained',
  'arrayOverlaps',
];

/**
 * A set of operators that types share; filters on values of one GraphQL type are told apart by it.
 */
export type OperatorSet = 'comparable' | 'text' | 'equatable' | 'same' | 'ordered' | 'presence' | 'array';

const NULL_TESTS: readonly FilterOperator[] = ['isNull', 'isNotNull'];
const EQUALITY: readonly FilterOperator[] = ['eq', 'ne', 'in', 'notIn'];
const ORDER: readonly FilterOperator[] = ['gt', 'gte', 'lt', 'lte'];
const PATTERNS: readonly FilterOperator[] = ['like', 'ilike', 'notLike', 'notIlike'];
const ARRAYS: readonly FilterOperator[] = ['arrayContains', 'arrayContained', 'arrayOverlaps'];

const SETS: Readonly<Record<OperatorSet, readonly FilterOperator[]>> = {
  comparable: [...EQUALITY, ...ORDER, ...NULL_TESTS],
  text: [...EQUALITY, ...ORDER, ...PATTERNS, ...NULL_TESTS],
  equatable: [...EQUALITY, ...NULL_TESTS],
  same: ['eq', 'in', ...NULL_TESTS],
  ordered: ['eq', ...ORDER, 'in', ...NULL_TESTS],
  presence: NULL_TESTS,
  array: [...EQUALITY, ...ORDER, ...NULL_TESTS, ...ARRAYS],
};

/**
 * PostgreSQL's own types that Drizzle or a custom type names, whose operators are fewer than those
 * of text; by base name.
 */
const BUILTIN_SETS = new Map<string, OperatorSet>([
  ...[
    'xml',
    'json',
    'jsonpath',
    'point',
    'polygon',
    'pg_snapshot',
    'txid_snapshot',
    'lquery',
    'ltxtquery',
  ].map((name) => [name, 'presence'] as const),
  ...['line'].map((name) => [name, 'same'] as const),
  ...['box', 'lseg', 'path'].map((name) => [name, 'ordered'] as const),
  ...['jsonb', 'xid', 'cid', 'aclitem', 'hstore'].map((name) => [name, 'equatable'] as const),
  ...[
    ...['circle', 'tsvector', 'tsquery', 'ltree', 'vector', 'halfvec', 'sparsevec', 'money', 'pg_lsn', 'oid'],
    ...[
      'bit',
      'bit varying',
      'varbit',
      'bytea',
      'uuid',
      'boolean',
      'bool',
      'numeric',
      'decimal',
      'xid8',
      'tid',
    ],
    ...['smallint', 'integer', 'bigint', 'int', 'int2', 'int4', 'int8', 'real', 'double precision'],
    ...['float4', 'float8', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'inet', 'cidr'],
    ...['timestamp with time zone', 'timestamp without time zone', 'macaddr', 'macaddr8'],
    ...['int4', 'int8', 'num', 'ts', 'tstz', 'date'].flatMap((name) => [`${name}range`, `${name}multirange`]),
  ].map((name) => [name, 'comparable'] as const),
]);

/**
 * The operators that Postgres has for a type: json has no equality, a point no order, patterns are
 * for text. Of a custom type everything is allowed but array operators; Postgres refuses what it
 * does not know (see `filterTrials`).
 */
export function operatorsFor(type: ColumnType): readonly FilterOperator[] {
  return SETS[operatorSetOf(type)];
}

export function operatorSetOf(type: ColumnType): OperatorSet {
  switch (type.kind) {
    case 'point':
      return 'presence';
    case 'json':
      return type.binary ? 'equatable' : 'presence';
    case 'text':
      return 'text';
    case 'other':
      return BUILTIN_SETS.get(baseName(type.sqlType)) ?? 'text';
    case 'array':
      return arraySetOf(operatorSetOf(type.of));
    case 'bool':
    case 'int':
    case 'numeric':
    case 'float':
    case 'uuid':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'interval':
    case 'bytea':
    case 'enum':
    case 'inet':
      return 'comparable';
  }
}

/**
 * Arrays are compared by the ordering of their items: a type without one has arrays that cannot
 * even be found equal.
 */
function arraySetOf(item: OperatorSet): OperatorSet {
  return item === 'presence' || item === 'same' || item === 'ordered' ? 'presence' : 'array';
}

/** `int4range`, `bit varying` of `BIT VARYING(8)`. */
function baseName(sqlType: string): string {
  return sqlType
    .replace(/\s*\([^)]*\)/g, '')
    .replace(/^interval\b.*/i, 'interval')
    .trim()
    .toLowerCase();
}

/** They compare by size, and no order of rows goes by it. */
const UNORDERED: ReadonlySet<string> = new Set(['box', 'lseg', 'path', 'circle']);

/** True when rows can be ordered by a column of this type. */
export function isOrderable(type: ColumnType): boolean {
  if (type.kind === 'array') return isOrderable(type.of);
  if (type.kind === 'other' && UNORDERED.has(baseName(type.sqlType))) return false;
  return operatorsFor(type).includes('gt');
}
