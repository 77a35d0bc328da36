/**
 * Dates and times as numbers, in the proleptic Gregorian calendar that Postgres uses. Years are
 * astronomical: 0 is 1 BC.
 */

export const MICROS_PER_SECOND = 1_000_000n;
export const MICROS_PER_DAY = 86_400_000_000n;

/** Above and below every finite timestamp, date and interval: `infinity` and `-infinity`. */
export const FOREVER = 1n << 100n;

/** Days since 1970-01-01; `undefined` when there is no such day. */
export function daysOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The inverse of `daysOf`. */
export function dateOf(days: number): {
  readonly year: number;
  readonly month: number;
  readonly day: number;
} {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1,
  };
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** `''`, or a dot and the digits that count: `.12` for 120,000. */
export function formatFraction(micros: bigint): string {
  return micros === 0n ? '' : `.${micros.toString().padStart(6, '0').replace(/0+$/, '')}`;
}

/** `HH:MM:SS[.ffffff]` of a number of microseconds that is not negative. */
export function formatClock(micros: bigint): string {
  const seconds = micros / MICROS_PER_SECOND;
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  return `${parts.map((part) => part.toString().padStart(2, '0')).join(':')}${formatFraction(micros % MICROS_PER_SECOND)}`;
}

/**
 * Microseconds of `HH`, `MM`, `SS`, `ffffff` as matched (the last two may be missing); `undefined`
 * past 23:59:59.999999.
 */
export function clockMicros(
  hours: string,
  minutes: string,
  seconds: string | undefined,
  fraction: string | undefined,
): bigint | undefined {
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds ?? 0)];
  if (h > 23 || m > 59 || s > 59) return undefined;
  return BigInt(h * 3600 + m * 60 + s) * MICROS_PER_SECOND + BigInt((fraction ?? '').padEnd(6, '0'));
}

/** Seconds east of UTC of `Z`, `+02`, `+0530`, `-03:30:15`; `undefined` past 15:59:59. */
export function offsetSeconds(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const digits = zone.slice(1).replaceAll(':', '').padEnd(6, '0');
  const [h, m, s] = [Number(digits.slice(0, 2)), Number(digits.slice(2, 4)), Number(digits.slice(4, 6))];
  if (h > 15 || m > 59 || s > 59) return undefined;
  const seconds = h * 3600 + m * 60 + s;
  return zone.startsWith('-') ? -seconds : seconds;
}
