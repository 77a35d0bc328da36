import type { ColumnType } from '../model/types.js';
import { type ArrayElement, type PgArray, readArray } from './array-literal.js';
import { MICROS_PER_SECOND } from './calendar.js';
import { readDate, readTime, readTimestamp } from './date-time.js';
import { compareDecimals, readDecimal } from './decimal.js';
import { trimBlanks } from './decode.js';
import { intervalSpan, readInterval } from './interval.js';
import { compareNetworks, readNetwork } from './network.js';

/** Negative, zero or positive. */
export type TextComparator = (left: string, right: string) => number;

/**
 * Postgres's comparison of a type's values: texts are read once into `Value`s, which compare
 * cheaply. `ordered` is false where only zero and not zero mean something (text, whose order is the
 * collation's).
 */
export interface ValueComparison<Value> {
  readonly ordered: boolean;
  read(text: string): Value;
  compare(left: Value, right: Value): number;
}

/**
 * The comparison of a type, or `undefined` where only Postgres can compare (json, points, custom
 * types). Exact for the texts that Postgres writes and that `encodeValue` gives; any other text is
 * a `TypeError`.
 *
 * Text is compared as every deterministic collation compares it: equal when the bytes are. An
 * enum's order is that of its labels as declared; a label that is not declared sorts after them.
 */
export function comparisonOf(type: ColumnType): ValueComparison<unknown> | undefined {
  return comparisonFor(type) as ValueComparison<unknown> | undefined;
}

function comparisonFor(type: ColumnType): unknown {
  switch (type.kind) {
    case 'int':
      return type.bits === 64 ? by((text) => BigInt(text)) : by(Number);
    case 'numeric':
      return {
        ordered: true,
        read: (text: string) => known(readDecimal(text), text),
        compare: compareDecimals,
      };
    case 'float':
      return type.bits === 32 ? floats((text) => Math.fround(Number(text))) : floats(Number);
    case 'bool':
      return by((text) => text === 'true' || text === 't');
    case 'text':
      return { ...by(type.variant === 'char' ? trimBlanks : itself), ordered: false };
    case 'uuid':
    case 'bytea':
      return by(itself);
    case 'inet':
      return type.variant === 'inet' || type.variant === 'cidr' ? networks(type.variant) : by(itself);
    case 'date':
      return by((text) => known(readDate(text), text));
    case 'timestamp':
      return by((text) => known(readTimestamp(text), text).micros);
    case 'time':
      return by((text) => timeRank(known(readTime(text, type.zone), text)));
    case 'interval':
      return by((text) => intervalSpan(known(readInterval(text), text)));
    case 'enum':
      return { ordered: true, read: itself, compare: labels(type.values) };
    case 'array':
      return arrays(comparisonOf(type.of));
    case 'json':
    case 'point':
    case 'other':
      return undefined;
  }
}

function by<Value extends number | bigint | string | boolean>(
  read: (text: string) => Value,
): ValueComparison<Value> {
  return { ordered: true, read, compare: (left, right) => (left < right ? -1 : left > right ? 1 : 0) };
}

/** NaN equals itself and is above everything. */
function floats(read: (text: string) => number): ValueComparison<number> {
  return {
    ordered: true,
    read,
    compare: (left, right) => {
      if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
      if (Number.isNaN(right)) return -1;
      return left < right ? -1 : left > right ? 1 : 0;
    },
  };
}

function networks(variant: 'inet' | 'cidr'): unknown {
  return {
    ordered: true,
    read: (text: string) => known(readNetwork(text, variant), text),
    compare: compareNetworks,
  };
}

/** By instant first; of two equal instants the one whose clock is further east comes first. */
function timeRank(time: { readonly micros: bigint; readonly offset: number }): bigint {
  const instant = time.micros - BigInt(time.offset) * MICROS_PER_SECOND;
  return instant * 1_000_000n - BigInt(time.offset);
}

function labels(declared: readonly string[]): TextComparator {
  const ranks = new Map(declared.map((label, rank) => [label, rank]));
  const rankOf = (label: string): number => ranks.get(label) ?? declared.length;
  return (left, right) => {
    if (left === right) return 0;
    return rankOf(left) - rankOf(right) || (left < right ? -1 : 1);
  };
}

/**
 * Element by element, NULL above all; then the longer, then the one with more dimensions, then the
 * dimensions themselves.
 */
function arrays(element: ValueComparison<unknown> | undefined): ValueComparison<ReadArray> | undefined {
  if (!element) return undefined;
  return {
    ordered: element.ordered,
    read: (text) => flatten(readArray(text), element),
    compare: (left, right) => {
      const shared = Math.min(left.items.length, right.items.length);
      for (let index = 0; index < shared; index++) {
        const difference = compareItems(element, left.items[index], right.items[index]);
        if (difference !== 0) return difference;
      }
      return left.items.length - right.items.length || compareNumbers(left.shape, right.shape);
    },
  };
}

/** An array as its comparison reads it. */
export interface ReadArray {
  /** All items in storage order; `undefined` is NULL. */
  readonly items: readonly unknown[];
  /** The number of dimensions, their lengths, their lower bounds. */
  readonly shape: readonly number[];
}

function flatten(array: PgArray, element: ValueComparison<unknown>): ReadArray {
  const items: unknown[] = [];
  const walk = (item: ArrayElement): void => {
    if (item === null) items.push(undefined);
    else if (typeof item === 'string') items.push(element.read(item));
    else for (const inner of item) walk(inner);
  };
  walk(array.elements);
  const lengths: number[] = [];
  for (let level: ArrayElement | undefined = array.elements; Array.isArray(level); level = level[0]) {
    if (level.length > 0) lengths.push(level.length);
  }
  const bounds = [...array.bounds.matchAll(/\[(-?\d+):/g)].map((match) => Number(match[1]));
  const lower = bounds.length > 0 ? bounds : lengths.map(() => 1);
  return { items, shape: [lengths.length, ...lengths, ...lower] };
}

function compareItems(element: ValueComparison<unknown>, left: unknown, right: unknown): number {
  if (left === undefined) return right === undefined ? 0 : 1;
  return right === undefined ? -1 : element.compare(left, right);
}

function compareNumbers(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    if (left[index] !== right[index]) return left[index]! - right[index]!;
  }
  return left.length - right.length;
}

function itself(text: string): string {
  return text;
}

function known<Value>(value: Value | undefined, text: string): Value {
  if (value === undefined) throw new TypeError(`Postgres does not write ${text.slice(0, 80)}`);
  return value;
}
