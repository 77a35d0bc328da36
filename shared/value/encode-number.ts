import type { ColumnType, ColumnTypeOf } from '../model/types.js';
import { readDecimal } from './decimal.js';
import { invalidValue } from './invalid.js';

export function encodeInt(type: ColumnTypeOf<'int'>, value: unknown): string {
  const expected = `a whole number of ${type.bits} bits`;
  let integer: bigint;
  if (typeof value === 'bigint') {
    integer = value;
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw invalidValue(type, value, `${expected} (past 2^53 as a string)`);
    integer = BigInt(value);
  } else if (typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value)) {
    integer = BigInt(value);
  } else {
    throw invalidValue(type, value, expected);
  }
  if (BigInt.asIntN(type.bits, integer) !== integer) throw invalidValue(type, value, expected);
  return integer.toString();
}

// Limits: PostgreSQL documentation, table "Numeric Types".
const MAX_DIGITS_BEFORE_POINT = 131_072;
const MAX_DIGITS_AFTER_POINT = 16_383;

/** Keeps the digits as they were written: `1.00` stays `1.00`. */
export function encodeNumeric(type: ColumnType, value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  const decimal = typeof text === 'string' && text.length < 150_000 ? readDecimal(text) : undefined;
  if (typeof text !== 'string' || decimal === undefined) throw invalidValue(type, value, 'a decimal number');
  if (typeof decimal === 'string') return decimal;
  const [mantissa, exponent] = text.toLowerCase().split('e');
  const scale = (mantissa!.split('.')[1]?.length ?? 0) - Number(exponent ?? 0);
  if (decimal.exponent > MAX_DIGITS_BEFORE_POINT || scale > MAX_DIGITS_AFTER_POINT) {
    throw invalidValue(type, value, 'a decimal number within the limits of numeric');
  }
  return text;
}

/**
 * The shortest text that reads back as the same double, or for `real` as the same single: a number
 * between two singles is rounded here, exactly as it would be on its way into the column.
 */
export function encodeFloat(type: ColumnTypeOf<'float'>, value: unknown): string {
  const expected = 'a number, "NaN", "Infinity" or "-Infinity"';
  const decimal = typeof value === 'string' && value.length < 2_000 ? readDecimal(value) : undefined;
  if (typeof decimal === 'string') return decimal;
  if (typeof value !== 'number' && typeof value !== 'bigint' && decimal === undefined) {
    throw invalidValue(type, value, expected);
  }
  const given = Number(value);
  const rounded = type.bits === 32 ? Math.fround(given) : given;
  const wasFinite = typeof value !== 'number' || Number.isFinite(value);
  const wasZero = decimal ? decimal.sign === 0 : given === 0;
  if ((wasFinite && !Number.isFinite(rounded)) || (rounded === 0 && !wasZero)) {
    throw invalidValue(type, value, `${expected} within the range of the type`);
  }
  return Object.is(rounded, -0) ? '-0' : String(rounded);
}
