import type { ColumnEquality, ColumnType, ModelColumn } from '../model/types.js';
import { FOREVER, MICROS_PER_DAY, MICROS_PER_SECOND } from './calendar.js';
import { comparisonOf, type ValueComparison } from './compare.js';
import { readDate, readTime, readTimestamp } from './date-time.js';
import { type Decimal, readDecimal } from './decimal.js';
import { trimBlanks } from './decode.js';
import { intervalSpan, readInterval } from './interval.js';
import { formatNetwork, readNetwork } from './network.js';

type EqualColumn = Pick<ModelColumn, 'type' | 'facts'>;

/** The one notion of equality for keys, links and filters, on the server and in clients. */
export function equalityOf(column: EqualColumn): ColumnEquality {
  if (column.facts.equality) return column.facts.equality;
  const { type } = column;
  switch (type.kind) {
    case 'int':
    case 'bool':
    case 'uuid':
    case 'enum':
    case 'bytea':
      return 'text';
    case 'text':
      return type.variant === 'char' ? 'canonical' : 'text';
    case 'inet':
      return type.variant === 'inet' || type.variant === 'cidr' ? 'canonical' : 'text';
    case 'numeric':
    case 'float':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'interval':
      return 'canonical';
    case 'json':
    case 'point':
    case 'array':
    case 'other':
      return 'database';
  }
}

/**
 * Compares two texts of a column. `database`: only PostgreSQL knows. The texts must be as
 * PostgreSQL writes them. Equal texts are equal values, of every type that has an equality.
 */
export function compareTexts(
  column: EqualColumn,
  left: string,
  right: string,
): 'equal' | 'different' | 'database' {
  if (left === right) return 'equal';
  const form = joinForm(column, column);
  if (form) return form.left(left) === form.right(right) ? 'equal' : 'different';
  const comparison = columnComparison(column);
  if (!comparison) return 'database';
  return comparison.compare(comparison.read(left), comparison.read(right)) === 0 ? 'equal' : 'different';
}

/**
 * The comparison of a column's values where JavaScript compares exactly as PostgreSQL does;
 * `undefined` where it cannot.
 */
export function columnComparison(column: EqualColumn): ValueComparison<unknown> | undefined {
  return column.facts.equality === 'database' ? undefined : comparisonOf(column.type);
}

/** Texts of two columns such that values are equal for PostgreSQL exactly where these are. */
export interface JoinForm {
  readonly left: (text: string) => string;
  readonly right: (text: string) => string;
}

/**
 * The comparison of two columns that a relation joins: also across types, as PostgreSQL converts
 * them (a whole number to `numeric`, both to `double precision`, a day to a timestamp). `null`
 * where only PostgreSQL can compare.
 */
export function joinForm(left: EqualColumn, right: EqualColumn): JoinForm | null {
  const family = joinFamily(left, right);
  return family && { left: formIn(family, left), right: formIn(family, right) };
}

/**
 * The values as which PostgreSQL compares two columns: whole numbers beside `numeric` as decimals,
 * and so on.
 */
export type JoinFamily = 'int' | 'decimal' | 'double' | 'text' | 'blank' | 'day' | 'instant' | (string & {});

/** `null` where only PostgreSQL can compare. */
export function joinFamily(left: EqualColumn, right: EqualColumn): JoinFamily | null {
  if (equalityOf(left) === 'database' || equalityOf(right) === 'database') return null;
  const [one, other] = [familyOf(left.type), familyOf(right.type)];
  if (one === null || other === null) return null;
  return one === other ? one : mixedOf(one, other);
}

function familyOf(type: ColumnType): JoinFamily | null {
  switch (type.kind) {
    case 'int':
      return 'int';
    case 'numeric':
      return 'decimal';
    case 'float':
      return 'double';
    case 'text':
      return type.variant === 'char' ? 'blank' : type.variant;
    case 'other':
      return 'custom';
    case 'date':
      return 'day';
    case 'timestamp':
      return 'instant';
    case 'inet':
      return type.variant === 'inet' || type.variant === 'cidr' ? 'network' : type.variant;
    case 'time':
      return type.zone ? 'timetz' : 'time';
    case 'enum':
      return `enum ${type.sqlSchema}.${type.sqlName}`;
    case 'bool':
    case 'uuid':
    case 'bytea':
    case 'interval':
      return type.kind;
    case 'json':
    case 'point':
    case 'array':
      return null;
  }
}

/**
 * Each compares with those before it as itself; `char(n)` and `varchar` both without their trailing
 * blanks.
 */
const WIDER: readonly (readonly JoinFamily[])[] = [
  ['int', 'decimal', 'double'],
  ['day', 'instant'],
  ['varchar', 'blank'],
  ['varchar', 'custom', 'text'],
];

function mixedOf(one: JoinFamily, other: JoinFamily): JoinFamily | null {
  const order = WIDER.find((each) => each.includes(one) && each.includes(other));
  if (order) return order[Math.max(order.indexOf(one), order.indexOf(other))]!;
  // Beside `text`, `char(n)` is text without its padding, and what stands at the end of the text
  // counts.
  return [one, other].includes('text') && [one, other].includes('blank') ? 'text' : null;
}

/** A column's value as a text that equal values of the family share. */
export function formIn(family: JoinFamily, { type }: EqualColumn): (text: string) => string {
  switch (family) {
    case 'blank':
      return trimBlanks;
    case 'decimal':
      return (text) => decimalForm(readDecimal(text), text);
    case 'double':
      return type.kind === 'float' && type.bits === 32
        ? (text) => String(Math.fround(Number(text)) + 0)
        : (text) => String(Number(text) + 0);
    case 'text':
      return type.kind === 'text' && type.variant === 'char' ? trimBlanks : itself;
    case 'day':
      return (text) => String(readDate(text) ?? text);
    case 'instant':
      return type.kind === 'date' ? dayAsInstant : (text) => String(readTimestamp(text)?.micros ?? text);
    case 'network':
      return networkForm;
    case 'time':
    case 'timetz':
      return (text) => timeForm(text, family === 'timetz');
    case 'interval':
      return (text) => {
        const interval = readInterval(text);
        return interval === undefined ? text : String(intervalSpan(interval));
      };
    default:
      return itself;
  }
}

function decimalForm(decimal: Decimal | undefined, text: string): string {
  if (decimal === undefined || typeof decimal === 'string') return decimal ?? text;
  return decimal.sign === 0 ? '0' : `${decimal.sign < 0 ? '-' : ''}${decimal.digits}e${decimal.exponent}`;
}

function dayAsInstant(text: string): string {
  const days = readDate(text);
  if (days === undefined) return text;
  return String(days === FOREVER || days === -FOREVER ? days : days * MICROS_PER_DAY);
}

function networkForm(text: string): string {
  const address = readNetwork(text, 'inet');
  return address ? formatNetwork(address) : text;
}

/** Two times with an offset are equal only where both parts are. */
function timeForm(text: string, zone: boolean): string {
  const time = readTime(text, zone);
  if (!time) return text;
  return zone
    ? `${time.micros - BigInt(time.offset) * MICROS_PER_SECOND} ${time.offset}`
    : String(time.micros);
}

function itself(text: string): string {
  return text;
}
