import type { ColumnType } from '../model/types.js';

/** What a column can be asked in a `where`. */
export type Operator =
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

export const OPERATORS: readonly Operator[] = [
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

const NULL_TESTS: readonly Operator[] = ['isNull', 'isNotNull'];
const EQUALITY: readonly Operator[] = ['eq', 'ne', 'in', 'notIn'];
const ORDER: readonly Operator[] = ['gt', 'gte', 'lt', 'lte'];
const PATTERNS: readonly Operator[] = ['like', 'ilike', 'notLike', 'notIlike'];
const ARRAYS: readonly Operator[] = ['arrayContains', 'arrayContained', 'arrayOverlaps'];

/**
 * The operators that Postgres has for a type: json has no equality, a point no order, patterns are for text. Of a custom type everything is
 * allowed but array operators; Postgres refuses what it does not know.
 */
export function operatorsFor(type: ColumnType): readonly Operator[] {
  switch (type.kind) {
    case 'point':
      return NULL_TESTS;
    case 'json':
      return type.binary ? [...EQUALITY, ...NULL_TESTS] : NULL_TESTS;
    case 'text':
    case 'other':
      return [...EQUALITY, ...ORDER, ...PATTERNS, ...NULL_TESTS];
    case 'array':
      return operatorsFor(type.of).includes('eq')
        ? [...EQUALITY, ...ORDER, ...NULL_TESTS, ...ARRAYS]
        : NULL_TESTS;
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
      return [...EQUALITY, ...ORDER, ...NULL_TESTS];
  }
}

/** True when rows can be ordered by a column of this type. */
export function isOrderable(type: ColumnType): boolean {
  return type.kind === 'array' ? isOrderable(type.of) : operatorsFor(type).includes('gt');
}
