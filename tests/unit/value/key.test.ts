import { defineRelations } from 'drizzle-orm';
import { bigint, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatKey, keyOf, parseKey } from '../../../shared/value/key.js';
import { readModel } from '../../../src/model/read.js';
import { propertyOptions } from '../../support/property.js';

const relations = defineRelations({
  notes: pgTable('notes', { body: text(), slug: text().primaryKey() }),
  counters: pgTable('counters', { id: bigint({ mode: 'bigint' }).primaryKey() }),
  tokens: pgTable('tokens', { id: uuid().primaryKey() }),
  pairs: pgTable('pairs', { right: text(), left: text(), body: text() }, (t) => [
    primaryKey({ columns: [t.left, t.right] }),
  ]),
  events: pgTable('events', { at: timestamp({ withTimezone: true }), no: integer() }, (t) => [
    primaryKey({ columns: [t.at, t.no] }),
  ]),
});
const model = readModel(relations);

describe('the id of a row', () => {
  test('of one key column is its text as it is', () => {
    expect(keyOf(model.table('notes'), ['body', '50%:done'])).toBe('50%:done');
    expect(parseKey(model.table('notes'), '50%:done')).toEqual(['50%:done']);
    expect(parseKey(model.table('notes'), '')).toEqual(['']);
  });

  test('of several is joined in the order of the key, and cannot be confused', () => {
    const pairs = model.table('pairs');
    expect(keyOf(pairs, ['b:c', 'a', null])).toBe('a:b%3Ac');
    expect(keyOf(pairs, ['c', 'a:b', null])).toBe('a%3Ab:c');
    expect(keyOf(pairs, ['', '%3A', null])).toBe('%253A:');
  });

  test('gives its parts back, whatever is in them', () => {
    const part = fc.string({ unit: fc.constantFrom('a', ':', '%', '%3A', '%25', '2', '5', '3', 'A', 'é') });
    fc.assert(
      fc.property(part, part, (left, right) => {
        expect(parseKey(model.table('pairs'), formatKey([left, right]))).toEqual([left, right]);
      }),
      propertyOptions(500),
    );
  });

  test('is read into the form in which Postgres writes the key', () => {
    expect(parseKey(model.table('counters'), '+007')).toEqual(['7']);
    expect(parseKey(model.table('counters'), '9223372036854775807')).toEqual(['9223372036854775807']);
    expect(parseKey(model.table('tokens'), 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')).toEqual([
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    ]);
    const id = keyOf(model.table('events'), ['2026-01-02 03:04:05+00', '7']);
    expect(id).toBe('2026-01-02 03%3A04%3A05+00:7');
    expect(parseKey(model.table('events'), id)).toEqual(['2026-01-02 03:04:05+00', '7']);
  });

  test.each([
    ['counters', 'seven'],
    ['counters', ''],
    ['counters', '1.0'],
    ['counters', '9223372036854775808'],
    ['counters', '1; drop table counters'],
    ['tokens', '1'],
    ['notes', 'a\0'],
    ['pairs', 'a'],
    ['pairs', 'a:b:c'],
    ['pairs', 'a%:b'],
    ['pairs', 'a%3a:b'],
    ['events', 'soon:7'],
  ])('in %s %j is none', (table, id) => {
    expect(() => parseKey(model.table(table), id)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });

  test('needs every part of the key', () => {
    expect(() => keyOf(model.table('pairs'), ['b', null, null])).toThrow(TypeError);
  });
});
