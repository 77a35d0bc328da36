import {
  clockMicros,
  dateOf,
  daysOf,
  FOREVER,
  formatClock,
  MICROS_PER_DAY,
  MICROS_PER_SECOND,
  offsetSeconds,
} from './calendar.js';

const ZONE = String.raw`(Z|z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)`;
const CLOCK = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?`;
const DATE = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/;
const TIMESTAMP = new RegExp(`^(\\d{4,6})-(\\d\\d)-(\\d\\d)(?:[T ]${CLOCK}${ZONE}?)?( BC)?$`);
const TIME = new RegExp(`^${CLOCK}$`);
const TIME_WITH_ZONE = new RegExp(`^${CLOCK}${ZONE}$`);

// Limits: PostgreSQL documentation, table "Date/Time Types".
const FIRST_DAY = daysOf(-4713, 11, 24)!;
const LAST_DATE = daysOf(5_874_897, 12, 31)!;
const TIMESTAMP_END = BigInt(daysOf(294_277, 1, 1)!) * MICROS_PER_DAY;
const TIMESTAMP_START = BigInt(FIRST_DAY) * MICROS_PER_DAY;

/**
 * Days since 1970-01-01 of `YYYY-MM-DD[ BC]`, `infinity` or `-infinity`; `undefined` for anything
 * else.
 */
export function readDate(text: string): bigint | undefined {
  const match = DATE.exec(text);
  if (!match) return readInfinity(text);
  const days = daysOfMatch(match, match[4]);
  return days === undefined || days < FIRST_DAY || days > LAST_DATE ? undefined : BigInt(days);
}

/** Microseconds since 1970-01-01 00:00, in UTC where `zone`. */
export interface TimestampText {
  readonly micros: bigint;
  /** The offset as written; `undefined`: none. */
  readonly offset: string | undefined;
}

/**
 * Reads Postgres's own output and ISO 8601: a date, then optionally `T` or a blank, a time of day
 * to the microsecond and an offset; also `… BC`, `infinity`, `-infinity`. Without an offset it is
 * taken as UTC.
 */
export function readTimestamp(text: string): TimestampText | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) {
    const micros = readInfinity(text);
    return micros === undefined ? undefined : { micros, offset: undefined };
  }
  const days = daysOfMatch(match, match[9]);
  const clock = match[4] === undefined ? 0n : clockMicros(match[4], match[5]!, match[6], match[7]);
  const offset = match[8] === undefined ? 0 : offsetSeconds(match[8]);
  if (days === undefined || clock === undefined || offset === undefined) return undefined;
  const micros = BigInt(days) * MICROS_PER_DAY + clock - BigInt(offset) * MICROS_PER_SECOND;
  return micros < TIMESTAMP_START || micros >= TIMESTAMP_END ? undefined : { micros, offset: match[8] };
}

/**
 * A time of day: microseconds since midnight (24:00 included) and, where the type has a zone,
 * seconds east of UTC.
 */
export interface TimeOfDay {
  readonly micros: bigint;
  readonly offset: number;
}

export function readTime(text: string, zone: boolean): TimeOfDay | undefined {
  const match = (zone ? TIME_WITH_ZONE : TIME).exec(text);
  if (!match) return undefined;
  const offset = zone ? offsetSeconds(match[5]!) : 0;
  if (offset === undefined) return undefined;
  const micros = clockMicros(match[1]!, match[2]!, match[3], match[4]);
  if (micros !== undefined) return { micros, offset };
  return /^24:00(:00(\.0+)?)?$/.test(text.slice(0, zone ? text.length - match[5]!.length : undefined))
    ? { micros: MICROS_PER_DAY, offset }
    : undefined;
}

/** As Postgres writes it: `2026-01-02`, `0044-03-15 BC`, `infinity`. */
export function formatDate(days: bigint): string {
  return formatInfinity(days) ?? withEra(days, '');
}

/** As Postgres writes it under `TimeZone=UTC`: `2026-01-02 03:04:05.12`, `… +00 BC`. */
export function formatTimestamp(micros: bigint, zone: boolean): string {
  const infinity = formatInfinity(micros);
  if (infinity) return infinity;
  const clock = ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
  return withEra((micros - clock) / MICROS_PER_DAY, ` ${formatClock(clock)}${zone ? '+00' : ''}`);
}

/** As Postgres writes it: `03:04:05.12`, `03:04:05+05:30`. */
export function formatTime(time: TimeOfDay, zone: boolean): string {
  if (!zone) return formatClock(time.micros);
  const seconds = Math.abs(time.offset);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop();
  const offset = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${formatClock(time.micros)}${time.offset < 0 ? '-' : '+'}${offset}`;
}

function daysOfMatch(match: RegExpExecArray, era: string | undefined): number | undefined {
  const year = Number(match[1]);
  if (year === 0) return undefined;
  return daysOf(era ? 1 - year : year, Number(match[2]), Number(match[3]));
}

function withEra(days: bigint, rest: string): string {
  const { year, month, day } = dateOf(Number(days));
  const shown = (year > 0 ? year : 1 - year).toString().padStart(4, '0');
  const date = `${shown}-${month.toString().padStart(2, '0')}-${day.toString().padStart(2, '0')}`;
  return `${date}${rest}${year > 0 ? '' : ' BC'}`;
}

function readInfinity(text: string): bigint | undefined {
  if (text === 'infinity') return FOREVER;
  return text === '-infinity' ? -FOREVER : undefined;
}

function formatInfinity(value: bigint): string | undefined {
  if (value === FOREVER) return 'infinity';
  return value === -FOREVER ? '-infinity' : undefined;
}
