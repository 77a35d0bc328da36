import type { ColumnType } from '../model/types.js';
import { type ArrayElement, readArray } from './array-literal.js';
import { base64OfHex } from './bytes.js';
import { parseJson } from './json.js';

/**
 * The value that GraphQL shows for Postgres's text (`column::text`), always something that JSON carries unchanged:
 *
 * | type | value |
 * | --- | --- |
 * | smallint, integer | number |
 * | bigint, numeric | decimal string |
 * | real, double precision | number, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
 * | boolean | boolean |
 * | timestamptz | `2026-01-02T03:04:05.123456Z`; timestamp the same without `Z`; `infinity` and years BC as Postgres writes them |
 * | json, jsonb | the parsed value; a number that a double cannot hold is a string (see `parseJson`) |
 * | bytea | base64 |
 * | point | `{ x, y }` |
 * | inet | the address, with `/bits` unless it is the whole address |
 * | arrays | nested lists with `null` |
 * | all others | Postgres's text; `char(n)` without its padding |
 */
export function decodeValue(type: ColumnType, text: string): unknown {
  switch (type.kind) {
    case 'int':
      return type.bits === 64 ? text : Number(text);
    case 'float':
      return decodeFloat(text);
    case 'bool':
      return text === 'true' || text === 't';
    case 'text':
      return type.variant === 'char' ? trimBlanks(text) : text;
    case 'timestamp':
      return decodeTimestamp(text, type.zone);
    case 'json':
      return parseJson(text);
    case 'bytea':
      return base64OfHex(text);
    case 'inet':
      return type.variant === 'inet' ? shortInet(text) : text;
    case 'point': {
      const [x, y] = text.slice(1, -1).split(',');
      return { x: decodeFloat(x!), y: decodeFloat(y!) };
    }
    case 'array': {
      const decode = (element: ArrayElement): unknown => {
        if (element === null) return null;
        return typeof element === 'string' ? decodeValue(type.of, element) : element.map(decode);
      };
      return readArray(text).elements.map(decode);
    }
    case 'numeric':
    case 'uuid':
    case 'date':
    case 'time':
    case 'interval':
    case 'enum':
    case 'other':
      return text;
  }
}

/** `char(n)` without its padding: only blanks count as such. */
export function trimBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === ' ') end--;
  return text.slice(0, end);
}

/** As the wire protocol writes an `inet`, whose cast to text alone always shows the prefix length. */
export function shortInet(text: string): string {
  return text.replace(text.includes(':') ? /\/128$/ : /\/32$/, '');
}

function decodeFloat(text: string): number | string {
  const value = Number(text);
  // JSON has no negative zero, and Postgres takes both for equal.
  return Number.isFinite(value) ? value + 0 : text;
}

function decodeTimestamp(text: string, zone: boolean): string {
  if (text.endsWith('infinity') || text.endsWith(' BC')) return text;
  const iso = text.replace(' ', 'T');
  return zone ? iso.replace(/\+00$/, 'Z') : iso;
}
