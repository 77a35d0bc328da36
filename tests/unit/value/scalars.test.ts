import { GraphQLObjectType, type GraphQLScalarType, GraphQLSchema, graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import { RivuletError } from '../../../shared/errors.js';
import { type ScalarColumnType, scalarFor } from '../../../src/value/scalars.js';

const types: readonly ScalarColumnType[] = [
  { kind: 'int', bits: 16 },
  { kind: 'int', bits: 64 },
  { kind: 'numeric' },
  { kind: 'float', bits: 32 },
  { kind: 'bool' },
  { kind: 'text', variant: 'char' },
  { kind: 'uuid' },
  { kind: 'date' },
  { kind: 'time', zone: false },
  { kind: 'time', zone: true },
  { kind: 'timestamp', zone: false },
  { kind: 'timestamp', zone: true },
  { kind: 'interval' },
  { kind: 'json', binary: false },
  { kind: 'bytea' },
  { kind: 'inet', variant: 'inet' },
  { kind: 'inet', variant: 'cidr' },
  { kind: 'inet', variant: 'macaddr' },
  { kind: 'inet', variant: 'macaddr8' },
  { kind: 'point' },
  { kind: 'other', sqlType: 'citext' },
];

const BIGINT: ScalarColumnType = { kind: 'int', bits: 64 };
const DECIMAL: ScalarColumnType = { kind: 'numeric' };
const DOUBLE: ScalarColumnType = { kind: 'float', bits: 64 };
const INSTANT: ScalarColumnType = { kind: 'timestamp', zone: true };
const JSON_VALUE: ScalarColumnType = { kind: 'json', binary: true };
const POINT: ScalarColumnType = { kind: 'point' };

/** What a resolver gets for an argument of the scalar, and what the client gets for what it returns. */
async function roundTrip(
  scalar: GraphQLScalarType,
  source: string,
  variableValues?: Record<string, unknown>,
) {
  let received: unknown;
  const query = new GraphQLObjectType({
    name: 'Query',
    fields: {
      echo: {
        type: scalar,
        args: { value: { type: scalar } },
        resolve: (_root, args: { value: unknown }) => {
          received = args.value;
          return null;
        },
      },
    },
  });
  const result = await graphql({ schema: new GraphQLSchema({ query }), source, variableValues });
  return { received, errors: result.errors ?? [] };
}

const literal = (type: ScalarColumnType, text: string) =>
  roundTrip(scalarFor(type), `{ echo(value: ${text}) }`);
const variable = (type: ScalarColumnType, value: unknown) =>
  roundTrip(scalarFor(type), `query ($value: ${scalarFor(type).name}) { echo(value: $value) }`, { value });

describe('scalars', () => {
  test('are the same object for the same type, and of different names for different ones', () => {
    const scalars = new Set(types.map(scalarFor));
    for (const type of types) expect(scalarFor({ ...type })).toBe(scalarFor(type));
    expect(new Set([...scalars].map((scalar) => scalar.name)).size).toBe(scalars.size);
  });

  test('show what decodeValue gives, and nothing else', () => {
    expect(scalarFor(BIGINT).serialize('9223372036854775807')).toBe('9223372036854775807');
    expect(() => scalarFor(BIGINT).serialize(1.5)).toThrow();
    expect(scalarFor(DOUBLE).serialize('NaN')).toBe('NaN');
    expect(() => scalarFor(DOUBLE).serialize(Number.NaN)).toThrow();
    expect(scalarFor(INSTANT).serialize('infinity')).toBe('infinity');
    expect(() => scalarFor(INSTANT).serialize(new Date())).toThrow();
  });

  test('take whole numbers of any size in a document without rounding them', async () => {
    expect((await literal(BIGINT, '9223372036854775807')).received).toBe(9223372036854775807n);
    expect((await literal(BIGINT, '"9223372036854775807"')).received).toBe('9223372036854775807');
    expect((await literal(DECIMAL, '0.10000000000000000001')).received).toBe('0.10000000000000000001');
    expect((await literal(JSON_VALUE, '{ a: [1, 1.5, "x", null, true] }')).received).toEqual({
      a: [1, 1.5, 'x', null, true],
    });
    expect((await literal(POINT, '{ x: 1, y: 2.5 }')).received).toEqual({ x: 1, y: 2.5 });
  });

  test('take the same as variables', async () => {
    expect((await variable(BIGINT, 7)).received).toBe(7);
    expect((await variable(DOUBLE, 'Infinity')).received).toBe('Infinity');
    expect((await variable(JSON_VALUE, { a: 1 })).received).toEqual({ a: 1 });
  });

  test.each<[ScalarColumnType, string]>([
    [BIGINT, '9223372036854775808'],
    [BIGINT, '1.5'],
    [BIGINT, '{ a: 1 }'],
    [DECIMAL, '"ten"'],
    [DOUBLE, '"many"'],
    [DOUBLE, '1e400'],
    [INSTANT, '"2026-13-01"'],
    [INSTANT, '1767322800'],
    [JSON_VALUE, '{ a: [12345678901234567890] }'],
    [POINT, '{ x: 1 }'],
  ])('%j refuses the literal %s', async (type, text) => {
    const { errors } = await literal(type, text);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.originalError).toBeInstanceOf(RivuletError);
  });

  test.each<[ScalarColumnType, unknown]>([
    [BIGINT, 2 ** 53],
    [BIGINT, '1e3'],
    [DECIMAL, true],
    [INSTANT, 'yesterday'],
    [JSON_VALUE, 'a\0b'],
  ])('%j refuses the variable %j', async (type, value) => {
    const { errors } = await variable(type, value);
    expect(errors).toHaveLength(1);
  });
});
