import { FOREVER, formatClock, MICROS_PER_DAY, MICROS_PER_SECOND } from './calendar.js';

/** An interval as Postgres keeps it: three parts that do not carry into each other. */
export interface Interval {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}

export type IntervalValue = Interval | 'infinity' | '-infinity';

type IntervalPart = 'months' | 'days' | 'micros';

/** Units by name: which part they add to and how much of it. */
const UNITS = new Map<string, readonly [IntervalPart, bigint]>([
  ['year', ['months', 12n]],
  ['mon', ['months', 1n]],
  ['month', ['months', 1n]],
  ['week', ['days', 7n]],
  ['day', ['days', 1n]],
  ['hour', ['micros', 3600n * MICROS_PER_SECOND]],
  ['min', ['micros', 60n * MICROS_PER_SECOND]],
  ['minute', ['micros', 60n * MICROS_PER_SECOND]],
  ['sec', ['micros', MICROS_PER_SECOND]],
  ['second', ['micros', MICROS_PER_SECOND]],
]);

const ISO_UNITS: readonly string[] = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'];
const NUMBER = String.raw`([+-]?\d{1,18}(?:\.\d{1,6})?)`;
const ISO = new RegExp(
  `^P(?:${NUMBER}Y)?(?:${NUMBER}M)?(?:${NUMBER}W)?(?:${NUMBER}D)?(?:T(?:${NUMBER}H)?(?:${NUMBER}M)?(?:${NUMBER}S)?)?$`,
);
const WORD = new RegExp(`^${NUMBER} ?([a-z]+?)s?$`);
const CLOCK = /^([+-]?)(\d{1,12}):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const MAX_PART = 2_147_483_647n;
const MAX_MICROS = 9_223_372_036_854_775_806n;

/**
 * Reads Postgres's own output (`1 year 2 mons -3 days 04:05:06.789`), ISO 8601 durations
 * (`P1Y2M3DT4H5M6.7S`) and `infinity`. Only seconds may have a fraction: Postgres would spread any
 * other over the smaller units. `undefined` otherwise.
 */
export function readInterval(text: string): IntervalValue | undefined {
  if (text === 'infinity' || text === '-infinity') return text;
  const sums = { months: 0n, days: 0n, micros: 0n };
  const complete = text.startsWith('P') ? addIso(text, sums) : addWords(text, sums);
  if (!complete) return undefined;
  if (magnitude(sums.months) > MAX_PART || magnitude(sums.days) > MAX_PART) return undefined;
  if (magnitude(sums.micros) > MAX_MICROS) return undefined;
  return { months: Number(sums.months), days: Number(sums.days), micros: sums.micros };
}

function addIso(text: string, sums: Record<IntervalPart, bigint>): boolean {
  const match = ISO.exec(text);
  if (!match || text === 'P' || text.endsWith('T')) return false;
  return ISO_UNITS.every((unit, index) => {
    const amount = match[index + 1];
    return amount === undefined || addUnit(amount, unit, sums);
  });
}

function addWords(text: string, sums: Record<IntervalPart, bigint>): boolean {
  const tokens = text.trim().match(/[+-]?[\d.]+ [a-z]+|\S+/g);
  if (!tokens || tokens.length > 8) return false;
  return tokens.every((token) => {
    const clock = CLOCK.exec(token);
    if (clock) return addClock(clock, sums);
    const word = WORD.exec(token);
    return word !== null && addUnit(word[1]!, word[2]!, sums);
  });
}

function addClock(match: RegExpExecArray, sums: Record<IntervalPart, bigint>): boolean {
  const [, sign, hours, minutes, seconds, fraction] = match;
  if (Number(minutes) > 59 || Number(seconds) > 59) return false;
  const total = BigInt(hours!) * 3600n + BigInt(minutes!) * 60n + BigInt(seconds!);
  const micros = total * MICROS_PER_SECOND + BigInt((fraction ?? '').padEnd(6, '0'));
  sums.micros += sign === '-' ? -micros : micros;
  return true;
}

function addUnit(amount: string, name: string, sums: Record<IntervalPart, bigint>): boolean {
  const unit = UNITS.get(name);
  if (!unit) return false;
  const [part, factor] = unit;
  const [whole, fraction] = amount.split('.') as [string, string | undefined];
  if (fraction !== undefined && factor !== MICROS_PER_SECOND) return false;
  const micros = BigInt((fraction ?? '').padEnd(6, '0'));
  sums[part] += BigInt(whole) * factor + (whole.startsWith('-') ? -micros : micros);
  return true;
}

/** As Postgres writes it under `IntervalStyle=postgres`. */
export function formatInterval(value: IntervalValue): string {
  if (typeof value === 'string') return value;
  const units: readonly (readonly [number, string])[] = [
    [Math.trunc(value.months / 12), 'year'],
    [value.months % 12, 'mon'],
    [value.days, 'day'],
  ];
  const parts: string[] = [];
  let afterNegative = false;
  for (const [amount, unit] of units) {
    if (amount === 0) continue;
    const plus = afterNegative && amount > 0 ? '+' : '';
    parts.push(`${plus}${amount} ${unit}${amount === 1 ? '' : 's'}`);
    afterNegative = amount < 0;
  }
  if (value.micros !== 0n || parts.length === 0) {
    const sign = value.micros < 0n ? '-' : afterNegative ? '+' : '';
    parts.push(`${sign}${formatClock(magnitude(value.micros))}`);
  }
  return parts.join(' ');
}

/** The value that Postgres compares: a month is 30 days, a day 24 hours. */
export function intervalSpan(value: IntervalValue): bigint {
  if (typeof value === 'string') return value === 'infinity' ? FOREVER : -FOREVER;
  return BigInt(value.months * 30 + value.days) * MICROS_PER_DAY + value.micros;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
