import {
  GraphQLBoolean,
  GraphQLInt,
  GraphQLScalarType,
  GraphQLString,
  Kind,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import { GraphQLJSON, GraphQLMAC, GraphQLUUID } from 'graphql-scalars';
import type { ColumnType } from '../../shared/model/types.js';
import { survivesDouble } from '../../shared/value/decimal.js';
import { encodeValue } from '../../shared/value/encode.js';
import { invalidValue } from '../../shared/value/invalid.js';

/**
 * Types whose values a scalar carries: an enum has a GraphQL enum of its own, an array is a list.
 */
export type ScalarColumnType = Exclude<ColumnType, { readonly kind: 'enum' | 'array' }>;

/**
 * The GraphQL scalar of a type; always the same object for the same type.
 *
 * Output is what `decodeValue` gives. Input is checked as `encodeValue` does it, so that a bad
 * value is refused with the document, and is handed on as the client sent it. Scalars of
 * `graphql-scalars` serve where they lose nothing (`UUID`, `MAC`, `JSON`); theirs for numbers and
 * times go through doubles and milliseconds, and know neither infinities nor years BC.
 */
export function scalarFor(type: ScalarColumnType): GraphQLScalarType {
  switch (type.kind) {
    case 'int':
      return type.bits === 64 ? BIGINT : GraphQLInt;
    case 'numeric':
      return DECIMAL;
    case 'float':
      return DOUBLE;
    case 'bool':
      return GraphQLBoolean;
    case 'text':
    case 'other':
      return GraphQLString;
    case 'uuid':
      return GraphQLUUID;
    case 'date':
      return DATE;
    case 'time':
      return type.zone ? TIME_WITH_ZONE : TIME;
    case 'timestamp':
      return type.zone ? DATE_TIME : LOCAL_DATE_TIME;
    case 'interval':
      return INTERVAL;
    case 'json':
      return JSON_VALUE;
    case 'bytea':
      return BYTES;
    case 'inet':
      return { inet: INET, cidr: CIDR, macaddr: GraphQLMAC, macaddr8: MAC8 }[type.variant];
    case 'point':
      return POINT;
  }
}

interface ScalarConfig {
  readonly name: string;
  readonly description: string;
  readonly type: ColumnType;
  /** The TypeScript types that clients send and receive, for generated code. */
  readonly typescript: string;
  /** True for values in the form that GraphQL shows. */
  readonly shows: (value: unknown) => boolean;
}

function scalar(config: ScalarConfig): GraphQLScalarType {
  const parse = (value: unknown): unknown => {
    encodeValue(config.type, value);
    return value;
  };
  return new GraphQLScalarType({
    name: config.name,
    description: config.description,
    serialize: (value) => {
      if (!config.shows(value))
        throw new TypeError(`${config.name} cannot show ${typeof value} ${String(value)}`);
      return value;
    },
    parseValue: parse,
    parseLiteral: (node, variables) => parse(literalValue(node, config.type, variables)),
    extensions: { codegenScalarType: config.typescript },
  });
}

/**
 * A literal's value; whole numbers as bigint and decimals as text, so that none is rounded before
 * it is checked.
 */
function literalValue(
  node: ValueNode,
  type: ColumnType,
  variables: Parameters<typeof valueFromASTUntyped>[1],
): unknown {
  if (node.kind === Kind.INT || node.kind === Kind.FLOAT) {
    if (type.kind === 'float') return Number(encodeValue(type, node.value));
    if (node.kind === Kind.INT) return BigInt(node.value);
    if (type.kind === 'numeric') return node.value;
  }
  return valueFromASTUntyped(node, variables);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isFloat = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : value === 'NaN' || value === 'Infinity' || value === '-Infinity';

const BIGINT = scalar({
  name: 'BigInt',
  description: 'A whole number of 64 bits, written as a string. You may send small ones as numbers.',
  type: { kind: 'int', bits: 64 },
  typescript: 'string',
  shows: (value) => typeof value === 'string' && /^-?\d+$/.test(value),
});

const DECIMAL = scalar({
  name: 'Decimal',
  description:
    'An exact decimal number, written as a string: `"12.50"`. Also `"NaN"`, `"Infinity"`, `"-Infinity"`.',
  type: { kind: 'numeric' },
  typescript: 'string',
  shows: isText,
});

const DOUBLE = scalar({
  name: 'Double',
  description: 'A floating-point number, or `"NaN"`, `"Infinity"`, `"-Infinity"`.',
  type: { kind: 'float', bits: 64 },
  typescript: 'number | "NaN" | "Infinity" | "-Infinity"',
  shows: isFloat,
});

const DATE = scalar({
  name: 'Date',
  description: 'A day: `"2026-01-31"`. Also `"0044-03-15 BC"`, `"infinity"`, `"-infinity"`.',
  type: { kind: 'date' },
  typescript: 'string',
  shows: isText,
});

const TIME = scalar({
  name: 'Time',
  description: 'A time of day to the microsecond: `"12:30:00.123456"`.',
  type: { kind: 'time', zone: false },
  typescript: 'string',
  shows: isText,
});

const TIME_WITH_ZONE = scalar({
  name: 'TimeWithZone',
  description: 'A time of day with its offset from UTC: `"12:30:00+02"`.',
  type: { kind: 'time', zone: true },
  typescript: 'string',
  shows: isText,
});

const DATE_TIME = scalar({
  name: 'DateTime',
  description:
    'An instant to the microsecond, in UTC: `"2026-01-31T12:30:00.123456Z"`. Also `"infinity"`, `"-infinity"`.',
  type: { kind: 'timestamp', zone: true },
  typescript: 'string',
  shows: isText,
});

const LOCAL_DATE_TIME = scalar({
  name: 'LocalDateTime',
  description: 'A day and time to the microsecond without a zone: `"2026-01-31T12:30:00.123456"`.',
  type: { kind: 'timestamp', zone: false },
  typescript: 'string',
  shows: isText,
});

const INTERVAL = scalar({
  name: 'Interval',
  description: 'A span of time: `"1 mon 3 days 04:05:06"`. You may also send ISO 8601 (`"P1M3DT4H5M6S"`).',
  type: { kind: 'interval' },
  typescript: 'string',
  shows: isText,
});

const BYTES = scalar({
  name: 'Bytes',
  description: 'Bytes in base64.',
  type: { kind: 'bytea' },
  typescript: 'string',
  shows: isText,
});

const INET = scalar({
  name: 'Inet',
  description: 'An IP address, with the length of its network if it has one: `"10.1.2.3/8"`.',
  type: { kind: 'inet', variant: 'inet' },
  typescript: 'string',
  shows: isText,
});

const CIDR = scalar({
  name: 'Cidr',
  description: 'An IP network: `"10.0.0.0/8"`.',
  type: { kind: 'inet', variant: 'cidr' },
  typescript: 'string',
  shows: isText,
});

const MAC8 = scalar({
  name: 'MAC8',
  description: 'A MAC address of eight bytes: `"08:00:2b:01:02:03:04:05"`.',
  type: { kind: 'inet', variant: 'macaddr8' },
  typescript: 'string',
  shows: isText,
});

const POINT = scalar({
  name: 'Point',
  description: 'A point in the plane: `{ x: 1.5, y: 2 }`.',
  type: { kind: 'point' },
  typescript: '{ x: number; y: number }',
  shows: (value) => typeof value === 'object' && value !== null && 'x' in value && 'y' in value,
});

/**
 * `JSON` of graphql-scalars, but for literals: a number that a double cannot hold is refused, not
 * rounded.
 */
const JSON_VALUE = new GraphQLScalarType({
  ...GraphQLJSON.toConfig(),
  description:
    'Any JSON value. A stored number that does not fit a double is shown as a string of its digits.',
  parseValue: (value) => {
    encodeValue({ kind: 'json', binary: true }, value);
    return value;
  },
  parseLiteral: (node, variables) => {
    refuseLossyNumbers(node);
    const value = valueFromASTUntyped(node, variables);
    encodeValue({ kind: 'json', binary: true }, value);
    return value;
  },
});

function refuseLossyNumbers(node: ValueNode): void {
  if (node.kind === Kind.LIST) for (const item of node.values) refuseLossyNumbers(item);
  if (node.kind === Kind.OBJECT) for (const field of node.fields) refuseLossyNumbers(field.value);
  if ((node.kind === Kind.INT || node.kind === Kind.FLOAT) && !survivesDouble(node.value)) {
    throw invalidValue(
      { kind: 'json', binary: true },
      node.value,
      'a number that a double holds; send it as a string',
    );
  }
}
