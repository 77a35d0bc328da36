import { survivesDouble } from './decimal.js';

/**
 * Parses JSON that Postgres wrote. A number that a double cannot hold (`12345678901234567890`,
 * `1e400`, thirty decimal places) becomes a string with the same digits, so that it is never
 * silently another number; all others are numbers.
 */
export function parseJson(text: string): unknown {
  return JSON.parse(hasLongNumber(text) ? quoteLossyNumbers(text) : text);
}

/** A quick test that may say yes too often: sixteen digits in a row, or an exponent. */
function hasLongNumber(text: string): boolean {
  return /[\d.]{16}|\d[eE][+-]?\d/.test(text);
}

function quoteLossyNumbers(text: string): string {
  let result = '';
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '"') {
      at = endOfString(text, at);
    } else if (char === '-' || (char >= '0' && char <= '9')) {
      let end = at + 1;
      while (end < text.length && /[\d.eE+-]/.test(text[end]!)) end++;
      const number = text.slice(at, end);
      if (!survivesDouble(number)) {
        result += `${text.slice(copied, at)}"${number}"`;
        copied = end;
      }
      at = end;
    } else {
      at++;
    }
  }
  return result + text.slice(copied);
}

/** The place after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/**
 * JSON text of a value for Postgres; throws `TypeError`, with the reason, on what JSON or Postgres
 * would lose or refuse: NaN, infinities, functions, cycles, NUL characters and halves of surrogate
 * pairs. A bigint is written as a number.
 */
export function formatJson(value: unknown): string {
  return format(value, new Set());
}

function format(value: unknown, above: Set<object>): string {
  switch (typeof value) {
    case 'string':
      if (/\0|\p{Surrogate}/u.test(value))
        throw new TypeError('text without NUL characters and broken surrogates');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('finite numbers');
      return String(value);
    case 'bigint':
      return value.toString();
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : formatObject(value, above);
    default:
      throw new TypeError('values that JSON has');
  }
}

function formatObject(value: object, above: Set<object>): string {
  if (above.has(value)) throw new TypeError('a value without cycles');
  if (above.size >= 500) throw new TypeError('at most 500 levels');
  above.add(value);
  let result: string;
  if (Array.isArray(value)) {
    result = `[${value.map((item) => format(item, above)).join(',')}]`;
  } else if ('toJSON' in value && typeof value.toJSON === 'function') {
    result = format(value.toJSON(), above);
  } else {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => `${format(name, above)}:${format(member, above)}`);
    result = `{${members.join(',')}}`;
  }
  above.delete(value);
  return result;
}
