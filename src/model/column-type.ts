import { is } from 'drizzle-orm';
import { type PgColumn, PgCustomColumn, PgEnumColumn, PgEnumObjectColumn } from 'drizzle-orm/pg-core';
import type { ColumnFacts, ColumnType } from '../../shared/model/types.js';
import { quoteName } from '../sql/quote.js';
import { pascalCase } from './graphql-names.js';

/** The type of a column and the cast that gives it, without modifiers. */
export interface ReadType {
  readonly type: ColumnType;
  readonly castType: string;
}

/** Base SQL types by the name that Drizzle's `getSQLType()` begins with. */
const BASE_TYPES = new Map<string, ReadType>([
  ['smallint', { type: { kind: 'int', bits: 16 }, castType: 'smallint' }],
  ['integer', { type: { kind: 'int', bits: 32 }, castType: 'integer' }],
  ['bigint', { type: { kind: 'int', bits: 64 }, castType: 'bigint' }],
  ['smallserial', { type: { kind: 'int', bits: 16 }, castType: 'smallint' }],
  ['serial', { type: { kind: 'int', bits: 32 }, castType: 'integer' }],
  ['bigserial', { type: { kind: 'int', bits: 64 }, castType: 'bigint' }],
  ['numeric', { type: { kind: 'numeric' }, castType: 'numeric' }],
  ['real', { type: { kind: 'float', bits: 32 }, castType: 'real' }],
  ['double precision', { type: { kind: 'float', bits: 64 }, castType: 'double precision' }],
  ['boolean', { type: { kind: 'bool' }, castType: 'boolean' }],
  ['text', { type: { kind: 'text', variant: 'text' }, castType: 'text' }],
  ['varchar', { type: { kind: 'text', variant: 'varchar' }, castType: 'varchar' }],
  ['char', { type: { kind: 'text', variant: 'char' }, castType: 'bpchar' }],
  ['uuid', { type: { kind: 'uuid' }, castType: 'uuid' }],
  ['date', { type: { kind: 'date' }, castType: 'date' }],
  ['time', { type: { kind: 'time', zone: false }, castType: 'time' }],
  ['time with time zone', { type: { kind: 'time', zone: true }, castType: 'timetz' }],
  ['timestamp', { type: { kind: 'timestamp', zone: false }, castType: 'timestamp' }],
  ['timestamp with time zone', { type: { kind: 'timestamp', zone: true }, castType: 'timestamptz' }],
  ['interval', { type: { kind: 'interval' }, castType: 'interval' }],
  ['json', { type: { kind: 'json', binary: false }, castType: 'json' }],
  ['jsonb', { type: { kind: 'json', binary: true }, castType: 'jsonb' }],
  ['bytea', { type: { kind: 'bytea' }, castType: 'bytea' }],
  ['inet', { type: { kind: 'inet', variant: 'inet' }, castType: 'inet' }],
  ['cidr', { type: { kind: 'inet', variant: 'cidr' }, castType: 'cidr' }],
  ['macaddr', { type: { kind: 'inet', variant: 'macaddr' }, castType: 'macaddr' }],
  ['macaddr8', { type: { kind: 'inet', variant: 'macaddr8' }, castType: 'macaddr8' }],
  ['point', { type: { kind: 'point' }, castType: 'point' }],
]);

/**
 * Reads a Drizzle column's type. Modifiers (length, precision, interval fields) are left off; a
 * custom type, or one that is not in the table above, becomes `other` and keeps its SQL type as the
 * user wrote it.
 */
export function readColumnType(column: PgColumn): ReadType {
  const item = readItemType(column);
  if (column.dimensions === 0) return item;
  return {
    type: { kind: 'array', of: item.type, dimensions: column.dimensions },
    castType: `${item.castType}[]`,
  };
}

function readItemType(column: PgColumn): ReadType {
  const sqlType = column.getSQLType();
  if (is(column, PgEnumColumn) || is(column, PgEnumObjectColumn)) {
    const { enumName, schema, enumValues } = column.enum;
    const sqlSchema = schema ?? 'public';
    const type: ColumnType = {
      kind: 'enum',
      name: pascalCase(schema === undefined ? enumName : `${schema}_${enumName}`),
      sqlSchema,
      sqlName: enumName,
      values: Object.freeze([...enumValues]),
    };
    return { type, castType: quoteName(sqlSchema, enumName) };
  }
  if (!is(column, PgCustomColumn)) {
    const base = sqlType.replace(/\s*\([^)]*\)/g, '').replace(/^interval\b.*/, 'interval');
    const known = BASE_TYPES.get(base);
    if (known) return known;
  }
  const plain = sqlType.replace(/\s*\([^)]*\)/g, '');
  return { type: { kind: 'other', sqlType }, castType: UNBOUNDED.get(plain.toLowerCase()) ?? plain };
}

/**
 * Types that mean one of length 1 where their length is left off, by the ones that hold the same
 * values of any length.
 */
const UNBOUNDED = new Map([
  ['bit', 'varbit'],
  ['char', 'bpchar'],
  ['character', 'bpchar'],
]);

/**
 * A custom type (a ULID, a branded id) whose column is plain text in the database compares as text.
 */
export function factsOf(type: ColumnType): ColumnFacts {
  const isText =
    type.kind === 'other' && /^(?:text|varchar|character varying)\s*(?:\(\s*\d+\s*\))?$/i.test(type.sqlType);
  return isText ? { equality: 'text' } : {};
}
