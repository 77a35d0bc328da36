/**
 * A finite decimal as `sign × 0.digits × 10^exponent`; `digits` has no zeros at either end and is
 * empty for zero.
 */
interface FiniteDecimal {
  readonly sign: -1 | 0 | 1;
  readonly digits: string;
  readonly exponent: number;
}

/**
 * A `numeric` in a form in which equal values are equal parts: `1.0`, `1.00` and `1e0` read the
 * same.
 */
export type Decimal = FiniteDecimal | 'NaN' | 'Infinity' | '-Infinity';

const FINITE = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,7}))?$/;

/**
 * Reads what Postgres reads as `numeric`, without its limits on size; `undefined` when it is not a
 * number.
 */
export function readDecimal(text: string): Decimal | undefined {
  const match = FINITE.exec(text);
  if (!match) return readSpecial(text);
  const whole = match[2] ?? '';
  const fraction = match[3] ?? '';
  if (whole === '' && fraction === '') return undefined;
  const all = whole + fraction;
  let start = 0;
  while (start < all.length && all[start] === '0') start++;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end--;
  if (start === end) return { sign: 0, digits: '', exponent: 0 };
  return {
    sign: match[1] === '-' ? -1 : 1,
    digits: all.slice(start, end),
    exponent: whole.length - start + Number(match[4] ?? 0),
  };
}

function readSpecial(text: string): Decimal | undefined {
  switch (text.toLowerCase()) {
    case 'nan':
      return 'NaN';
    case 'infinity':
    case '+infinity':
    case 'inf':
      return 'Infinity';
    case '-infinity':
    case '-inf':
      return '-Infinity';
    default:
      return undefined;
  }
}

/** Postgres's order: NaN equals itself and is above everything, infinity included. */
export function compareDecimals(left: Decimal, right: Decimal): number {
  if (typeof left === 'string' || typeof right === 'string') return rank(left) - rank(right);
  if (left.sign !== right.sign) return left.sign - right.sign;
  if (left.exponent !== right.exponent) return left.exponent < right.exponent ? -left.sign : left.sign;
  if (left.digits === right.digits) return 0;
  return left.digits < right.digits ? -left.sign : left.sign;
}

function rank(value: Decimal): number {
  if (value === 'NaN') return 2;
  if (value === 'Infinity') return 1;
  return value === '-Infinity' ? -1 : 0;
}

/**
 * True when a double holds exactly this number up to its shortest decimal form, so that going
 * through it loses nothing.
 */
export function survivesDouble(text: string): boolean {
  const asNumber = Number(text);
  if (!Number.isFinite(asNumber)) return false;
  const before = readDecimal(text);
  const after = readDecimal(String(asNumber));
  return before !== undefined && after !== undefined && compareDecimals(before, after) === 0;
}
