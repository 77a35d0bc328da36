import { is, SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { postgresJsCodecs } from 'drizzle-orm/postgres-js/codecs';
import { RivuletError } from '../../shared/errors.js';
import type { ColumnType, ModelColumn } from '../../shared/model/types.js';
import { type ArrayElement, delimiterOf, formatArray, readArray } from '../../shared/value/array-literal.js';
import { readBytes } from '../../shared/value/bytes.js';
import { shortInet } from '../../shared/value/decode.js';
import { encodeValue } from '../../shared/value/encode.js';
import { drizzleColumn } from '../model/drizzle.js';

/**
 * The value that Drizzle's postgres-js driver returns for this column and Postgres's text `text`:
 * the driver's own parsing, then Drizzle's codec of the column's mode, then the column's decoder.
 *
 * One difference, on purpose: a NULL inside an array is `null`. The driver makes it the text
 * `NULL`, which Drizzle's decoders turn into `NaN`, a wrong value or an exception.
 */
export function toDrizzleValue(column: ModelColumn, text: string | null): unknown {
  if (text === null) return null;
  const drizzle = drizzleColumn(column);
  const codec = codecOf(drizzle);
  const normalize = codec === undefined ? undefined : postgresJsCodecs[codec]?.normalize;
  const itemType = column.type.kind === 'array' ? column.type.of : column.type;
  const parse = driverParser(itemType, drizzle.getSQLType(), drizzle.length);
  const read = (item: ArrayElement): unknown => {
    if (item === null) return null;
    if (typeof item !== 'string') return item.map(read);
    const parsed = parse(item);
    return normalize ? (normalize as (value: unknown) => unknown)(parsed) : parsed;
  };
  return drizzle.mapFromDriverValue(
    column.type.kind === 'array' ? read(readArray(text, delimiterOf(itemType)).elements) : read(text),
  );
}

/**
 * Postgres's text of a value as Drizzle's user code gives it (`$default`, `$onUpdate`, custom
 * types); `null` for `null`. Throws `VALUE_INVALID` on SQL expressions, which have no value before
 * they run, and on what the column cannot hold.
 */
export function fromDrizzleValue(column: ModelColumn, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (is(value, SQL)) {
    throw new RivuletError('VALUE_INVALID', `${column.name} has an SQL expression where a value is needed`);
  }
  const isArray = column.type.kind === 'array';
  const itemType = column.type.kind === 'array' ? column.type.of : column.type;
  if (itemType.kind !== 'other') return encodeValue(column.type, value);
  const mapped: unknown = drizzleColumn(column).mapToDriverValue(value);
  if (isArray && Array.isArray(mapped))
    return formatArray(
      mapped.map((item) => otherElement(itemType, item)),
      delimiterOf(itemType),
    );
  return otherText(itemType, mapped);
}

function otherElement(type: ColumnType, value: unknown): ArrayElement {
  if (value === null) return null;
  return Array.isArray(value) ? value.map((item) => otherElement(type, item)) : otherText(type, value);
}

/** A custom type's driver value: plain objects are JSON, as postgres.js sends them. */
function otherText(type: ColumnType, value: unknown): string {
  const isPlain =
    typeof value === 'object' && value !== null && !(value instanceof Date || value instanceof Uint8Array);
  return encodeValue(isPlain ? { kind: 'json', binary: false } : type, value);
}

type CodecName = keyof typeof postgresJsCodecs;

/** Drizzle keeps the codec's name on the column, outside of its public type. */
function codecOf(drizzle: PgColumn): CodecName | undefined {
  return (drizzle as unknown as { readonly codec?: CodecName }).codec;
}

/**
 * The driver's value of one item, as Drizzle receives it: postgres.js parses numbers, booleans,
 * json and bytea, and leaves the rest as text.
 */
function driverParser(
  type: ColumnType,
  sqlType: string,
  length: number | undefined,
): (text: string) => unknown {
  switch (type.kind === 'other' ? customKind(sqlType) : type.kind) {
    case 'int':
      return type.kind === 'int' && type.bits === 64 ? (text) => text : Number;
    case 'float':
      return Number;
    case 'bool':
      return (text) => text === 'true' || text === 't';
    case 'json':
      return (text) => JSON.parse(text) as unknown;
    case 'bytea':
      return (text) => Buffer.from(readBytes(text));
    case 'inet':
      return type.kind === 'inet' && type.variant !== 'inet' ? (text) => text : shortInet;
    case 'text':
      return type.kind === 'text' && type.variant === 'char' && length !== undefined
        ? (text) => text + ' '.repeat(Math.max(0, length - [...text].length))
        : (text) => text;
    default:
      return (text) => text;
  }
}

/**
 * The kind under which postgres.js parses a custom type that is one of Postgres's own in disguise.
 */
function customKind(sqlType: string): ColumnType['kind'] {
  switch (sqlType.toLowerCase().replace(/\s*\([^)]*\)/g, '')) {
    case 'smallint':
    case 'int2':
    case 'integer':
    case 'int':
    case 'int4':
    case 'oid':
      return 'int';
    case 'real':
    case 'float4':
    case 'float8':
    case 'double precision':
      return 'float';
    case 'boolean':
    case 'bool':
      return 'bool';
    case 'json':
    case 'jsonb':
      return 'json';
    case 'bytea':
      return 'bytea';
    case 'inet':
      return 'inet';
    default:
      return 'other';
  }
}
