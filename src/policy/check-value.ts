import { RivuletError } from '../../shared/errors.js';
import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { ColumnType } from '../../shared/model/types.js';
import { excerpt, invalidValue } from '../../shared/value/invalid.js';
import { isPromise } from './promise.js';

/**
 * Refuses what a policy computed by mistake and an encoder would take for something: `NaN`, which
 * compares as larger than every number, and, inside of arrays and JSON, undefined, holes, promises
 * and instances of classes, which JSON would write as `{}` or leave out. Throws `VALUE_INVALID`.
 */
export function checkValue(type: ColumnType, value: unknown): void {
  const itemType = type.kind === 'array' ? type.of : type;
  checkParts(type, value, (part) => itemType.kind !== 'json' || hasJson(part));
}

/**
 * The same for what a custom type makes of a value: the driver writes its objects as JSON, but for
 * bytes.
 */
export function checkDriverValue(type: ColumnType, value: unknown): void {
  checkParts(type, value, (part) => part instanceof Uint8Array || hasJson(part));
}

function checkParts(type: ColumnType, value: unknown, mayBe: (instance: object) => boolean): void {
  check(value, new Set());

  function check(part: unknown, above: ReadonlySet<unknown>): void {
    if (isPromise(part)) throw refused('a promise', 'a value; a policy is synchronous');
    if (typeof part === 'number' && Number.isNaN(part)) throw refused('NaN', 'a number');
    if (part instanceof Date && Number.isNaN(part.getTime())) throw refused('an invalid Date', 'a Date');
    if (part === undefined || typeof part === 'function' || typeof part === 'symbol')
      throw invalidValue(type, part, 'a value');
    if (typeof part !== 'object' || part === null) return;
    if (above.has(part)) throw invalidValue(type, value, 'a value without cycles');
    const deeper = new Set(above).add(part);
    if (Array.isArray(part)) for (let i = 0; i < part.length; i++) check(part[i], deeper);
    else if (isPlainObject(part)) for (const member of Object.values(part)) check(member, deeper);
    else if (!mayBe(part)) throw refused(excerpt(part), 'what JSON has');
  }

  function refused(what: string, expected: string): RivuletError {
    return new RivuletError('VALUE_INVALID', `${what} is no value to compare with: expected ${expected}`, {});
  }
}

function hasJson(value: object): boolean {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
