import { RivuletError } from '../errors.js';
import type { ColumnType } from '../model/types.js';
import { type ArrayElement, delimiterOf, hasDimensions, readArray } from './array-literal.js';
import { base64OfHex } from './bytes.js';
import { describeType } from './describe.js';
import { parseJson } from './json.js';

/**
 * The value that GraphQL shows for Postgres's text (`column::text`), always something that JSON
 * carries unchanged:
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
 * | arrays | nested lists with `null`; where an array starts, which is part of Postgres's value, is not shown |
 * | all others | Postgres's text; `char(n)` without its padding |
 *
 * Throws `VALUE_NOT_SHOWN` on an array of other dimensions than are declared and on an enum's label
 * that is not.
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
      const array = readArray(text, delimiterOf(type.of));
      if (!hasDimensions(array, type.dimensions)) throw notShown(type, 'an array of other dimensions');
      return array.elements.map(decode);
    }
    case 'enum':
      if (!type.values.includes(text)) throw notShown(type, 'a label that the schema does not know');
      return text;
    case 'numeric':
    case 'uuid':
    case 'date':
    case 'time':
    case 'interval':
    case 'other':
      return text;
  }
}

function notShown(type: ColumnType, what: string): RivuletError {
  const name = describeType(type);
  return new RivuletError('VALUE_NOT_SHOWN', `${name} cannot represent what is stored: ${what}`, {
    type: name,
  });
}

/** `char(n)` without its padding: only blanks count as such. */
export function trimBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === ' ') end--;
  return text.slice(0, end);
}

/**
 * As the wire protocol writes an `inet`, whose cast to text alone always shows the prefix length.
 */
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
