import { RivuletError } from '../errors.js';
import type { ColumnType } from '../model/types.js';
import { describeType } from './describe.js';

/** The error for a value that `type` cannot hold. `expected` completes "expected …". */
export function invalidValue(type: ColumnType, value: unknown, expected: string): RivuletError {
  const name = describeType(type);
  return new RivuletError('VALUE_INVALID', `${excerpt(value)} is not a valid ${name}: expected ${expected}`, {
    type: name,
  });
}

/** A value as an error message may repeat it: short, on one line. */
export function excerpt(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }
  if (typeof value === 'bigint') return value.toString().slice(0, 60);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return 'a list';
  return value instanceof Date ? 'a Date' : 'an object';
}
