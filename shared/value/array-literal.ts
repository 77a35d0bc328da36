import type { ColumnType } from '../model/types.js';

/** The elements of a Postgres array: texts, NULLs, or arrays of the next dimension. */
export type ArrayElements = readonly ArrayElement[];
export type ArrayElement = string | null | ArrayElements;

export interface PgArray {
  readonly elements: ArrayElements;
  /**
   * `[0:2]` where the array does not start at 1 (it is then another value for Postgres); else `''`.
   */
  readonly bounds: string;
}

/** The delimiter of the items: a comma for every type except `box`, whose own text has commas. */
export type ArrayDelimiter = ',' | ';';

interface ArrayReading {
  readonly text: string;
  readonly delimiter: ArrayDelimiter;
  at: number;
}

/** Reads what Postgres writes for an array; throws `TypeError` on anything else. */
export function readArray(text: string, delimiter: ArrayDelimiter = ','): PgArray {
  const match = /^((?:\[-?\d+:-?\d+\])*)=/.exec(text);
  const state = { text, delimiter, at: match ? match[0].length : 0 };
  const elements = readElements(state);
  if (state.at !== text.length) throw malformed(text);
  return { elements, bounds: match?.[1] ?? '' };
}

function readElements(state: ArrayReading): ArrayElements {
  const { text, delimiter } = state;
  if (text[state.at++] !== '{') throw malformed(text);
  const elements: ArrayElement[] = [];
  if (text[state.at] === '}') {
    state.at++;
    return elements;
  }
  for (;;) {
    elements.push(readElement(state));
    const next = text[state.at++];
    if (next === '}') return elements;
    if (next !== delimiter) throw malformed(text);
  }
}

function readElement(state: ArrayReading): ArrayElement {
  const first = state.text[state.at];
  if (first === '{') return readElements(state);
  if (first === '"') return readQuoted(state);
  const start = state.at;
  while (
    state.at < state.text.length &&
    state.text[state.at] !== state.delimiter &&
    state.text[state.at] !== '}'
  )
    state.at++;
  const bare = state.text.slice(start, state.at);
  return bare === 'NULL' ? null : bare;
}

function readQuoted(state: ArrayReading): string {
  const { text } = state;
  let result = '';
  let start = ++state.at;
  for (;;) {
    const char = text[state.at];
    if (char === undefined) throw malformed(text);
    if (char === '"') break;
    if (char === '\\') {
      result += text.slice(start, state.at);
      start = ++state.at;
    }
    state.at++;
  }
  return result + text.slice(start, state.at++);
}

/**
 * The literal that Postgres reads as this array; every element is quoted, so no element can end it.
 */
export function formatArray(elements: ArrayElements, delimiter: ArrayDelimiter = ','): string {
  const parts = elements.map((element) => {
    if (element === null) return 'NULL';
    if (typeof element !== 'string') return formatArray(element, delimiter);
    return `"${element.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  });
  return `{${parts.join(delimiter)}}`;
}

/** The delimiter of a type's arrays. */
export function delimiterOf(type: ColumnType): ArrayDelimiter {
  return type.kind === 'other' && /^(?:pg_catalog\.)?box$/i.test(type.sqlType) ? ';' : ',';
}

/**
 * True if the array has the declared number of dimensions, which Postgres does not enforce. An
 * empty array has any number.
 */
export function hasDimensions({ elements }: PgArray, declared: number): boolean {
  let depth = 1;
  for (let level: ArrayElement | undefined = elements[0]; Array.isArray(level); level = level[0]) depth++;
  return elements.length === 0 || depth === declared;
}

function malformed(text: string): TypeError {
  return new TypeError(`not a Postgres array: ${text.slice(0, 80)}`);
}
