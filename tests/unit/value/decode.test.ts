import { describe, expect, test } from 'vitest';
import type { ColumnType } from '../../../shared/model/types.js';
import { readArray } from '../../../shared/value/array-literal.js';
import { decodeValue } from '../../../shared/value/decode.js';

describe('what GraphQL shows', () => {
  test.each<[ColumnType, string, unknown]>([
    [{ kind: 'int', bits: 32 }, '-7', -7],
    [{ kind: 'int', bits: 64 }, '9223372036854775807', '9223372036854775807'],
    [{ kind: 'numeric' }, '1.00', '1.00'],
    [{ kind: 'float', bits: 64 }, 'NaN', 'NaN'],
    [{ kind: 'float', bits: 64 }, '-0', 0],
    [{ kind: 'float', bits: 32 }, '1e+20', 1e20],
    [{ kind: 'bool' }, 'true', true],
    [{ kind: 'timestamp', zone: true }, '2026-01-02 03:04:05.123456+00', '2026-01-02T03:04:05.123456Z'],
    [{ kind: 'timestamp', zone: false }, '2026-01-02 03:04:05', '2026-01-02T03:04:05'],
    [{ kind: 'timestamp', zone: true }, '0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00+00 BC'],
    [{ kind: 'timestamp', zone: true }, '-infinity', '-infinity'],
    [{ kind: 'bytea' }, '\\xdeadbeef', '3q2+7w=='],
    [{ kind: 'inet', variant: 'inet' }, '10.1.2.3/32', '10.1.2.3'],
    [{ kind: 'inet', variant: 'inet' }, '::1/64', '::1/64'],
    [{ kind: 'inet', variant: 'cidr' }, '10.1.2.3/32', '10.1.2.3/32'],
    [{ kind: 'point' }, '(1.5,-Infinity)', { x: 1.5, y: '-Infinity' }],
    [{ kind: 'array', of: { kind: 'bool' }, dimensions: 1 }, '{t,NULL,f}', [true, null, false]],
    [
      { kind: 'array', of: { kind: 'int', bits: 32 }, dimensions: 2 },
      '{{1,2},{3,4}}',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [{ kind: 'array', of: { kind: 'int', bits: 32 }, dimensions: 1 }, '[0:1]={1,2}', [1, 2]],
  ])('of %j %s', (type, text, shown) => {
    expect(decodeValue(type, text)).toEqual(shown);
  });

  test('a number inside json that a double cannot hold becomes a string of its digits; no other does', () => {
    const text =
      '{"id": 12345678901234567890, "pi": 3.14159265358979323846, "big": 1e400, "fine": [1.50, 1e3, 0.1, -0.0, 9007199254740991], ' +
      '"text": "12345678901234567890 \\" 1e400", "12345678901234567890": -9007199254740993}';
    expect(decodeValue({ kind: 'json', binary: true }, text)).toEqual({
      id: '12345678901234567890',
      pi: '3.14159265358979323846',
      big: '1e400',
      fine: [1.5, 1000, 0.1, -0, 9007199254740991],
      text: '12345678901234567890 " 1e400',
      '12345678901234567890': '-9007199254740993',
    });
  });

  test('json with a name like __proto__ is an object with that name', () => {
    const shown = decodeValue({ kind: 'json', binary: true }, '{"__proto__": {"admin": true}}');
    expect(Object.keys(shown as object)).toEqual(['__proto__']);
    expect((shown as { admin?: boolean }).admin).toBeUndefined();
  });

  test.each(['', '{', '{1', '{"a', '1}', '{1}x', '[0:1]{1}'])('%j is no array', (text) => {
    expect(() => readArray(text)).toThrow(TypeError);
  });
});
