import type { ColumnType, ColumnTypeOf } from '../model/types.js';
import { type ArrayElement, delimiterOf, formatArray } from './array-literal.js';
import { formatBytes, hexOfBase64 } from './bytes.js';
import { encodeFloat, encodeInt, encodeNumeric } from './encode-number.js';
import { encodeDate, encodeInterval, encodeTime, encodeTimestamp } from './encode-time.js';
import { excerpt, invalidValue } from './invalid.js';
import { formatJson } from './json.js';
import { formatNetwork, readMac, readNetwork } from './network.js';

/**
 * Postgres's text of a value, as it comes from GraphQL or from TypeScript: numbers, bigints,
 * strings, booleans, `Date`, `Uint8Array`, `{x, y}` or `[x, y]` for points, anything that JSON has
 * for json, nested lists (with `null`) for arrays.
 *
 * The text is valid input of the type (but for length and precision of the column, and for `other`,
 * which only Postgres knows) and, except for `numeric` and json, in the form in which Postgres
 * writes it. Throws `VALUE_INVALID` on anything else, `null` included.
 */
export function encodeValue(type: ColumnType, value: unknown): string {
  switch (type.kind) {
    case 'int':
      return encodeInt(type, value);
    case 'numeric':
      return encodeNumeric(type, value);
    case 'float':
      return encodeFloat(type, value);
    case 'bool':
      return encodeBool(type, value);
    case 'text':
      return encodeText(type, value);
    case 'uuid':
      return encodeUuid(type, value);
    case 'date':
      return encodeDate(type, value);
    case 'time':
      return encodeTime(type, value);
    case 'timestamp':
      return encodeTimestamp(type, value);
    case 'interval':
      return encodeInterval(type, value);
    case 'json':
      return encodeJson(type, value);
    case 'bytea':
      return encodeBytes(type, value);
    case 'enum':
      return encodeEnum(type, value);
    case 'inet':
      return encodeNetwork(type, value);
    case 'point':
      return encodePoint(type, value);
    case 'array':
      return formatArray(encodeElements(type, value, type.dimensions), delimiterOf(type.of));
    case 'other':
      return encodeOther(type, value);
  }
}

function encodeBool(type: ColumnType, value: unknown): string {
  if (value === true || value === 'true' || value === 't') return 'true';
  if (value === false || value === 'false' || value === 'f') return 'false';
  throw invalidValue(type, value, 'true or false');
}

function encodeText(type: ColumnType, value: unknown): string {
  if (typeof value !== 'string') throw invalidValue(type, value, 'text');
  if (/\0|\p{Surrogate}/u.test(value)) {
    throw invalidValue(type, value, 'text without NUL characters and broken surrogates');
  }
  return value;
}

function encodeUuid(type: ColumnType, value: unknown): string {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  if (!shape.test(text))
    throw invalidValue(type, value, 'a UUID such as 123e4567-e89b-12d3-a456-426614174000');
  return text;
}

function encodeJson(type: ColumnType, value: unknown): string {
  try {
    return formatJson(value);
  } catch (error) {
    throw invalidValue(type, value, error instanceof TypeError ? error.message : 'JSON');
  }
}

/** Base64, as GraphQL shows bytes; Postgres's own hex form (`\x…`) is taken too. */
function encodeBytes(type: ColumnType, value: unknown): string {
  if (value instanceof Uint8Array) return formatBytes(value);
  if (typeof value === 'string') {
    if (/^\\x(?:[0-9a-fA-F]{2})*$/.test(value)) return value.toLowerCase();
    const hex = hexOfBase64(value);
    if (hex !== undefined) return hex;
  }
  throw invalidValue(type, value, 'bytes in base64');
}

function encodeEnum(type: ColumnTypeOf<'enum'>, value: unknown): string {
  if (typeof value === 'string' && type.values.includes(value)) return value;
  throw invalidValue(type, value, `one of ${type.values.map(excerpt).join(', ')}`);
}

function encodeNetwork(type: ColumnTypeOf<'inet'>, value: unknown): string {
  if (typeof value === 'string') {
    if (type.variant === 'inet' || type.variant === 'cidr') {
      const address = readNetwork(value, type.variant);
      if (address) return formatNetwork(address);
    } else {
      const mac = readMac(value, type.variant);
      if (mac) return mac;
    }
  }
  const example = { inet: '10.1.2.3/8', cidr: '10.0.0.0/8', macaddr: '08:00:2b:01:02:03' };
  throw invalidValue(
    type,
    value,
    `a form such as ${{ ...example, macaddr8: '08:00:2b:01:02:03:04:05' }[type.variant]}`,
  );
}

function encodePoint(type: ColumnType, value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    const parts = Array.isArray(value) ? value : 'x' in value && 'y' in value ? [value.x, value.y] : [];
    if (parts.length === 2)
      return `(${parts.map((part) => encodeFloat({ kind: 'float', bits: 64 }, part)).join(',')})`;
  }
  const match = typeof value === 'string' ? /^\(([^,()]+),([^,()]+)\)$/.exec(value) : null;
  if (match) return encodePoint(type, [match[1], match[2]]);
  throw invalidValue(type, value, 'a point such as {x: 1.5, y: 2}');
}

function encodeElements(type: ColumnTypeOf<'array'>, value: unknown, depth: number): ArrayElement[] {
  if (!Array.isArray(value)) throw invalidValue(type, value, `a list, ${type.dimensions} deep`);
  if (depth === 1) return value.map((item) => (item === null ? null : encodeValue(type.of, item)));
  const rows = value.map((item) => encodeElements(type, item, depth - 1));
  if (rows.some((row) => row.length !== rows[0]!.length)) {
    throw invalidValue(type, value, 'lists of the same length in every dimension');
  }
  // Postgres has no empty inner arrays: an array without elements has no dimensions either.
  return rows.every((row) => row.length === 0) ? [] : rows;
}

function encodeOther(type: ColumnType, value: unknown): string {
  if (typeof value === 'string') return encodeText(type, value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  if (value instanceof Uint8Array) return formatBytes(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  throw invalidValue(type, value, 'its text form');
}
