import type { ModelColumn } from '../model/types.js';
import { comparisonOf, type ReadArray, type ValueComparison } from '../value/compare.js';
import { trimBlanks } from '../value/decode.js';
import { columnComparison } from '../value/equality.js';
import { compileLike } from './like.js';
import type { CompareOp, Filter, RowPredicate } from './types.js';

/**
 * The filter as a function of one row's cells that gives exactly what Postgres gives: true, false,
 * or `null` for unknown. `null` in place of a function where JavaScript cannot decide it for every
 * row, and Postgres has to:
 *
 * - relations;
 * - columns whose equality is the database's (see `equalityOf`), such as text under a
 *   nondeterministic collation;
 * - `ilike`, and order (`gt` … `lte`) on text: both depend on the collation. Equality and `like`
 *   are exact for every deterministic one;
 * - order on enums, which may have labels that the schema does not know yet;
 * - everything on json, points and custom types but `isNull`;
 * - patterns that could not be matched in linear time.
 *
 * Cells must be texts as Postgres writes them (a `TypeError` otherwise); filters as `parseFilter`
 * makes them.
 */
export function compilePredicate(filter: Filter): RowPredicate | null {
  switch (filter.kind) {
    case 'const':
      return () => filter.value;
    case 'and':
    case 'or':
      return compileCombination(filter.filters, filter.kind === 'or');
    case 'not': {
      const inner = compilePredicate(filter.filter);
      if (!inner) return null;
      return (row) => {
        const truth = inner(row);
        return truth === null ? null : !truth;
      };
    }
    case 'compare':
      return filter.castType === undefined ? compileCompare(filter.column, filter.op, filter.value) : null;
    case 'in':
      return filter.castType === undefined ? compileIn(filter.column, filter.values) : null;
    case 'isNull': {
      const { index } = filter.column;
      return (row) => cell(row, index) === null;
    }
    case 'like': {
      const { type } = filter.column;
      const isExact = type.kind === 'text' && !filter.insensitive && columnComparison(filter.column);
      const matches = isExact ? compileLike(filter.pattern) : undefined;
      if (!matches) return null;
      return present(
        filter.column,
        type.kind === 'text' && type.variant === 'char' ? (text) => matches(trimBlanks(text)) : matches,
      );
    }
    case 'array':
      return compileArray(filter);
    case 'related':
      return null;
  }
}

/**
 * `decisive` is the truth that settles the whole: false for AND, true for OR; else unknown wins
 * over the other.
 */
function compileCombination(filters: readonly Filter[], decisive: boolean): RowPredicate | null {
  const parts = filters.map(compilePredicate);
  if (!parts.every((part) => part !== null)) return null;
  return (row) => {
    let truth: boolean | null = !decisive;
    for (const part of parts) {
      const next = part(row);
      if (next === decisive) return decisive;
      if (next === null) truth = null;
    }
    return truth;
  };
}

function compileCompare(column: ModelColumn, op: CompareOp, value: string): RowPredicate | null {
  const comparison = columnComparison(column);
  if (!comparison) return null;
  const byOrder = op !== 'eq' && op !== 'ne';
  if (byOrder && (!comparison.ordered || holdsEnum(column))) return null;
  const right = comparison.read(value);
  return present(column, (text) => decide(op, comparison.compare(comparison.read(text), right)));
}

function holdsEnum({ type }: ModelColumn): boolean {
  return (type.kind === 'array' ? type.of : type).kind === 'enum';
}

function decide(op: CompareOp, difference: number): boolean {
  switch (op) {
    case 'eq':
      return difference === 0;
    case 'ne':
      return difference !== 0;
    case 'gt':
      return difference > 0;
    case 'gte':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'lte':
      return difference <= 0;
  }
}

function compileIn(column: ModelColumn, values: readonly string[]): RowPredicate | null {
  const comparison = columnComparison(column);
  if (!comparison) return null;
  // Postgres: nothing is one of no values, NULL neither.
  if (values.length === 0) return () => false;
  const wanted = values.map((value) => comparison.read(value));
  if (wanted.every((value) => typeof value !== 'object')) {
    const set = new Set(wanted);
    return present(column, (text) => set.has(comparison.read(text)));
  }
  return present(column, (text) => {
    const value = comparison.read(text);
    return wanted.some((other) => comparison.compare(value, other) === 0);
  });
}

/**
 * NULL elements match nothing: they fail `arrayContains` and `arrayContained`, and do nothing for
 * `arrayOverlaps`.
 */
function compileArray(filter: Extract<Filter, { kind: 'array' }>): RowPredicate | null {
  const { column, op } = filter;
  if (column.type.kind !== 'array') return null;
  const item = comparisonOf(column.type.of);
  const comparison = columnComparison(column) as ValueComparison<ReadArray> | undefined;
  if (!item || !comparison) return null;
  const right = comparison.read(filter.value).items;
  const found = (value: unknown, among: readonly unknown[]): boolean =>
    value !== undefined && among.some((other) => other !== undefined && item.compare(value, other) === 0);
  return present(column, (text) => {
    const left = comparison.read(text).items;
    switch (op) {
      case 'arrayContains':
        return right.every((value) => found(value, left));
      case 'arrayContained':
        return left.every((value) => found(value, right));
      case 'arrayOverlaps':
        return left.some((value) => found(value, right));
    }
  });
}

/** Unknown where the cell is NULL. */
function present(column: ModelColumn, test: (text: string) => boolean): RowPredicate {
  const { index } = column;
  return (row) => {
    const text = cell(row, index);
    return text === null ? null : test(text);
  };
}

function cell(row: readonly (string | null)[], index: number): string | null {
  const text = row[index];
  if (text === undefined) throw new TypeError(`a row without a cell ${index}`);
  return text;
}
