import type { ModelColumn } from '../../shared/model/types.js';

/** Cast names (`ModelColumn.castType`) that `format_type` spells otherwise. */
const SPELLINGS: Readonly<Record<string, string>> = {
  varchar: 'character varying',
  bpchar: 'character',
  time: 'time without time zone',
  timetz: 'time with time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
};

/**
 * A column's type as the change log names it: as `format_type` spells Postgres's own types without
 * modifiers, others quoted with their schema, an array as its elements with `[]` whatever its
 * dimensions. `null`: a type that Rivulet carries as text and does not look into. The SQL of the
 * change log makes the same names of what the database has.
 */
export function typeName({ type, castType }: ModelColumn): string | null {
  const item = type.kind === 'array' ? type.of : type;
  if (item.kind === 'other') return null;
  const suffix = type.kind === 'array' ? '[]' : '';
  const base = suffix === '' ? castType : castType.slice(0, -suffix.length);
  return (SPELLINGS[base] ?? base) + suffix;
}

/** Types whose text reads, and compares, as `key`'s does. */
const NARROWER: Readonly<Record<string, readonly string[]>> = {
  integer: ['smallint'],
  bigint: ['integer', 'smallint'],
  numeric: ['bigint', 'integer', 'smallint'],
  text: ['character varying'],
  'character varying': ['text'],
};

/**
 * The names of the types that a column declared as `name` may have in the database, the declared
 * one first.
 */
export function readableTypes(name: string): readonly string[] {
  const [, base, suffix] = /^(.*?)(\[\])?$/s.exec(name)!;
  return [name, ...(NARROWER[base!] ?? []).map((each) => each + (suffix ?? ''))];
}

/**
 * True if values of type `actual` can be read as the column's type. Unknown types are taken to be
 * right.
 */
export function isReadableAs(declared: string | null, actual: string | null): boolean {
  return declared === null || actual === null || readableTypes(declared).includes(actual);
}
