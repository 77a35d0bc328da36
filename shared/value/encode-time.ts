import type { ColumnType, ColumnTypeOf } from '../model/types.js';
import { MICROS_PER_DAY } from './calendar.js';
import { formatDate, formatTime, formatTimestamp, readDate, readTime, readTimestamp } from './date-time.js';
import { formatInterval, readInterval } from './interval.js';
import { invalidValue } from './invalid.js';

/** A `Date` counts by its UTC day. */
export function encodeDate(type: ColumnType, value: unknown): string {
  const text = value instanceof Date ? utcText(value)?.replace(/ \d\d:[\d:.]+/, '') : value;
  const days = typeof text === 'string' ? readDate(text) : undefined;
  if (days === undefined) throw invalidValue(type, value, 'a date such as 2026-01-31');
  return formatDate(days);
}

/** A `Date` counts by its UTC wall clock where the type has no zone. */
export function encodeTimestamp(type: ColumnTypeOf<'timestamp'>, value: unknown): string {
  const text = value instanceof Date ? utcText(value) : value;
  const read = typeof text === 'string' ? readTimestamp(text) : undefined;
  const example = type.zone ? '2026-01-31T12:00:00.123456Z' : '2026-01-31T12:00:00.123456';
  if (!read) throw invalidValue(type, value, `a time such as ${example}, to the microsecond at most`);
  if (!type.zone && read.offset !== undefined && !/^z$/i.test(read.offset)) {
    throw invalidValue(type, value, `a time without an offset, such as ${example}`);
  }
  return formatTimestamp(read.micros, type.zone);
}

export function encodeTime(type: ColumnTypeOf<'time'>, value: unknown): string {
  const time = typeof value === 'string' ? readTime(value, type.zone) : undefined;
  if (!time)
    throw invalidValue(type, value, `a time of day such as ${type.zone ? '12:00:00+02' : '12:00:00.123456'}`);
  return formatTime(time, type.zone);
}

export function encodeInterval(type: ColumnType, value: unknown): string {
  const interval = typeof value === 'string' && value.length < 200 ? readInterval(value) : undefined;
  if (!interval) throw invalidValue(type, value, 'an interval such as "1 day 02:00:00" or "P1DT2H"');
  return formatInterval(interval);
}

/** The wall clock of a `Date` in UTC as Postgres writes it; `undefined` for an invalid one. */
function utcText(value: Date): string | undefined {
  const millis = value.getTime();
  if (Number.isNaN(millis) || BigInt(millis) * 1000n > 106_751_991n * MICROS_PER_DAY) return undefined;
  return formatTimestamp(BigInt(millis) * 1000n, false);
}
